import json
import re
import signal
import statistics
import subprocess
import sys
import time

import pytest

from conftest import ROOT
from ganzoo.errors import ConfigurationError, RunError
from ganzoo.scores.result_tables import Table

DIGITS = """
page = "page.md"
params = [
    "train.num_steps = 20", "train.log_every_steps = 5",
    "evaluate.evaluators = [@evaluators.parzen()]",
    "evaluators.parzen.num_samples = 100",
]

[[columns]]
title = "raw weights"
name = "parzen_log_likelihood"
weights = "raw"

[[rows]]
title = "As it is"
recipe = "RECIPE"
seeds = [1, 2]

[[rows]]
title = "No such batch"
recipe = "RECIPE"
params = ["train.batch_size = -1"]
seeds = [1]
""".replace("RECIPE", str(ROOT / "gin" / "digits_mlp.gin"))
PAGE = "# Page\n\n<!-- table: digits -->\nold\n<!-- end -->\n\nAfter.\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits.toml").write_text(DIGITS)
    (tmp_path / "page.md").write_text(PAGE)
    return tmp_path


def finish(run, values, step=20):
    """Leaves what a run leaves that came to these values."""
    run.path.mkdir(parents=True)
    results = [
        {
            "name": "parzen_log_likelihood",
            "value": value,
            "protocol": {
                "weights": weights,
                "step": step,
                "standard_error": 1.25,
            },
        }
        for weights, value in values.items()
    ]
    run.record.write_text(
        json.dumps({"asked": run.commands(), "results": results})
    )
    lines = [
        {"step": 5 * i, "wall_time": wall_time}
        # One pause of an hour between two sessions.
        for i, wall_time in enumerate([0, 60, 3660, 3720], start=1)
    ]
    # Numbers that were evaluated at a step are a line of their own.
    lines.append({"step": 20, "wall_time": 3720, "parzen/raw": 1.0})
    text = "\n".join(map(json.dumps, lines))
    (run.path / "metrics.jsonl").write_text(text)


def test_a_table_with_nothing_done_says_so_and_keeps_the_rest(folder):
    Table("digits.toml").write()
    page = (folder / "page.md").read_text()
    assert page.startswith("# Page\n\n<!-- table: digits -->\n|")
    assert page.endswith("<!-- end -->\n\nAfter.\n")
    assert "\n\nNot done yet: As it is; No such batch.\n" in page
    assert "| As it is |" not in page
    assert "`train.num_steps = 20`" in page
    assert "old" not in page


def test_one_run_shows_its_error_and_several_their_spread(folder):
    table = Table("digits.toml")
    first, second = table.runs(table.rows[0])
    finish(first, {"raw": 10.0, "ema": 99.0})
    assert "| As it is | 10.0 ± 1.2 [1 of 2 runs not done] | 20 | 4 |" in (
        table.markdown()
    )
    finish(second, {"raw": 13.0})
    spread = statistics.stdev([10.0, 13.0])
    assert (
        f"| As it is | 11.5, s = {spread:.3g} (10.0, 13.0) | 20 | 4 |"
        in table.markdown()
    )


def test_a_run_counts_only_for_what_was_asked(folder):
    table = Table("digits.toml")
    finish(next(table.runs(table.rows[0])), {"raw": 10.0})
    text = DIGITS.replace("num_steps = 20", "num_steps = 30")
    (folder / "digits.toml").write_text(text)
    assert "Not done yet: As it is;" in Table("digits.toml").markdown()


def test_a_number_that_no_evaluator_yielded_is_named(folder):
    table = Table("digits.toml")
    finish(next(table.runs(table.rows[0])), {"ema": 10.0})
    with pytest.raises(
        RunError,
        match=re.escape(
            "Column 'raw weights' wants 'parzen_log_likelihood' of the 'raw' "
            "weights. Received: ['parzen_log_likelihood']."
        ),
    ):
        table.markdown()


