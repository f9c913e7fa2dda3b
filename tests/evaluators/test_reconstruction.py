import re

import numpy as np
import pytest
from arrays import ArrayDataset, ArrayModel
from scipy.spatial.distance import cdist

from ganzoo.errors import ConfigurationError, DataError
from ganzoo.evaluators.reconstruction import Reconstruction

MIX = np.array([[1.0, 2.0, 0.0], [0.0, 1.0, -1.0]])


class Linear:
    """G(z) = z M, and E(x) = `scale` x M^+, which is z where scale is 1."""

    def __init__(self, scale=1.0):
        self.scale = scale

    def draw_latents(self, num, seed):
        return np.random.default_rng(seed).normal(size=(num, 2))

    def generate(self, latents, condition=None):
        samples = latents @ MIX
        return samples if condition is None else samples + condition[:, None]

    def inference(self, name):
        if name != "inference":
            raise DataError("No such net.")
        return self

    def target(self, latents, condition=None):
        return latents

    def infer(self, samples):
        return self.scale * samples @ np.linalg.pinv(MIX)

    decode = generate


@pytest.fixture
def points():
    numbers = np.random.default_rng(7)
    data = ArrayDataset(
        train=numbers.normal(size=(40, 3)), test=numbers.normal(size=(30, 3))
    )
    data.to_unit = None
    return data


def evaluate(data, scale, **settings):
    evaluator = Reconstruction(num_samples=25, **settings)
    return {
        name: (value, protocol)
        for name, value, protocol in (
            *evaluator.run(Linear(scale), data),
            *evaluator.baselines(data),
        )
    }


def test_errors_are_those_by_hand(points):
    results = evaluate(points, scale=0.5, seed=3)
    values = {name: value for name, (value, _) in results.items()}
    z = np.random.default_rng(3).normal(size=(25, 2))
    x, test = z @ MIX, points.splits["test"][:25]
    projected = test @ np.linalg.pinv(MIX) @ MIX
    expected = {
        "latent_error": np.mean((0.5 * z) ** 2),
        "latent_error_of_mean": np.mean(z.var(axis=0)),
        "sample_reconstruction_error": np.mean((0.5 * x) ** 2),
        "reconstruction_error": np.mean((test - 0.5 * projected) ** 2),
        "reconstruction_error_of_nearest": np.mean(
            cdist(test, x, "sqeuclidean").min(axis=1) / 3
        ),
        "reconstruction_error_of_mean": np.mean(
            (test - points.splits["train"].mean(axis=0)) ** 2
        ),
    }
    assert values == pytest.approx(expected)
    protocol = results["reconstruction_error"][1]
    assert protocol == {
        "companion": "inference",
        "num_samples": 25,
        "num_examples": 25,
        "split": "test",
        "seed": 3,
        "space": "raw",
        "better": "lower",
    }
    of_mean = results["reconstruction_error_of_mean"][1]
    assert of_mean["of"] == "reconstruction_error"


def test_a_net_that_inverts_g_errs_only_off_its_range(points):
    values = {n: v for n, (v, _) in evaluate(points, scale=1.0).items()}
    assert values["latent_error"] == pytest.approx(0, abs=1e-20)
    assert values["sample_reconstruction_error"] == pytest.approx(0, abs=1e-20)
    assert values["reconstruction_error"] > 0.1


def test_examples_are_decoded_under_their_own_condition():
    """x = z M, but the model makes z M + c of its code z."""
    numbers = np.random.default_rng(5)
    labels = np.arange(12)
    samples = numbers.normal(size=(12, 2)) @ MIX
    data = ArrayDataset(train=(samples, labels), test=(samples, labels))
    data.to_unit = None
    results = Reconstruction(num_samples=10).run(Linear(), data)
    values = {name: value for name, value, _ in results}
    expected = np.mean(labels[:10] ** 2)
    assert values["reconstruction_error"] == pytest.approx(expected)


def test_where_g_cannot_go_on_the_errors_in_z_are_left(points):
    class Cut(Linear):
        def decode(self, codes, condition=None):
            raise ConfigurationError("Not from there.")

    results = list(Reconstruction(num_samples=25).run(Cut(0.5), points))
    names = [name for name, _, _ in results]
    assert names == ["latent_error", "latent_error_of_mean"]
    assert results[0][1] == evaluate(points, scale=0.5)["latent_error"][0]
    assert results[0][2]["warnings"] == ["Not from there."]


def test_what_cannot_be_reconstructed_is_refused(points):
    with pytest.raises(
        DataError,
        match=re.escape(
            "`reconstruction` needs a model with an inference net. Received: "
            "ArrayModel. Evaluate a game that has one, not its samples."
        ),
    ):
        list(Reconstruction().run(ArrayModel(np.zeros((3, 3))), points))
    with pytest.raises(DataError, match="No such net."):
        list(Reconstruction(companion="other").run(Linear(), points))
    with pytest.raises(
        ConfigurationError,
        match=re.escape("must be at least 1. Received: num_samples=0."),
    ):
        Reconstruction(num_samples=0)
