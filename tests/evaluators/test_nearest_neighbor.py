import re

import numpy as np
import pytest
from arrays import ArrayModel
from sklearn.neighbors import NearestNeighbors

from ganzoo.datasets.digits import Digits
from ganzoo.errors import ConfigurationError
from ganzoo.evaluators.nearest_neighbor import (
    NearestNeighbor,
    nearest_distances,
)

DIGITS = Digits()
TRAIN = DIGITS.examples("train")


def evaluate(samples):
    evaluator = NearestNeighbor(num_samples=100)
    return {
        name: (value, protocol)
        for name, value, protocol in evaluator.run(ArrayModel(samples), DIGITS)
    }


def test_distances_agree_with_scikit_learn():
    flat = TRAIN.reshape(len(TRAIN), -1)
    expected, _ = (
        NearestNeighbors(n_neighbors=1).fit(flat[200:]).kneighbors(flat[:200])
    )
    np.testing.assert_allclose(
        nearest_distances(flat[:200], flat[200:]), expected[:, 0], atol=1e-6
    )


def test_copies_are_found_out():
    results = evaluate(TRAIN[:100])
    assert results["nearest_neighbor_distance"][0] == pytest.approx(0, abs=1e-6)
    value, protocol = results["nearest_neighbor_copies"]
    assert value == 1.0
    assert protocol["warnings"] == [
        "100% of samples are nearer to a training example than 99 % of "
        "held-out examples are: copies or prototypes. Look at the figure of "
        "samples beside their neighbours."
    ]


def test_held_out_data_is_as_far_as_itself():
    results = evaluate(DIGITS.examples("test")[:100])
    assert results["nearest_neighbor_ratio"][0] == pytest.approx(1.0)
    value, protocol = results["nearest_neighbor_copies"]
    assert value <= 0.02
    assert "warnings" not in protocol
    assert protocol["num_train"] == len(TRAIN)


def test_noise_is_farther_than_data():
    noise = np.random.default_rng(0).random((100, 8, 8, 1))
    assert evaluate(noise)["nearest_neighbor_ratio"][0] > 1.5


def test_counts_must_make_sense():
    message = "`num_samples` must be at least 1. Received: num_samples=0."
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        NearestNeighbor(num_samples=0)
