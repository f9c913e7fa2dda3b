"""The 2014 code's costs of a player who works only where it fails."""

import math

import tensorflow as tf

from ganzoo.errors import ConfigurationError
from ganzoo.losses.non_saturating import NonSaturating


class Lazy(NonSaturating):
    """`NonSaturating` where the other player is not yet fooled: 0 elsewhere.

    With D = sigmoid(s), margins d and g and w = `discriminator_weight`:
    D: w (softplus(-s(x)) 1[D(x) < 1/2 + d]
          + softplus(s(G(z))) 1[D(G(z)) > 1/2 - d]);
    G: softplus(-s(G(z))) 1[D(G(z)) < 1/2 + g].
    The 2014 code's `LazyAdversaryCost`, with `d_eps` and `g_eps`. A margin of
    1/2 is a player who never rests: d = 1/2, g = 0 is its
    `ThresholdedAdversaryCost`.

    Methods take logits [B] and return one value for each example, [B]; examples
    that cost nothing count in the mean.

    Args:
        discriminator_margin: d, in [0, 0.5].
        generator_margin: g, in [0, 0.5].
        discriminator_weight: w. The 2014 code has 0.5.

    Raises:
        ConfigurationError: If a margin is out of its range, or if
            `discriminator_weight` is not positive.
    """

    def __init__(
        self,
        discriminator_margin: float = 0.0,
        generator_margin: float = 0.0,
        discriminator_weight: float = 1.0,
    ):
        super().__init__(discriminator_weight)
        for name, margin in (
            ("discriminator_margin", discriminator_margin),
            ("generator_margin", generator_margin),
        ):
            if not 0 <= margin <= 0.5:
                raise ConfigurationError(
                    f"`{name}` must be in [0, 0.5]. Received: "
                    f"{name}={margin!r}."
                )
        self.discriminator_margin = discriminator_margin
        self.generator_margin = generator_margin

    def discriminator(
        self, real_logits: tf.Tensor, fake_logits: tf.Tensor
    ) -> tf.Tensor:
        """Cross entropy of the examples that D is not sure enough about."""
        most = _logit_of_half_plus(self.discriminator_margin)
        cost = _where(
            real_logits < most, tf.nn.softplus(-real_logits)
        ) + _where(fake_logits > -most, tf.nn.softplus(fake_logits))
        return self.discriminator_weight * cost

    def generator(self, fake_logits: tf.Tensor) -> tf.Tensor:
        """-log D(G(z)) of the samples that do not fool D enough."""
        most = _logit_of_half_plus(self.generator_margin)
        return _where(fake_logits < most, super().generator(fake_logits))


def _where(condition: tf.Tensor, cost: tf.Tensor) -> tf.Tensor:
    return tf.where(condition, cost, tf.zeros([], cost.dtype))


def _logit_of_half_plus(margin: float) -> float:
    if margin == 0.5:
        return math.inf
    return math.log((0.5 + margin) / (0.5 - margin))
