"""Evaluators on real MNIST: its halves are near each other, noise is farther.

    python -m pytest -m slow -s tests/evaluators/test_on_mnist.py

prints the numbers of docs/evaluation.md.
"""

import numpy as np
import prdc
import pytest
from arrays import ArrayDataset, ArrayModel
from real_data import tfds_folder

from ganzoo.classifier import Classifier
from ganzoo.datasets.tfds_images import Mnist
from ganzoo.evaluators.frechet import Frechet
from ganzoo.evaluators.kernel import Kernel
from ganzoo.evaluators.modes import Modes
from ganzoo.evaluators.precision_recall import PrecisionRecall
from ganzoo.features import RandomConvolutions

NOISES = (0.0, 0.05, 0.1, 0.2, 0.4)
pytestmark = pytest.mark.slow


class Fitted:
    """A feature extractor that has been fitted."""

    def __init__(self, feature_map):
        self.feature_map = feature_map

    def fit(self, dataset):
        return self.feature_map


@pytest.fixture(scope="module")
def mnist():
    return Mnist(data_dir=tfds_folder("mnist"))


@pytest.fixture(scope="module")
def halves(mnist):
    """Of the test set: one in place of samples, one as the data."""
    images = np.asarray(mnist.examples("test"))
    images = images[np.random.default_rng(0).permutation(len(images))]
    return images[:5_000], ArrayDataset(test=images[5_000:])


@pytest.fixture(scope="module", params=[Classifier, RandomConvolutions])
def features(request, mnist):
    return Fitted(request.param().fit(mnist))


def measure(evaluator, samples, data):
    return {name: v for name, v, _ in evaluator.run(ArrayModel(samples), data)}


def noisy(images, scale):
    noise = np.random.default_rng(1).normal(scale=scale, size=images.shape)
    return np.clip(images + noise, 0, 1).astype(np.float32)


def over_noise(evaluator, halves):
    """Values of each name at `NOISES`, also printed."""
    samples, data = halves
    found = [
        measure(evaluator, noisy(samples, scale), data) for scale in NOISES
    ]
    for name in found[0]:
        row = "  ".join(f"{values[name]:9.4g}" for values in found)
        print(f"\n{evaluator.features.feature_map.about['name']} {name}: {row}")
    return {name: [values[name] for values in found] for name in found[0]}


@pytest.mark.parametrize("kind", [Frechet, Kernel])
def test_halves_are_near_and_noise_is_farther(kind, features, halves):
    (values,) = over_noise(kind(features, num_samples=5_000), halves).values()
    assert values == sorted(values)
    assert abs(values[0]) < 0.05 * values[-1]


def test_halves_cover_each_other_and_noise_does_not(features, halves):
    evaluator = PrecisionRecall(features, num_samples=5_000)
    values = over_noise(evaluator, halves)
    # Not so precision: a classifier sees a clean digit through much noise.
    for name in ("recall", "coverage"):
        assert values[name] == sorted(values[name], reverse=True)
        assert values[name][0] > 0.85 and values[name][-1] < 0.1


def test_precision_and_recall_are_those_of_the_authors_package(
    features, halves
):
    samples = noisy(halves[0][:1_500], 0.1)
    real = halves[1].examples("test")[:1_500]
    evaluator = PrecisionRecall(features, num_samples=1_500)
    found = measure(evaluator, samples, ArrayDataset(test=real))
    expected = prdc.compute_prdc(
        *map(features.feature_map.features, (real, samples)), nearest_k=5
    )
    # Its distances are of float32: a ball's edge may fall on either side.
    assert found == pytest.approx(expected, abs=2e-3)


def test_classes_of_real_digits_and_of_one_alone(mnist, halves):
    images, labels = np.asarray(mnist.examples("test")), mnist.labels("test")
    modes = Modes(num_samples=5_000)
    whole = measure(modes, halves[0], mnist)
    ones = images[labels == 1][:1_000]
    collapsed = measure(Modes(num_samples=1_000), ones, mnist)
    print(f"\nhalf of the test set: {whole}\nones alone: {collapsed}")
    assert whole["classes_found"] == 10
    assert whole["class_entropy"] == pytest.approx(np.log(10), abs=0.02)
    assert whole["class_kl_divergence"] < 0.005
    assert whole["class_mean_confidence"] > 0.97
    assert collapsed["classes_found"] == 1
    assert collapsed["class_entropy"] < 0.1
    assert collapsed["class_kl_divergence"] > 2
