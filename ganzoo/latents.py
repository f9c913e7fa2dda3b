"""Priors of z: callables `(draws, num)` -> float [num, latent_dim].

A prior that learns has a method `first_layer()`: a Keras layer that the
generator begins with, whose weights are G's like all others. What is drawn, and
called z elsewhere, is then the input of that layer.
"""

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ganzoo import randomness
from ganzoo.checks import check_counts, check_list
from ganzoo.errors import ConfigurationError
from ganzoo.randomness import Draws


class _Prior:
    def __init__(self, latent_dim: int = 100):
        check_counts(latent_dim=latent_dim)
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


class Truncated(_Prior):
    """N(0, 1) in each entry, given that it is within a bound.

    By the inverse of the distribution function, so that no draw is rejected.
    Brock et al. 2019, section 3.1, https://arxiv.org/abs/1809.11096.

    Args:
        latent_dim: Length of z. The paper's nets use 100.
        bound: Greatest absolute value.

    Raises:
        ConfigurationError: If `latent_dim` is not a positive integer, or
            `bound` not positive.
    """

    def __init__(self, latent_dim: int = 100, bound: float = 2.0):
        super().__init__(latent_dim)
        _check_positive(bound=bound)
        self.bound = bound

    def __call__(self, draws: Draws, num: Any) -> tf.Tensor:
        """Float [num, latent_dim]."""
        below = 0.5 * math.erfc(self.bound / math.sqrt(2))
        shares = draws.uniform([num, self.latent_dim], below, 1 - below)
        # Rounded, the edge of a wide interval would be infinite.
        return tf.clip_by_value(tf.math.ndtri(shares), -self.bound, self.bound)


class Mixture(_Prior):
    """Equally likely Gaussians around fixed points.

    z = m_k + scale n, n ~ N(0, 1), k uniform. The points m_k are drawn once
    from N(0, 1 - scale^2), so that over many points each entry has variance 1.

    Args:
        latent_dim: Length of z. The paper's nets use 100.
        num_components: Points.
        scale: Standard deviation around a point, in (0, 1).
        means_seed: Of the points.

    Raises:
        ConfigurationError: If an argument is out of its range.
    """

    def __init__(
        self,
        latent_dim: int = 100,
        num_components: int = 10,
        scale: float = 0.5,
        means_seed: int = 0,
    ):
        super().__init__(latent_dim)
        check_counts(num_components=num_components)
        if not 0 < scale < 1:
            raise ConfigurationError(
                f"`scale` must be in (0, 1). Received: scale={scale!r}."
            )
        self.num_components = num_components
        self.scale = scale
        self.means_seed = means_seed
        numbers = np.random.default_rng(means_seed).standard_normal(
            (num_components, latent_dim)
        )
        self.means = math.sqrt(1 - scale**2) * numbers

    def __call__(self, draws: Draws, num: Any) -> tf.Tensor:
        """Float [num, latent_dim]."""
        noise = draws.normal([num, self.latent_dim])
        which = draws.uniform([num, 1], 0, self.num_components)[:, 0]
        means = tf.gather(
            tf.constant(self.means, noise.dtype), tf.cast(which, tf.int32)
        )
        return means + self.scale * noise


class LearnedDiagonal(Gaussian):
    """A Gaussian whose means and standard deviations G learns.

    z = m + exp(s) n, n ~ N(0, 1), entry by entry: Goodfellow et al. 2014,
    section 7, item 5 ask for better distributions to draw z from. It starts at
    N(0, 1). A dense first layer could do the same by its weights; what changes
    is how these move.

    Args:
        latent_dim: Length of z. The paper's nets use 100.

    Raises:
        ConfigurationError: If `latent_dim` is not a positive integer.
    """

    def first_layer(self) -> keras.layers.Layer:
        """Takes n [B, latent_dim] to z; its weights: mean and log_stddev."""
        return Diagonal(name="prior")


@keras.saving.register_keras_serializable("ganzoo")
class Diagonal(keras.layers.Layer):
    """m + exp(s) x, entry by entry, with learned m and s that start at 0.

    Input and output: float [batch, n].
    """

    def build(self, input_shape: Sequence) -> None:
        self.mean, self.log_stddev = (
            self.add_weight(
                shape=(input_shape[-1],), initializer="zeros", name=name
            )
            for name in ("mean", "log_stddev")
        )

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return self.mean + keras.ops.exp(self.log_stddev) * inputs


class Bernoulli(_Prior):
    """Each entry is a factor with some probability, and else 0.

    For nets that multiply something with it: `generators.mlp.gated` makes of
    it the 2014 code's `IntrinsicDropoutGenerator`.

    Args:
        latent_dim: Length of z.
        keep_probability: In (0, 1], to a multiple of 2^-16.
        scale: The factor. None: 1 / keep_probability, so that the mean is 1.

    Raises:
        ConfigurationError: If an argument is out of its range.
    """

    def __init__(
        self,
        latent_dim: int,
        keep_probability: float = 0.5,
        scale: float | None = None,
    ):
        super().__init__(latent_dim)
        if not 0 < keep_probability <= 1:
            raise ConfigurationError(
                "`keep_probability` must be in (0, 1]. Received: "
                f"keep_probability={keep_probability!r}."
            )
        if scale is not None:
            _check_positive(scale=scale)
        self.keep_probability = keep_probability
        self.scale = scale

    def __call__(self, draws: Draws, num: Any) -> tf.Tensor:
        """Float [num, latent_dim]."""
        mask = draws.keep_mask([num, self.latent_dim], self.keep_probability)
        scale = self.scale or 1 / self.keep_probability
        return scale * tf.cast(mask, randomness.variable_dtype())


class Joined:
    """Several priors, one behind the other in z.

    Args:
        parts: Priors without a `first_layer`.

    Attributes:
        latent_dim: The sum of theirs.

    Raises:
        ConfigurationError: If there is none, or one that learns, or if `parts`
            is no list.
    """

    def __init__(self, parts: Sequence[Any]):
        example = "[@latents.uniform(), @latents.bernoulli()]"
        check_list("latents.joined.parts", parts, example)
        for part in parts:
            if hasattr(part, "first_layer"):
                raise ConfigurationError(
                    "`parts` of `latents.joined` must not learn. Received: "
                    f"{type(part).__name__}. Use it alone."
                )
        if not parts:
            raise ConfigurationError(
                "`parts` of `latents.joined` must hold a prior. Received: none."
            )
        self.parts = tuple(parts)
        self.latent_dim = sum(part.latent_dim for part in parts)

    def __call__(self, draws: Draws, num: Any) -> tf.Tensor:
        """Float [num, latent_dim]."""
        return tf.concat([part(draws, num) for part in self.parts], axis=1)


def _check_positive(**numbers: float) -> None:
    for name, number in numbers.items():
        if not number > 0:
            raise ConfigurationError(
                f"`{name}` must be positive. Received: {name}={number!r}."
            )
