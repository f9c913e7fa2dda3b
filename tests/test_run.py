"""The command line as a person meets it: flags, messages, exit statuses."""

import json
import os
import re
import subprocess
import sys

import pytest

from conftest import ROOT
from ganzoo.run import run

RECIPE = str(ROOT / "gin" / "digits_mlp.gin")


def say(capsys, *arguments):
    """Runs a command line; returns its status and what it said."""
    status = run(["ganzoo", *arguments])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_help_names_every_flag_and_mode(capsys):
    status, out, _ = say(capsys, "--help")
    assert status == 0
    for flag in ("--gin_file", "--gin_param", "--run_dir", "--mode", "--list"):
        assert flag in out
    assert "evaluate" in out


def test_list_shows_the_built_ins(capsys):
    status, out, _ = say(capsys, "--list")
    assert status == 0
    assert re.search(r"^  maxout_mlp +ganzoo ", out, re.M)


def test_describe_shows_a_signature(capsys):
    status, out, _ = say(capsys, "--describe=generators.mlp")
    assert status == 0
    assert "hidden_units" in out
    assert "sample_shape" in out


def test_a_checkpoint_by_its_step_has_numbers_of_its_own(short_run, capsys):
    folder, _ = short_run
    newest = (folder / "evaluation.json").read_text()
    chosen = [f"--run_dir={folder}", "--checkpoint=10"]
    status, _, err = say(capsys, *chosen, "--mode=evaluate,figures,report")
    assert status == 0, err
    assert (folder / "evaluation.json").read_text() == newest
    own = folder / "evaluation-step-00000010.json"
    results = json.loads(own.read_text())
    assert {r["protocol"]["step"] for r in results} == {10}
    figures = json.loads((folder / "figures" / "figures.json").read_text())
    assert "Step 10," in figures[0]["caption"]
    page = (folder / "report.html").read_text()
    assert "parzen_log_likelihood, raw weights, step 10<" in page
    assert "parzen_log_likelihood, raw weights, step 20<" in page

    for name in ("7", "\N{SUPERSCRIPT TWO}"):
        status, _, err = say(
            capsys, *chosen[:1], f"--checkpoint={name}", "--mode=export"
        )
        assert status == 2
        assert f"Received: {name}. There are: 10, 20; best: " in err


@pytest.mark.parametrize("mode", ["train,evaluate", "report", "serve"])
def test_checkpoint_is_refused_where_nothing_works_on_one(capsys, mode):
    status, _, err = say(capsys, "--checkpoint=best", f"--mode={mode}")
    assert status == 2
    assert (
        "`--checkpoint` is for a run in --mode=evaluate,figures,export,sample. "
        f"Received: --mode={mode}. Leave out the flag, or what does not go "
        "with it."
    ) in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Error: There is nothing to do. Give a recipe with --gin_file"),
        (
            ["--gin_fil=x"],
            "Error: Unknown command line flag 'gin_fil'. Did you mean: "
            "gin_file ? See --help.",
        ),
        (
            ["recipe.gin"],
            "Error: Every argument must be a flag. Received: 'recipe.gin'.",
        ),
        (
            ["--mode=trian", f"--gin_file={RECIPE}"],
            "Error: No mode named 'trian'. Did you mean 'train'? There are: ",
        ),
        (
            [f"--gin_file={RECIPE.replace('digits', 'digit')}"],
            "Did you mean 'digits_mlp.gin'?",
        ),
        (["--run_dir=nowhere"], "Error: nowhere holds no run: "),
        (
            [
                "--mode=sample",
                "--run_dir=x",
                "--output=x.png",
                f"--sample_seed={10**20}",
            ],
            "`--sample_seed` must be an integer of 64 bits. Received: 1000000",
        ),
        (["--describe=generators.mpl"], "Did you mean 'mlp'?"),
        (["--describe=genrators.mlp"], "Did you mean 'generators'?"),
        (
            [f"--gin_file={RECIPE}", "--gin_param=train.num_step = 3"],
            "`train` has no parameter 'num_step'. Did you mean 'num_steps'?",
        ),
        (
            [f"--gin_file={RECIPE}", "--gin_param=train.num_steps = %N"],
            "No macro named 'N'.",
        ),
        (
            [
                f"--gin_file={RECIPE}",
                "--gin_param=evaluate.evaluators = [@evaluators.parzn()]",
            ],
            "No evaluator named 'parzn'. Did you mean 'parzen'?",
        ),
    ],
)
def test_a_slip_is_one_line_and_status_2(
    capsys, tmp_path, monkeypatch, arguments, message
):
    monkeypatch.chdir(tmp_path)
    status, _, err = say(capsys, *arguments)
    assert status == 2
    assert message in err
    assert err.count("\n") == 1
    assert "Traceback" not in err


