"""Fréchet and kernel distance, precision and recall, against other people's."""

import json
import re

import numpy as np
import prdc
import pytest
from arrays import ArrayDataset, ArrayModel
from scipy import linalg
from sklearn.metrics.pairwise import polynomial_kernel

from ganzoo.datasets.digits import Digits
from ganzoo.errors import ConfigurationError, DataError
from ganzoo.evaluators import feature_sets
from ganzoo.evaluators.frechet import Frechet, frechet_distance, moments
from ganzoo.evaluators.kernel import Kernel, squared_discrepancy
from ganzoo.evaluators.precision_recall import PrecisionRecall, precision_recall
from ganzoo.features import Pixels

DIGITS = Digits()
REAL = np.random.default_rng(0).normal(size=(400, 6))
FAKE = np.random.default_rng(1).normal(0.5, 1.5, size=(300, 6))


def values(evaluator, samples, data=DIGITS):
    return {
        name: (value, protocol)
        for name, value, protocol in evaluator.run(ArrayModel(samples), data)
    }


def value_of(evaluator, samples, name, data=DIGITS):
    return values(evaluator, samples, data)[name][0]


def noisy(samples, scale):
    noise = np.random.default_rng(3).normal(scale=scale, size=samples.shape)
    return np.clip(samples + noise, 0, 1)


def test_frechet_distance_of_gaussians_by_hand():
    # Diagonal: |m - m'|^2 + sum (s - s')^2 = 1 + 4 + (1 - 2)^2 + (3 - 1)^2.
    value = frechet_distance(
        np.array([0.0, 0.0]),
        np.diag([1.0, 9.0]),
        np.array([1.0, 2.0]),
        np.diag([4.0, 1.0]),
    )
    assert value == pytest.approx(10.0, abs=1e-12)


def test_frechet_distance_agrees_with_a_matrix_square_root():
    first, second = moments(REAL), moments(FAKE)
    root = linalg.sqrtm(first[1] @ second[1])
    expected = (
        np.sum((first[0] - second[0]) ** 2)
        + np.trace(first[1] + second[1] - 2 * root).real
    )
    assert frechet_distance(*first, *second) == pytest.approx(expected, 1e-10)


def test_frechet_distance_of_a_degenerate_covariance():
    flat = np.diag([1.0, 0.0])
    zero = np.zeros(2)
    assert frechet_distance(zero, flat, zero, flat) == pytest.approx(0, 1e-12)
    assert frechet_distance(zero, flat, zero, np.eye(2)) == pytest.approx(1.0)


