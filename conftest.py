"""For the tests of ganzoo and of the plugins: real data, tables of promises."""

import gc
import json
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parent
# As `ganzoo.run` has it: else what tests compute rounds in another way.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
# And as it has this: tests take a twentieth less time.
gc.set_threshold(100_000, 20, 20)

_CHECKS = pytest.StashKey()


def pytest_configure(config):
    """Nothing was checked yet."""
    config.stash[_CHECKS] = []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Keeps the `check` that a test is parametrised with."""
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    try:
        return (yield)
    finally:
        check = parameters.get("check")
        if hasattr(check, "promise"):
            item.config.stash[_CHECKS].append(check)


def pytest_terminal_summary(terminalreporter, config):
    """Component x promise: ok, equal, distinct, - or BROKEN."""
    components = {}
    for check in config.stash[_CHECKS]:
        outcome = check.outcome or "skipped"
        components.setdefault(check.component, {})[check.promise] = outcome
    if not components:
        return
    from ganzoo.testing import table

    # One table for each kind, whose promises are others.
    for promises in dict.fromkeys(map(tuple, components.values())):
        rows = {
            (component, promise): outcome
            for component, outcomes in components.items()
            for promise, outcome in outcomes.items()
            if tuple(outcomes) == promises
        }
        terminalreporter.section("what components keep")
        terminalreporter.write_line(table(rows))


@pytest.fixture
def train_recipe(tmp_path):
    """`train_recipe(gin_file, *bindings)`: three steps, then evaluation.

    It returns the step that each number is of, by name.
    """
    data = os.environ.get("TFDS_DATA_DIR")
    data = data or ROOT.parent / "shared" / "tensorflow_datasets"
    if not pathlib.Path(data).is_dir():
        pytest.skip("needs real data: set TFDS_DATA_DIR")

    def train(gin_file, *bindings):
        bindings = [
            "train.num_steps = 3",
            "train.batch_size = 16",
            "train.num_samples = 16",
            "experiment.seed = 0",
            "evaluators.parzen.num_samples = 50",
            "evaluators.parzen.num_validation = 20",
            *bindings,
        ]
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "ganzoo.run",
                f"--gin_file={gin_file}",
                f"--run_dir={tmp_path / 'run'}",
                "--mode=train,evaluate",
                *(f"--gin_param={binding}" for binding in bindings),
            ],
            cwd=ROOT,
            env={**os.environ, "TFDS_DATA_DIR": str(data)},
            capture_output=True,
            text=True,
        )
        # TensorFlow says so of a graph that it could not rewrite, and goes on.
        if done.returncode or "remapper failed" in done.stderr:
            pytest.fail(done.stderr)
        results = json.loads((tmp_path / "run/evaluation.json").read_text())
        return {
            result["name"]: result["protocol"]["step"] for result in results
        }

    return train