def test_verbosity_shows_the_traceback(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, _, err = say(capsys, "--run_dir=nowhere", "--verbosity=1")
    assert status == 2
    assert "Traceback" in err


@pytest.mark.parametrize(
    "param", ["train.num_step = 3", "build_gan.generator = @generators.mpl"]
)
def test_slips_are_found_before_tensorflow_is_imported(
    fresh_python, tmp_path, param
):
    found = fresh_python(
        f"""
        import sys
        from ganzoo.run import run

        status = run(
            ["ganzoo", "--gin_file={RECIPE}", "--gin_param={param}"]
        )
        print(status, "tensorflow" in sys.modules, "keras" in sys.modules)
        """,
        cwd=tmp_path,
    )
    assert found.stdout.strip() == "2 False False", found.stderr


def test_whoever_reads_may_have_enough():
    command = [sys.executable, "-m", "ganzoo.run", "--list"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


def test_a_checkout_that_is_not_installed_says_how_to_install(tmp_path):
    """-S leaves out site-packages, so no entry points are to be seen."""
    code = (
        "import sys; sys.path[:0] = sys.argv[1:]; "
        "from ganzoo import registry; registry.resolve('generators.mlp')"
    )
    found = subprocess.run(
        [sys.executable, "-S", "-c", code, str(tmp_path / "link")],
        env={
            **os.environ,
            "PYTHONPATH": str(_package_alone(tmp_path)),
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert "pip install -e ." in found.stderr


def _package_alone(folder):
    """A folder that holds the package and no metadata of it."""
    (folder / "alone").mkdir()
    (folder / "alone" / "ganzoo").symlink_to(ROOT / "ganzoo")
    return folder / "alone"


@pytest.fixture(scope="module")
def short_run(tmp_path_factory):
    """One short run of the digits recipe by the real command."""
    folder = tmp_path_factory.mktemp("runs") / "short"
    command = [
        sys.executable,
        "-m",
        "ganzoo.run",
        f"--gin_file={RECIPE}",
        f"--run_dir={folder}",
        "--gin_param=train.num_steps = 20",
        "--gin_param=generators.mlp.hidden_units = (16, 16)",
        "--gin_param=evaluators.parzen.num_samples = 200",
        "--gin_param=train.checkpoint_every_steps = 10",
        "--gin_param=train.evaluators = [@watch/evaluators.parzen()]",
        "--gin_param=watch/evaluators.parzen.split = 'validation'",
    ]
    found = subprocess.run(command, capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    return folder, found.stdout


def test_a_dry_run_takes_the_recipe_of_a_run(short_run, capsys):
    folder, _ = short_run
    status, out, err = say(capsys, f"--run_dir={folder}", "--dry_run")
    assert status == 0, err
    assert "ganzoo.generators.mlp.hidden_units = (16, 16)" in out


def test_the_last_line_says_where_everything_is_and_what_it_scored(short_run):
    folder, out = short_run
    last = out.strip().splitlines()[-1]
    assert str(folder) in last
    assert "Step 20." in last
    assert "parzen_log_likelihood" in last
    picture = re.search(r"samples in (\S+\.png)", last).group(1)
    assert os.path.getsize(picture) > 0


def test_the_run_directory_holds_what_it_takes_to_run_again(short_run):
    folder, _ = short_run
    names = {path.name for path in folder.iterdir()}
    assert {
        "checkpoints",
        "components.txt",
        "config.gin",
        "evaluation.json",
        "metrics.jsonl",
        "operative_config.gin",
        "samples",
    } <= names
    components = (folder / "components.txt").read_text()
    assert "ganzoo.generators.mlp:build_generator" in components
    results = json.loads((folder / "evaluation.json").read_text())
    assert {r["protocol"]["weights"] for r in results} == {"raw", "ema"}
    assert {r["protocol"]["step"] for r in results} == {20}


def test_a_run_directory_alone_is_enough_to_score_again(short_run, capsys):
    folder, out = short_run
    before = json.loads((folder / "evaluation.json").read_text())
    status, again, err = say(capsys, f"--run_dir={folder}", "--mode=evaluate")
    assert status == 0, err
    after = json.loads((folder / "evaluation.json").read_text())
    assert [r["value"] for r in after] == [r["value"] for r in before]
    assert "parzen_log_likelihood" in again
