"""Priors of z: ranges, moments, and the row that a number belongs to."""

import re

import keras
import numpy as np
import pytest
import scipy.stats

from ganzoo.errors import ConfigurationError
from ganzoo.latents import (
    Bernoulli,
    Diagonal,
    Gaussian,
    Joined,
    LearnedDiagonal,
    Mixture,
    Spherical,
    Truncated,
    Uniform,
)
from ganzoo.randomness import Draws, Segment

PRIORS = [
    Uniform,
    Gaussian,
    Spherical,
    Truncated,
    Mixture,
    LearnedDiagonal,
    Bernoulli,
]


@pytest.mark.parametrize("prior", PRIORS)
def test_rows_do_not_depend_on_who_draws_them(prior):
    def draw(first_row, num):
        draws = Draws(1, 2, [Segment("z", first_row)])
        return prior(latent_dim=7)(draws, num).numpy()

    whole = draw(0, 10)
    assert whole.shape == (10, 7)
    assert whole.dtype == np.float32
    np.testing.assert_array_equal(draw(4, 6), whole[4:])


@pytest.mark.parametrize("prior", PRIORS)
def test_float64(prior):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float64")
    try:
        assert prior(3)(Draws(0), 2).dtype == "float64"
    finally:
        keras.config.set_dtype_policy(before)


@pytest.mark.parametrize(
    "prior, distribution",
    [
        (Uniform, scipy.stats.uniform(-np.sqrt(3), 2 * np.sqrt(3))),
        (Gaussian, scipy.stats.norm()),
        (Truncated, scipy.stats.truncnorm(-2, 2)),
        (LearnedDiagonal, scipy.stats.norm()),
    ],
)
def test_entries_have_the_distribution(prior, distribution):
    entries = prior()(Draws(5), 1000).numpy().ravel()
    assert len(entries) == 100 * 1000
    # With a fixed seed this either always holds or never.
    assert scipy.stats.kstest(entries, distribution.cdf).pvalue > 1e-3
    assert prior is Truncated or distribution.var() == pytest.approx(1)


@pytest.mark.parametrize("bound", [0.1, 9.0])
def test_truncated_stays_within_any_bound(bound):
    entries = Truncated(bound=bound)(Draws(5), 1000).numpy()
    assert np.abs(entries).max() <= bound
    cdf = scipy.stats.truncnorm(-bound, bound).cdf
    assert scipy.stats.kstest(entries.ravel(), cdf).pvalue > 1e-3


def test_mixture_has_its_components():
    prior = Mixture(latent_dim=50, num_components=3, scale=0.1)
    z = np.float64(prior(Draws(5), 3000).numpy())
    distances = np.linalg.norm(z[:, None] - prior.means, axis=2)
    which = distances.argmin(axis=1)
    # Five standard errors of a share of one third.
    shares = np.bincount(which, minlength=3) / 3000
    assert np.abs(shares - 1 / 3).max() < 5 * np.sqrt(2 / 9 / 3000)
    noise = ((z - prior.means[which]) / 0.1).ravel()
    assert scipy.stats.kstest(noise, scipy.stats.norm.cdf).pvalue > 1e-3
    many = Mixture(latent_dim=50, num_components=2000, scale=0.1)
    variance = many.means.var() + 0.1**2
    assert variance == pytest.approx(1, abs=5 * np.sqrt(2 / 100_000))
    # The points are those of their seed, not of the draws.
    again = Mixture(latent_dim=50, num_components=3, scale=0.1)
    np.testing.assert_array_equal(again.means, prior.means)


def test_bernoulli_and_joined():
    prior = Joined([Gaussian(3), Bernoulli(5, 0.25), Bernoulli(2, scale=7.0)])
    assert prior.latent_dim == 10
    z = prior(Draws(5), 4000).numpy()
    np.testing.assert_array_equal(z[:, :3], Gaussian(3)(Draws(5), 4000))
    assert set(np.unique(z[:, 3:8])) == {0, 4}
    assert set(np.unique(z[:, 8:])) == {0, 7}
    share = (z[:, 3:8] > 0).mean()
    assert abs(share - 0.25) < 5 * np.sqrt(0.25 * 0.75 / 20_000)


def test_the_first_layer_of_a_learned_prior():
    layer = LearnedDiagonal(3).first_layer()
    n = np.array([[1.0, -2.0, 0.5]], "float32")
    np.testing.assert_array_equal(layer(n), n)
    layer.set_weights([np.array([1, 2, 3]), np.log([1, 10, 4])])
    np.testing.assert_allclose(layer(n), [[2, -18, 5]], rtol=1e-6)
    assert [w.path for w in layer.weights] == [
        "prior/mean",
        "prior/log_stddev",
    ]
    assert isinstance(layer, Diagonal)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Truncated(bound=0.0),
            "`bound` must be positive. Received: bound=0.0.",
        ),
        (
            lambda: Mixture(num_components=0),
            "`num_components` must be at least 1. Received: num_components=0.",
        ),
        (
            lambda: Mixture(scale=1.0),
            "`scale` must be in (0, 1). Received: scale=1.0.",
        ),
        (
            lambda: Bernoulli(3, keep_probability=0.0),
            "`keep_probability` must be in (0, 1]. Received: "
            "keep_probability=0.0.",
        ),
        (
            lambda: Bernoulli(3, scale=-1.0),
            "`scale` must be positive. Received: scale=-1.0.",
        ),
        (
            lambda: Joined([]),
            "`parts` of `latents.joined` must hold a prior. Received: none.",
        ),
        (
            lambda: Joined(Gaussian(2)),
            "`latents.joined.parts` must be a list. Received: Gaussian. Write, "
            "for instance, [@latents.uniform(), @latents.bernoulli()].",
        ),
        (
            lambda: Joined([LearnedDiagonal(2)]),
            "`parts` of `latents.joined` must not learn. Received: "
            "LearnedDiagonal. Use it alone.",
        ),
    ],
)
def test_what_cannot_be_meant(make, message):
    with pytest.raises(ConfigurationError, match=f"^{re.escape(message)}$"):
        make()


def test_spherical_is_uniform_on_the_sphere():
    points = Spherical(latent_dim=3)(Draws(5), 20_000).numpy()
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), 1, rtol=1e-6)
    # Archimedes: each coordinate of the unit sphere is uniform on [-1, 1].
    cdf = scipy.stats.uniform(-1, 2).cdf
    for coordinate in points.T:
        assert scipy.stats.kstest(coordinate, cdf).pvalue > 1e-3


def test_spherical_survives_a_zero():
    class Zeros:
        def normal(self, shape):
            return np.zeros(shape, np.float32)

    assert np.all(Spherical(2)(Zeros(), 3) == 0)


@pytest.mark.parametrize("prior", PRIORS)
@pytest.mark.parametrize("latent_dim", [0, -3, 2.5, "100", None])
def test_latent_dim_must_be_a_positive_integer(prior, latent_dim):
    rule = "at least 1" if isinstance(latent_dim, int) else "an integer"
    message = (
        f"`latent_dim` must be {rule}. Received: latent_dim={latent_dim!r}."
    )
    with pytest.raises(ConfigurationError, match=f"^{re.escape(message)}$"):
        prior(latent_dim)
