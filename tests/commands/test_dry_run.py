"""`--dry_run`: what it says, and that it leaves nothing behind."""

import os

from conftest import ROOT

# Nobody names them, so they change nothing.
BROKEN = {
    "broken_exit.py": "raise SystemExit(7)",
    "broken_syntax.py": "def build(:",
}


def test_networks_and_memory_of_a_recipe_beside_broken_plugins(
    install, site, fresh_python, tmp_path
):
    install(
        "ganzoo-broken",
        "0.1",
        {
            "ganzoo.generators": ["exits = broken_exit:build"],
            "ganzoo.losses": ["syntax = broken_syntax:build"],
            "ganzoo.nothing": ["odd = broken_syntax:build"],
        },
        BROKEN,
    )
    work = tmp_path / "work"
    work.mkdir()
    done = fresh_python(
        f"""
        import sys
        from ganzoo.run import run
        sys.exit(run([
            "ganzoo",
            "--dry_run",
            "--gin_file={ROOT / "gin" / "digits_mlp.gin"}",
            "--gin_param=generators.mlp.hidden_units = (10, 20)",
            "--gin_param=discriminators.maxout_mlp.hidden_units = (3,)",
            "--gin_param=discriminators.maxout_mlp.num_pieces = 2",
            "--gin_param=optimizers.adam.learning_rate = 0.001",
        ]))
        """,
        site,
        cwd=work,
    )
    assert done.returncode == 0, done.stderr
    assert os.listdir(work) == []
    sections = done.stdout.split("\n\n")
    titles = [section.splitlines()[0] for section in sections]
    assert titles == [
        "components",
        "bindings",
        "generator: generator",
        "discriminator: discriminator",
        "memory on each replica",
    ]
    rows = [
        [line.split() for line in section.splitlines()[1:]]
        for section in sections
    ]
    assert "broken" not in sections[0]
    assert "ganzoo.generators.mlp.hidden_units = (10, 20)" in sections[1]
    generator = {row[0]: row[1:] for row in rows[2]}
    # 32 -> 10 -> 20 -> 64, each with biases.
    sizes = {"hidden_0": 33 * 10, "hidden_1": 11 * 20, "output": 21 * 64}
    for name, size in sizes.items():
        assert generator[name][-1] == f"{size:,}"
    assert generator["samples"] == ["Reshape", "(None,", "8,", "8,", "1)", "0"]
    discriminator = {row[0]: row[1:] for row in rows[3]}
    assert discriminator["hidden_0"] == ["MaxoutDense", "(None,", "3)", "390"]
    assert discriminator["output"] == ["Dense", "(None,", "1)", "4"]
    memory = {
        " ".join(row[:-4]): int(row[-4].replace(",", "")) for row in rows[4]
    }
    g, d = sum(sizes.values()), 390 + 4
    assert memory["generator"] == g
    # Adam: two moments of each weight, a count and a learning rate.
    assert memory["generator optimizer"] == 2 * g + 2
    assert memory["generator average (EMA)"] == g
    assert memory["discriminator optimizer"] == 2 * d + 2
    # Layers of dropout keep the state of a random generator.
    assert memory["discriminator"] >= d
    assert memory["in all"] == sum(memory.values()) - memory["in all"]


def test_needs_a_recipe(fresh_python):
    done = fresh_python(
        """
        import sys
        from ganzoo.run import run
        sys.exit(run(["ganzoo", "--dry_run"]))
        """
    )
    assert done.returncode == 2
    assert done.stderr == (
        "Error: `--dry_run` needs a recipe. Received: none. Add "
        "--gin_file=FILE or --run_dir=RUN.\n"
    )
