"""The recipes that need no download, at full length: what their headers say."""

import json

import numpy as np
import pytest
from processes import complete
from scipy.spatial.distance import cdist

from conftest import ROOT
from ganzoo.datasets.digits import Digits
from ganzoo.evaluators.parzen import log_likelihoods

pytestmark = pytest.mark.slow


def play(recipe, folder):
    """Trains and scores a recipe by the command line: {name: value}, samples.

    The scores are the raw weights'. Beside them are 10,000 samples; averaged
    weights draw them where the recipe keeps some.
    """
    run_dir, samples = folder / "run", folder / "samples.npz"
    for arguments in (
        [f"--gin_file={ROOT / 'gin' / recipe}.gin", "--mode=train,evaluate"],
        ["--mode=sample", f"--output={samples}", "--num_samples=10000"],
    ):
        status, output = complete(
            [f"--run_dir={run_dir}", *arguments], folder / "log"
        )
        assert status == 0, output
    results = json.loads((run_dir / "evaluation.json").read_text())
    scores = {
        result["name"]: result["value"]
        for result in results
        if result["protocol"]["weights"] == "raw"
    }
    with np.load(samples) as arrays:
        return scores, arrays["samples"]


def test_the_ring_is_learnt_with_every_mode_and_its_spread(tmp_path):
    scores, _ = play("ring_mlp", tmp_path)
    assert scores["modes_found"] == 8
    assert scores["modes_smallest_share"] >= 0.05
    assert scores["modes_good_share"] >= 0.9
    assert scores["modes_smallest_spread_ratio"] >= 0.7
    assert scores["modes_largest_spread_ratio"] <= 1.3


def test_the_gaussian_on_the_line_is_learnt(tmp_path):
    scores, samples = play("gaussian_1d", tmp_path)
    assert scores["modes_found"] == 1
    assert scores["modes_spread_ratio"] == pytest.approx(1.0, abs=0.15)
    assert samples.shape == (10_000, 1)
    assert abs(samples.mean()) <= 0.1  # The true mean is 0.


def test_the_digits_are_as_likely_as_real_ones_and_as_many(tmp_path):
    scores, samples = play("digits_mlp", tmp_path)
    dataset = Digits()
    real, test = (
        dataset.examples(split).reshape(-1, 64).astype(np.float64)
        for split in ("train", "test")
    )
    baseline = log_likelihoods(test, real, [0.13]).mean()  # 19.8
    assert scores["parzen_log_likelihood"] >= baseline - 2.0
    # No digit is missing: each class is the nearest one of some samples.
    nearest = cdist(samples[:1000].reshape(-1, 64), real).argmin(axis=1)
    classes = dataset.labels("train")[nearest]
    shares = np.bincount(classes, minlength=10) / len(classes)
    assert shares.min() >= 0.02
