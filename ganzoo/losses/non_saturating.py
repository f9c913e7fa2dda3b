"""The game that the 2014 experiments played."""

import tensorflow as tf

from ganzoo.losses.minimax import Minimax


class NonSaturating(Minimax):
    """G maximises log D(G(z)): Goodfellow et al. 2014, end of section 3.

    The same fixed point as `Minimax` and the same D, but gradients that are
    strong where D is sure. With logits s = logit D:
    D: softplus(-s(x)) + softplus(s(G(z)));  G: softplus(-s(G(z))).

    Methods take logits [B] and return one value for each example, [B].

    Args:
        discriminator_weight: Factor of D's loss. The 2014 code has 0.5.

    Raises:
        ConfigurationError: If `discriminator_weight` is not positive.
    """

    def generator(self, fake_logits: tf.Tensor) -> tf.Tensor:
        """-log D(G(z))."""
        return tf.nn.softplus(-fake_logits)
