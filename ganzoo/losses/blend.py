"""The 2014 code's blend of the two games."""

import tensorflow as tf

from ganzoo.errors import ConfigurationError
from ganzoo.losses.minimax import Minimax


class Blend(Minimax):
    """A weighted mean of `NonSaturating` and `Minimax`: the 2014 `blend_obj`.

    With n = `non_saturating_weight` (`zurich_coeff`), m = `minimax_weight`
    (`minimax_coeff`), w = `discriminator_weight` and logits s = logit D:
    D: w (softplus(-s(x)) + softplus(s(G(z))));
    G: (n softplus(-s(G(z))) - m w softplus(s(G(z)))) / (n + m).
    The original subtracts m times the whole of D's loss from G's; its part on
    real examples is constant in G and is left out here.

    Methods take logits [B] and return one value for each example, [B].

    Args:
        non_saturating_weight: n, not negative.
        minimax_weight: m, not negative.
        discriminator_weight: w. The 2014 code has 0.5.

    Raises:
        ConfigurationError: If n or m is negative, if both are zero, or if
            `discriminator_weight` is not positive.
    """

    def __init__(
        self,
        non_saturating_weight: float = 1.0,
        minimax_weight: float = 1.0,
        discriminator_weight: float = 1.0,
    ):
        super().__init__(discriminator_weight)
        if (
            min(non_saturating_weight, minimax_weight) < 0
            or non_saturating_weight + minimax_weight == 0
        ):
            raise ConfigurationError(
                "`non_saturating_weight` and `minimax_weight` must not be "
                "negative, and one must be positive. Received: "
                f"non_saturating_weight={non_saturating_weight!r}, "
                f"minimax_weight={minimax_weight!r}."
            )
        self.non_saturating_weight = non_saturating_weight
        self.minimax_weight = minimax_weight

    def generator(self, fake_logits: tf.Tensor) -> tf.Tensor:
        """The blend of -log D(G(z)) and w log(1 - D(G(z)))."""
        total = self.non_saturating_weight + self.minimax_weight
        minimax_weight = self.minimax_weight * self.discriminator_weight
        return (
            self.non_saturating_weight * tf.nn.softplus(-fake_logits)
            - minimax_weight * tf.nn.softplus(fake_logits)
        ) / total
