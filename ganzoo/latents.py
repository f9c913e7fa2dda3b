"""Priors of z: callables `(draws, num)` -> float [num, latent_dim]."""

import math
from typing import Any

import tensorflow as tf

from ganzoo.errors import ConfigurationError
from ganzoo.randomness import Draws


class _Prior:
    def __init__(self, latent_dim: int = 100):
        if not isinstance(latent_dim, int) or latent_dim < 1:
            raise ConfigurationError(
                "`latent_dim` must be a positive integer. Received: "
                f"latent_dim={latent_dim!r}."
            )
        self.latent_dim = latent_dim


class Uniform(_Prior):
    """U(-sqrt(3), sqrt(3)): each entry has mean 0 and variance 1.

    Args:
        latent_dim: Length of z. The paper's nets use 100.

    Raises:
        ConfigurationError: If `latent_dim` is not a positive integer.
    """

    def __call__(self, draws: Draws, num: Any) -> tf.Tensor:
        """Float [num, latent_dim]."""
        bound = math.sqrt(3)
        return draws.uniform([num, self.latent_dim], -bound, bound)


class Gaussian(_Prior):
    """N(0, 1) in each entry.

    Args:
        latent_dim: Length of z. The paper's nets use 100.

    Raises:
        ConfigurationError: If `latent_dim` is not a positive integer.
    """

    def __call__(self, draws: Draws, num: Any) -> tf.Tensor:
        """Float [num, latent_dim]."""
        return draws.normal([num, self.latent_dim])


class Spherical(_Prior):
    """Uniform on the unit sphere: g / max(1e-7, |g|), g ~ N(0, 1).

    Args:
        latent_dim: Length of z. The paper's nets use 100.

    Raises:
        ConfigurationError: If `latent_dim` is not a positive integer.
    """

    def __call__(self, draws: Draws, num: Any) -> tf.Tensor:
        """Float [num, latent_dim]."""
        directions = draws.normal([num, self.latent_dim])
        norms = tf.norm(directions, axis=1, keepdims=True)
        return directions / tf.maximum(norms, 1e-7)
