import re

import numpy as np
import pytest
import scipy.special
import scipy.stats

from ganzoo.datasets.densities import Gaussian, GaussianGrid, GaussianRing
from ganzoo.errors import ConfigurationError, DataError
from ganzoo.randomness import Draws

MIXTURES = [
    Gaussian(mean=1.5, scale=0.5, num_examples=20_000),
    GaussianRing(num_modes=6, radius=3.0, scale=0.2, num_examples=20_000),
    GaussianGrid(num_modes_per_side=3, spacing=1.5, scale=0.1),
]
IDS = ["gaussian", "ring", "grid"]


@pytest.mark.parametrize("dataset", MIXTURES, ids=IDS)
def test_log_density_equals_scipy(dataset):
    points = np.random.default_rng(0).normal(size=(50, *dataset.sample_shape))
    modes = [
        scipy.stats.multivariate_normal(mean, dataset.scale**2).logpdf(points)
        for mean in dataset.means
    ]
    expected = scipy.special.logsumexp(modes, axis=0) - np.log(len(modes))
    actual = dataset.log_density(points)
    assert actual.shape == (50,)
    np.testing.assert_allclose(actual, expected, rtol=1e-12)


@pytest.mark.parametrize("dataset", MIXTURES, ids=IDS)
def test_examples_follow_the_density(dataset):
    samples = dataset.examples("train")
    assert samples.dtype == np.float32
    assert samples.shape == (dataset.num_examples, *dataset.sample_shape)
    differences = samples[:, None] - dataset.means
    nearest = np.argmin(np.square(differences).sum(axis=-1), axis=1)
    counts = np.bincount(nearest, minlength=len(dataset.means))
    # Modes stand at least 15 deviations apart: the nearest is a sample's own.
    if len(counts) > 1:
        assert scipy.stats.chisquare(counts).pvalue > 1e-3
    noise = differences[np.arange(len(samples)), nearest] / dataset.scale
    for axis in noise.T:
        assert scipy.stats.kstest(axis, "norm").pvalue > 1e-3


def test_splits_are_fixed_and_different():
    dataset = GaussianRing(num_examples=100)
    train = dataset.examples("train")
    np.testing.assert_array_equal(
        train, GaussianRing(num_examples=100).examples("train")
    )
    others = [dataset.examples("validation"), dataset.examples("test")]
    assert not np.isin(train, others).any()


def test_sample_is_a_function_of_the_draws():
    dataset = GaussianGrid()
    first = dataset.sample(1000, Draws(seed=3))
    np.testing.assert_array_equal(first, dataset.sample(1000, Draws(seed=3)))
    assert not np.array_equal(first, dataset.sample(1000, Draws(seed=4)))
    assert first.shape == (1000, 2)


def test_means():
    np.testing.assert_allclose(
        GaussianRing(num_modes=4, radius=2.0).means,
        [[2, 0], [0, 2], [-2, 0], [0, -2]],
        atol=1e-15,
    )
    grid = GaussianGrid()
    assert grid.means.shape == (25, 2)
    np.testing.assert_array_equal(
        grid.means[[0, 1, -1]], [[-4, -4], [-4, -2], [4, 4]]
    )
    np.testing.assert_array_equal(Gaussian(mean=3.0).means, [[3.0]])


def test_samples_are_no_images():
    assert GaussianRing().to_unit is None
    assert GaussianRing().value_range is None
    assert GaussianRing().num_classes is None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Gaussian(scale=0.0),
            "`scale` must be a positive number. Received: scale=0.0.",
        ),
        (
            lambda: GaussianRing(num_modes=0),
            "`num_modes` must be a positive integer. Received: num_modes=0.",
        ),
        (
            lambda: GaussianRing(radius=float("nan")),
            "`radius` must be a positive number. Received: radius=nan.",
        ),
        (
            lambda: GaussianGrid(num_modes_per_side=2.5),
            "`num_modes_per_side` must be a positive integer. Received: "
            "num_modes_per_side=2.5.",
        ),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        make()


def test_bad_split():
    with pytest.raises(DataError, match="`split` must be one of"):
        Gaussian().examples("unlabeled")
