"""Least squares: promises, values by hand, real data."""

import numpy as np
import pytest
from ganzoo_least_squares import LeastSquares

from ganzoo import testing


@pytest.mark.parametrize(
    "check",
    testing.loss_checks(
        LeastSquares, name="ganzoo_least_squares.losses.least_squares"
    ),
    ids=str,
)
def test_conformance(check):
    check()


def test_values_by_hand():
    real, fake = np.array([1.0, 3.0]), np.array([0.0, -1.0])
    loss = LeastSquares()
    assert loss.discriminator(real, fake).tolist() == [0.0, 2.0 + 0.5]
    assert loss.generator(fake).tolist() == [0.5, 2.0]
    pearson = LeastSquares(-1.0, 1.0, 0.0)
    assert pearson.discriminator(real, fake).tolist() == [0.5, 2.0]
    assert pearson.generator(fake).tolist() == [0.0, 0.5]


@pytest.mark.slow
def test_recipe_trains_on_real_data(train_recipe):
    steps = train_recipe(
        "plugins/ganzoo-least-squares/gin/least_squares_mnist.gin",
        "generators.mlp.hidden_units = (16, 16)",
        "discriminators.maxout_mlp.hidden_units = (16, 16)",
    )
    assert steps == {"parzen_log_likelihood": 3}
