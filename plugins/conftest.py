"""What the plugins' tests share: a few steps of a recipe, on real data."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]


@pytest.fixture
def train_recipe(tmp_path):
    """`train_recipe(gin_file, *bindings)`: three steps, then one evaluation."""
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
                *(f"--gin_param={binding}" for binding in bindings),
            ],
            cwd=ROOT,
            env={**os.environ, "TFDS_DATA_DIR": str(data)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        results = json.loads((tmp_path / "run/evaluation.json").read_text())
        assert [result["name"] for result in results] == [
            "parzen_log_likelihood"
        ]
        assert results[0]["protocol"]["step"] == 3

    return train