def test_a_metric_of_the_log_is_a_column_and_a_figure(folder):
    text = DIGITS.replace(
        "[[rows]]",
        """[[columns]]
title = "diversity"
metric = "sample_diversity"

[[figures]]
image = "images/diversity.png"
metric = "sample_diversity"

[[rows]]""",
        1,
    )
    (folder / "digits.toml").write_text(text)
    table = Table("digits.toml")
    run = next(table.runs(table.rows[0]))
    finish(run, {"raw": 10.0})
    with pytest.raises(
        RunError,
        match=re.escape(
            "Column 'diversity' wants 'sample_diversity' of "
            "runs/digits/as-it-is/seed-1/metrics.jsonl. Received: "
            "['parzen/raw', 'step', 'wall_time']."
        ),
    ):
        table.markdown()
    with open(run.path / "metrics.jsonl", "a") as log:
        line = {"step": 25, "wall_time": 3780, "sample_diversity": 0.25}
        log.write("\n" + json.dumps(line))
    assert "| 10.0 ± 1.2 [1 of 2 runs not done] | 0.25 | 20 | 5 |" in (
        table.markdown()
    )
    table.draw(**table.figures[0])
    assert (folder / "images" / "diversity.png").read_bytes()[1:4] == b"PNG"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("[[rows]]\ntitle", "[[rows]]\ntittle"), "has no entry 'tittle'."),
        (("seeds = [1]", ""), "digits.toml: a row needs an entry 'seeds'."),
        (('weights = "raw"', ""), "a column needs an entry 'weights'."),
        (("[[columns]]", "[[column]]"), "has no entry 'column'. Did you mean"),
        (("[[rows]]", "[[rows"), "`--table` must name a TOML file."),
    ],
)
def test_a_table_that_says_nonsense_is_refused(folder, change, message):
    (folder / "digits.toml").write_text(DIGITS.replace(*change))
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        Table("digits.toml")


def test_a_page_without_the_marks_is_refused_before_anything_runs(folder):
    (folder / "page.md").write_text("# Page\n")
    with pytest.raises(
        RunError,
        match=re.escape("page.md must hold <!-- table: digits --> and, after"),
    ):
        Table("digits.toml").reproduce()
    assert not (folder / "runs").exists()


@pytest.mark.parametrize("path", sorted((ROOT / "tables").glob("*.toml")))
def test_the_tables_of_the_docs_can_be_read_and_have_a_place(path):
    table = Table(str(path))
    page = (ROOT / table.page).read_text()
    assert f"<!-- table: {path.stem} -->" in page
    for row in table.rows:
        assert (ROOT / row["recipe"]).exists()
    slugs = [run.path for row in table.rows for run in table.runs(row)]
    assert len(set(slugs)) == len(slugs)


def reproduce(folder):
    return subprocess.Popen(
        [sys.executable, "-m", "ganzoo.run", "--mode=reproduce"]
        + ["--table=digits.toml"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_a_table_is_run_stopped_and_gone_on_with(folder):
    process = reproduce(folder)
    metrics = folder / "runs/digits/as-it-is/seed-1/metrics.jsonl"
    while not metrics.exists() or not metrics.read_text():
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate()
    assert process.returncode == 2
    assert "was stopped, and saved. Give the same command to go on." in errors
    assert "Not done yet: As it is;" in (folder / "page.md").read_text()

    process = reproduce(folder)
    output, errors = process.communicate()
    assert process.returncode == 1  # The third run cannot be built.
    page = (folder / "page.md").read_text()
    values = []
    for seed in (1, 2):
        run = folder / f"runs/digits/as-it-is/seed-{seed}"
        (result, *_) = json.loads((run / "evaluation.json").read_text())
        values.append(result["value"])
    each = ", ".join(f"{value:.1f}" for value in values)
    assert f"({each}) | 20 |" in page
    assert "| No such batch |  [1 of 1 runs failed: Error: " in page
    assert "batch_size" in page

    process = reproduce(folder)
    output, _ = process.communicate()
    assert output.count("--mode=train") == 1  # That which failed, alone.
