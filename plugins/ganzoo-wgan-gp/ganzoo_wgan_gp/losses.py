"""Terms of a loss: the Wasserstein game, and penalties on D's gradient.

Terms add up in a recipe:

    build_gan.losses = [@losses.wasserstein(), @losses.gradient_penalty()]
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf


class Wasserstein:
    """The critic's game: D's values are no logits, but estimates of distance.

    D: D(G(z)) - D(x);  G: -D(G(z)).
    Arjovsky et al. 2017, https://arxiv.org/abs/1701.07875. D has to be kept
    Lipschitz, for instance by `GradientPenalty`.

    Methods take values [B] and return one value for each example, [B].
    """

    def discriminator(
        self, real_logits: tf.Tensor, fake_logits: tf.Tensor
    ) -> tf.Tensor:
        """D(G(z)) - D(x)."""
        return fake_logits - real_logits

    def generator(self, fake_logits: tf.Tensor) -> tf.Tensor:
        """-D(G(z))."""
        return -fake_logits


class GradientPenalty:
    """Keeps D's gradient near a norm, on lines between real and fake.

    D: weight (|grad D(x')| - target)^2,  x' = e x + (1 - e) G(z), e ~ U[0, 1)
    for each example: Gulrajani et al. 2017, Algorithm 1,
    https://arxiv.org/abs/1704.00028. The norm is over all of a sample; where
    the gradient is zero, the norm's own gradient is taken as zero.

    Args:
        weight: lambda. The paper uses 10.
        target: The norm that is free of charge. The paper uses 1.
        penalty_every: Charged every so many steps, that many times as much.

    Raises:
        ValueError: If `weight` or `penalty_every` is not positive.
    """

    def __init__(
        self,
        weight: float = 10.0,
        target: float = 1.0,
        penalty_every: int = 1,
    ):
        self.weight = _positive("weight", weight)
        self.target = target
        self.penalty_every = _positive("penalty_every", penalty_every)

    def penalty(
        self,
        discriminate: Callable[[tf.Tensor], tf.Tensor],
        real_samples: tf.Tensor,
        fake_samples: tf.Tensor,
        draws: Any,
    ) -> tf.Tensor:
        """[B], from samples [B, ...]."""
        num = tf.shape(real_samples)[0]
        rest = [1] * (len(real_samples.shape) - 1)
        share = draws.uniform([num, *rest], dtype=real_samples.dtype)
        fake_samples = tf.cast(fake_samples, real_samples.dtype)
        between = share * real_samples + (1 - share) * fake_samples
        norms = _norm(squared_gradient_norm(discriminate, between))
        return self.weight * tf.square(norms - self.target)


class R1:
    """Keeps D flat at real examples.

    D: weight/2 |grad D(x)|^2: Mescheder et al. 2018, "Which training methods
    for GANs do actually converge?", https://arxiv.org/abs/1801.04406.

    Args:
        weight: gamma. The paper uses 10.
        penalty_every: Charged every so many steps, that many times as much
            (lazy regularisation: Karras et al. 2020 use 16).

    Raises:
        ValueError: If `weight` or `penalty_every` is not positive.
    """

    def __init__(self, weight: float = 10.0, penalty_every: int = 1):
        self.weight = _positive("weight", weight)
        self.penalty_every = _positive("penalty_every", penalty_every)

    def penalty(
        self,
        discriminate: Callable[[tf.Tensor], tf.Tensor],
        real_samples: tf.Tensor,
        fake_samples: tf.Tensor,
        draws: Any,
    ) -> tf.Tensor:
        """[B], from samples [B, ...]."""
        squared_norm = squared_gradient_norm(discriminate, real_samples)
        return 0.5 * self.weight * squared_norm


class R2(R1):
    """Keeps D flat at fakes.

    D: weight/2 |grad D(G(z))|^2: Mescheder et al. 2018, as `R1`.

    Args:
        weight: gamma. The paper uses 10.
        penalty_every: Charged every so many steps, that many times as much.

    Raises:
        ValueError: If `weight` or `penalty_every` is not positive.
    """

    def penalty(
        self,
        discriminate: Callable[[tf.Tensor], tf.Tensor],
        real_samples: tf.Tensor,
        fake_samples: tf.Tensor,
        draws: Any,
    ) -> tf.Tensor:
        """[B], from samples [B, ...]."""
        return super().penalty(discriminate, fake_samples, real_samples, draws)


def squared_gradient_norm(
    discriminate: Callable[[tf.Tensor], tf.Tensor], samples: tf.Tensor
) -> tf.Tensor:
    """|grad D(x)|^2 for each example: samples [B, ...] -> [B]."""
    # Cut off from what made the samples: the penalty is D's alone.
    samples = tf.stop_gradient(samples)
    with tf.GradientTape() as tape:
        tape.watch(samples)
        # A sum, for each value depends on its own sample alone.
        total = tf.reduce_sum(discriminate(samples))
    gradient = tape.gradient(total, samples)
    axes = list(range(1, len(samples.shape)))
    return tf.reduce_sum(tf.square(gradient), axes)


def _norm(squared_norm: tf.Tensor) -> tf.Tensor:
    """The root, with gradient zero, not infinity, where it is zero."""
    is_zero = tf.equal(squared_norm, 0)
    # The root of zero must not be taken at all: 0 times its gradient is NaN.
    safe = tf.where(is_zero, tf.ones_like(squared_norm), squared_norm)
    return tf.where(is_zero, tf.zeros_like(squared_norm), tf.sqrt(safe))


def _positive(name: str, value: Any) -> Any:
    if not value > 0:
        raise ValueError(
            f"`{name}` must be positive. Received: {name}={value!r}."
        )
    return value
