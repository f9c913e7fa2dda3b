"""The hinge loss."""

import tensorflow as tf


class Hinge:
    """The game of margins.

    D: max(0, 1 - D(x)) + max(0, 1 + D(G(z)));  G: -D(G(z)).
    Lim & Ye 2017, "Geometric GAN", https://arxiv.org/abs/1705.02894; used by
    Miyato et al. 2018 with residual nets.

    Methods take logits [B] and return one value for each example, [B].
    """

    def discriminator(
        self, real_logits: tf.Tensor, fake_logits: tf.Tensor
    ) -> tf.Tensor:
        """max(0, 1 - D(x)) + max(0, 1 + D(G(z)))."""
        return tf.nn.relu(1 - real_logits) + tf.nn.relu(1 + fake_logits)

    def generator(self, fake_logits: tf.Tensor) -> tf.Tensor:
        """-D(G(z))."""
        return -fake_logits
