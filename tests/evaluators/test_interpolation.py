import re

import numpy as np
import pytest
from arrays import ArrayDataset, ArrayModel

from ganzoo.errors import ConfigurationError, DataError
from ganzoo.evaluators.interpolation import Interpolation


class Map:
    """A generator from two latents to two numbers."""

    def __init__(self, generate):
        self.generate = generate

    def draw_latents(self, num, seed):
        return np.random.default_rng(seed).normal(size=(num, 2))


@pytest.fixture
def points():
    data = ArrayDataset(train=np.zeros((3, 2)))
    data.to_unit = None
    return data


def evaluate(generate, data, **settings):
    evaluator = Interpolation(num_pairs=50, **settings)
    return {
        name: (value, protocol)
        for name, value, protocol in evaluator.run(Map(generate), data)
    }


def test_a_linear_map_is_even_and_direct(points):
    results = evaluate(lambda z: 3 * z, points)
    z = np.random.default_rng(0).normal(size=(100, 2))
    expected = 3 * np.linalg.norm(z[50:] - z[:50], axis=1).mean()
    assert results["interpolation_length"][0] == pytest.approx(expected)
    assert results["interpolation_jump"][0] == pytest.approx(1.0)
    assert results["interpolation_detour"][0] == pytest.approx(1.0)


def test_a_map_by_heart_stands_still_and_jumps(points):
    results = evaluate(np.sign, points, num_steps=64)
    # A way that moves at all does so in one or two jumps out of 64 steps.
    value, protocol = results["interpolation_jump"]
    assert value > 30
    assert 2 <= protocol["num_moving"] < 50


def test_a_winding_map_takes_a_detour(points):
    results = evaluate(
        lambda z: np.stack([np.cos(5 * z[:, 0]), np.sin(5 * z[:, 0])], 1),
        points,
        num_steps=128,
    )
    # Arcs of |5 dz| rad against chords of at most 2.
    assert results["interpolation_detour"][0] > 2


def test_a_collapsed_map_has_length_zero_and_no_ratios(points):
    results = evaluate(np.zeros_like, points)
    assert set(results) == {"interpolation_length"}
    assert results["interpolation_length"][0] == 0


def test_a_file_of_samples_is_not_enough(points):
    message = (
        "`interpolation` needs a model with `draw_latents`. Received: "
        "ArrayModel. Evaluate a game, not its samples."
    )
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        list(Interpolation().run(ArrayModel(np.zeros((9, 2))), points))


def test_counts_must_make_sense():
    message = "`num_steps` must be at least 2. Received: num_steps=1."
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        Interpolation(num_steps=1)
