"""The value function of the game, for both players: equation 1."""

import tensorflow as tf

from ganzoo.errors import ConfigurationError


class Minimax:
    """The two-player minimax game of Goodfellow et al. 2014, equation 1.

    D maximises log D(x) + log(1 - D(G(z))) and G minimises log(1 - D(G(z))),
    which saturates where D is sure (section 3); most libraries that offer this
    name train `NonSaturating`. With logits s = logit D:
    D: softplus(-s(x)) + softplus(s(G(z)));  G: -softplus(s(G(z))).

    Methods take logits [B] and return one value for each example, [B].

    Args:
        discriminator_weight: Factor of D's loss. The 2014 code has 0.5.

    Raises:
        ConfigurationError: If `discriminator_weight` is not positive.
    """

    def __init__(self, discriminator_weight: float = 1.0):
        if not discriminator_weight > 0:
            raise ConfigurationError(
                "`discriminator_weight` must be positive. Received: "
                f"discriminator_weight={discriminator_weight!r}."
            )
        self.discriminator_weight = discriminator_weight

    def discriminator(
        self, real_logits: tf.Tensor, fake_logits: tf.Tensor
    ) -> tf.Tensor:
        """Cross entropy of "real is real" and of "fake is fake", added."""
        cross_entropy = tf.nn.softplus(-real_logits) + tf.nn.softplus(
            fake_logits
        )
        return self.discriminator_weight * cross_entropy

    def generator(self, fake_logits: tf.Tensor) -> tf.Tensor:
        """log(1 - D(G(z)))."""
        return -tf.nn.softplus(fake_logits)