def test_moments_are_numpys():
    mean, covariance = moments(REAL.astype(np.float32))
    np.testing.assert_allclose(mean, REAL.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(
        covariance, np.cov(REAL, rowvar=False), atol=1e-6
    )


def test_kernel_distance_agrees_with_scikit_learn():
    settings = {"degree": 3, "gamma": 1 / 6, "coef0": 1.0}
    within = [polynomial_kernel(x, x, **settings) for x in (REAL, FAKE)]
    means = [(k.sum() - np.trace(k)) / (len(k) * (len(k) - 1)) for k in within]
    across = polynomial_kernel(REAL, FAKE, **settings).mean()
    assert squared_discrepancy(REAL, FAKE) == pytest.approx(
        sum(means) - 2 * across, rel=1e-10
    )


def test_kernel_distance_of_one_distribution_is_zero_on_average():
    numbers = np.random.default_rng(5)
    found = [
        squared_discrepancy(*numbers.normal(size=(2, 100, 4)))
        for _ in range(60)
    ]
    assert abs(np.mean(found)) < 3 * np.std(found) / np.sqrt(60)


@pytest.mark.parametrize("k", [1, 5])
def test_precision_and_recall_agree_with_the_authors_package(k, monkeypatch):
    monkeypatch.setattr(feature_sets, "_BLOCK_SIZE", 1_000)
    expected = prdc.compute_prdc(REAL, FAKE, nearest_k=k)
    assert precision_recall(REAL, FAKE, k) == pytest.approx(expected)


def test_precision_and_recall_by_hand():
    # Balls of real points 0, 1, 10 reach 1, 1, 9; samples at 0.5 and 30.
    real = np.array([[0.0], [1.0], [10.0]])
    fake = np.array([[0.5], [30.0]])
    assert precision_recall(real, fake, 1) == {
        "precision": 0.5,
        # Balls of samples reach 29.5 each: all real points lie in one.
        "recall": 1.0,
        # 0.5 lies in the balls of 0 and 1, and 9.5 > 9 off 10.
        "density": 1.0,
        "coverage": pytest.approx(2 / 3),
    }


def test_distances_in_blocks_are_exact(monkeypatch):
    monkeypatch.setattr(feature_sets, "_BLOCK_SIZE", 700)
    far = REAL + 1e4
    found = np.concatenate(
        [block for _, block in feature_sets.squared_distances(FAKE + 1e4, far)]
    )
    expected = ((FAKE[:, None] - REAL[None]) ** 2).sum(axis=2)
    np.testing.assert_allclose(found, expected, atol=1e-6)


class Named:
    """Pixels under another name."""

    def __init__(self, name):
        self.name = name

    def fit(self, dataset):
        return Pixels().fit(dataset)._replace(about={"name": self.name})


@pytest.mark.parametrize(
    ("features", "names"),
    [
        ("inception_v3", {"fid", "kid"}),
        ("classifier", {"frechet_distance", "kernel_distance"}),
    ],
)
def test_the_literatures_names_are_for_inception_alone(features, names):
    model = ArrayModel(DIGITS.examples("train")[:200])
    evaluators = [
        Frechet(Named(features), num_samples=200),
        Kernel(Named(features), 200, num_subsets=2, subset_size=50),
    ]
    found = {
        name
        for evaluator in evaluators
        for name, _, _ in evaluator.run(model, DIGITS)
    }
    assert found == names


EVALUATORS = [
    (Frechet(Pixels(), 700, "train"), "frechet_distance"),
    (Kernel(Pixels(), 700, 20, 300, "train"), "kernel_distance"),
    (Frechet(None, 700, "train"), "frechet_distance"),
    (Kernel(None, 700, 20, 300, "train"), "kernel_distance"),
]


@pytest.mark.parametrize(("evaluator", "name"), EVALUATORS)
def test_noise_moves_samples_away_and_halves_are_near(evaluator, name):
    # Against the first 700 training examples, the next 700.
    samples = DIGITS.examples("train")[700:1400]
    found = [
        value_of(evaluator, noisy(samples, scale), name)
        for scale in (0, 0.1, 0.2, 0.4)
    ]
    assert found == sorted(found)
    assert found[0] < 0.3 * found[-1]


@pytest.mark.parametrize(("evaluator", "name"), EVALUATORS)
def test_no_number_depends_on_the_models_batches(evaluator, name):
    samples = noisy(DIGITS.examples("train"), 0.1)[: evaluator.num_samples]
    first, again = (
        [r for r in evaluator.run(ArrayModel(samples, size), DIGITS)]
        for size in (7, 100)
    )
    assert first == again


def test_protocols_are_json_and_name_the_features():
    samples = DIGITS.examples("train")[:180]
    for evaluator, name in [
        (Frechet(Pixels(), 180), "frechet_distance"),
        (Kernel(Pixels(), 180, 20, 90), "kernel_distance"),
        (PrecisionRecall(Pixels(), 180), "recall"),
    ]:
        _, protocol = values(evaluator, samples)[name]
        assert json.loads(json.dumps(protocol)) == protocol
        assert protocol["features"] == {"name": "pixels", "depth": 64}
        assert protocol["num_samples"] == protocol["num_real"] == 180


def test_only_inceptions_features_make_a_fid_and_a_kid():
    class Fake(Pixels):
        def fit(self, dataset):
            return super().fit(dataset)._replace(about={"name": "inception_v3"})

    samples = DIGITS.examples("train")[:180]
    assert set(values(Frechet(Fake(), 180), samples)) == {"fid"}
    assert set(values(Kernel(Fake(), 180, 20, 90), samples)) == {"kid"}


@pytest.mark.parametrize(
    ("evaluator", "message"),
    [
        (Frechet(Pixels(), 64), "A Fréchet distance needs at least 65"),
        (
            Kernel(Pixels(), 50, 20, 51),
            "A subset of `kernel` needs at least 51",
        ),
        (PrecisionRecall(Pixels(), 5), "`precision_recall` needs at least 6"),
    ],
)
def test_too_few_examples_are_an_error(evaluator, message):
    message += " examples on each side. Received: "
    with pytest.raises(DataError, match=re.escape(message)):
        values(evaluator, DIGITS.examples("train"))


def test_damaged_samples_are_an_error():
    samples = np.where(np.arange(64).reshape(8, 8, 1) == 3, np.nan, 0.5)
    samples = np.repeat(samples[None], 100, axis=0)
    with pytest.raises(DataError, match="`samples` must be finite"):
        values(Frechet(Pixels(), 100), samples)


def test_points_need_pixels():
    points = ArrayDataset(train=REAL, test=REAL)
    points.to_unit, points.value_range = None, None
    value = value_of(Frechet(Pixels(), 300), FAKE, "frechet_distance", points)
    expected = frechet_distance(*moments(REAL[:300]), *moments(FAKE))
    assert value == pytest.approx(expected)
    message = (
        "`features` needs a data set of images. Received: ArrayDataset. Bind "
        "@features.pixels(), which takes samples as they are."
    )
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        values(Frechet(None, 300), FAKE, points)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Frechet(num_samples=0), "`num_samples` must be at least 1."),
        (lambda: Kernel(num_subsets=1), "`num_subsets` must be at least 2."),
        (
            lambda: PrecisionRecall(num_neighbors=0),
            "`num_neighbors` must be at least 1. Received: num_neighbors=0.",
        ),
    ],
)
def test_counts_must_make_sense(build, message):
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        build()
