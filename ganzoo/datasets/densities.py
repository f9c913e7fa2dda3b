"""Densities known in closed form: equal mixtures of round Gaussians.

What a generator has learnt can be said exactly here: where its modes are, how
wide they are, what the best discriminator is.
"""

import itertools
import math
from typing import Any

import numpy as np
import tensorflow as tf

from ganzoo.datasets import splits
from ganzoo.errors import ConfigurationError
from ganzoo.randomness import Draws, Segment


class _Mixture:
    """p(x) = 1/M sum_m N(x; means[m], scale^2 I).

    Attributes:
        means: float64 [modes, dimensions].
        scale: Standard deviation of a mode, along each axis.
        num_examples: Examples in each split.
    """

    value_range = None
    num_classes = None
    to_unit = None

    def __init__(self, means: Any, scale: float, num_examples: int):
        self.means = np.asarray(means, np.float64)
        self.scale = _positive("scale", scale)
        self.num_examples = _count("num_examples", num_examples)
        self.sample_shape = (self.means.shape[1],)

    def sample(self, num: Any, draws: Draws) -> tf.Tensor:
        """`num` points, [num, dimensions], in the dtype that weights have."""
        return self._sample(num, draws, None)

    def log_density(self, samples: Any) -> tf.Tensor:
        """Natural log of p(x), [num], for points [num, dimensions]."""
        samples = tf.convert_to_tensor(samples)
        means = tf.constant(self.means, samples.dtype)
        num_modes, dimensions = self.means.shape
        squared_distances = tf.reduce_sum(
            tf.square(samples[:, tf.newaxis] - means), axis=-1
        )  # [num, modes]
        return (
            tf.reduce_logsumexp(
                -squared_distances / (2.0 * self.scale**2), axis=-1
            )
            - math.log(num_modes)
            - dimensions * math.log(self.scale * math.sqrt(2.0 * math.pi))
        )

    def examples(self, split: str) -> np.ndarray:
        """A fixed draw of `num_examples` points, float32 [num, dimensions]."""
        splits.check(split)
        draws = Draws(seed=0, segments=[Segment(f"examples/{split}")])
        with tf.device("CPU:0"):  # The same examples with and without a GPU.
            return self._sample(self.num_examples, draws, "float32").numpy()

    def _sample(self, num: Any, draws: Draws, dtype: str | None) -> tf.Tensor:
        num_modes, dimensions = self.means.shape
        which = draws.uniform([num, 1], high=num_modes, dtype=dtype)[:, 0]
        # Rounding may make the highest draw num_modes itself.
        which = tf.minimum(tf.cast(which, tf.int32), num_modes - 1)
        noise = draws.normal([num, dimensions], dtype=dtype)
        means = tf.constant(self.means, noise.dtype)
        return tf.gather(means, which) + self.scale * noise


class Gaussian(_Mixture):
    """One-dimensional Gaussian: the data of Goodfellow et al. 2014, Figure 1.

    The paper gives no numbers; these are the standard normal's.

    Args:
        mean: Its mean.
        scale: Its standard deviation.
        num_examples: Examples in each split.

    Samples: float32 [1], unbounded.

    Raises:
        ConfigurationError: If `scale` or `num_examples` is not positive.
    """

    def __init__(
        self, mean: float = 0.0, scale: float = 1.0, num_examples: int = 10_000
    ):
        super().__init__([[mean]], scale, num_examples)
        self.mean = mean


class GaussianRing(_Mixture):
    """Equal Gaussians at equal angles on a circle, the first at angle 0.

    The usual test for lost modes since Metz et al. 2016, "Unrolled Generative
    Adversarial Networks", https://arxiv.org/abs/1611.02163.

    Args:
        num_modes: How many Gaussians.
        radius: Radius of the circle.
        scale: Standard deviation of a Gaussian, along each axis.
        num_examples: Examples in each split.

    Samples: float32 [2], unbounded.

    Raises:
        ConfigurationError: If an argument is not positive.
    """

    def __init__(
        self,
        num_modes: int = 8,
        radius: float = 2.0,
        scale: float = 0.02,
        num_examples: int = 50_000,
    ):
        self.num_modes = _count("num_modes", num_modes)
        self.radius = _positive("radius", radius)
        angles = 2.0 * np.pi * np.arange(num_modes) / num_modes
        means = radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
        super().__init__(means, scale, num_examples)


class GaussianGrid(_Mixture):
    """Equal Gaussians on a square grid centred on the origin.

    The usual harder test for lost modes, as in Srivastava et al. 2017,
    "VEEGAN", https://arxiv.org/abs/1705.07761.

    Args:
        num_modes_per_side: The grid has this many rows and columns.
        spacing: Distance between neighbouring means.
        scale: Standard deviation of a Gaussian, along each axis.
        num_examples: Examples in each split.

    Samples: float32 [2], unbounded.

    Raises:
        ConfigurationError: If an argument is not positive.
    """

    def __init__(
        self,
        num_modes_per_side: int = 5,
        spacing: float = 2.0,
        scale: float = 0.05,
        num_examples: int = 50_000,
    ):
        self.num_modes_per_side = _count(
            "num_modes_per_side", num_modes_per_side
        )
        self.spacing = _positive("spacing", spacing)
        side = np.arange(num_modes_per_side) - (num_modes_per_side - 1) / 2.0
        means = list(itertools.product(spacing * side, repeat=2))
        super().__init__(means, scale, num_examples)


def _positive(name: str, value: float) -> float:
    if not 0 < value < math.inf:
        raise ConfigurationError(
            f"`{name}` must be a positive number. Received: {name}={value!r}."
        )
    return value


def _count(name: str, value: int) -> int:
    if not isinstance(value, int) or value < 1:
        raise ConfigurationError(
            f"`{name}` must be a positive integer. Received: {name}={value!r}."
        )
    return value
