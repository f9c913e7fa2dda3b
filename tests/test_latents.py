"""Priors of z: ranges, moments, and the row that a number belongs to."""

import re

import keras
import numpy as np
import pytest
import scipy.stats

from ganzoo.errors import ConfigurationError
from ganzoo.latents import Gaussian, Spherical, Uniform
from ganzoo.randomness import Draws, Segment

PRIORS = [Uniform, Gaussian, Spherical]


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
    ],
)
def test_entries_have_the_distribution(prior, distribution):
    entries = prior()(Draws(5), 1000).numpy().ravel()
    assert len(entries) == 100 * 1000
    # With a fixed seed this either always holds or never.
    assert scipy.stats.kstest(entries, distribution.cdf).pvalue > 1e-3
    assert distribution.var() == pytest.approx(1)


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
    message = (
        "`latent_dim` must be a positive integer. Received: "
        f"latent_dim={latent_dim!r}."
    )
    with pytest.raises(ConfigurationError, match=f"^{re.escape(message)}$"):
        prior(latent_dim)
