"""G's cost as judged by a D that does not train."""

from typing import Any

import tensorflow as tf

from ganzoo.errors import ConfigurationError


class WithoutDropout:
    """A loss whose G is judged by D without dropout: `no_drop_in_d_for_g`.

    D's cost is that of `loss`. G's is the same function of the logits of a
    second pass, in which D does not train: nothing is dropped, and batch
    normalisation goes by its moving statistics.

    Methods take logits [B] and return one value for each example, [B].

    Args:
        loss: A term with methods `discriminator(real_logits, fake_logits)` and
            `generator(fake_logits)`, such as `@losses.non_saturating()`.

    Raises:
        ConfigurationError: If `loss` lacks one of them.
    """

    def __init__(self, loss: Any):
        for method in ("discriminator", "generator"):
            if not hasattr(loss, method):
                raise ConfigurationError(
                    "`loss` of `losses.without_dropout` must have a method "
                    f"`{method}`. Received: {type(loss).__name__}. Give it one "
                    "such as @losses.non_saturating()."
                )
        self.loss = loss

    def discriminator(
        self, real_logits: tf.Tensor, fake_logits: tf.Tensor
    ) -> tf.Tensor:
        """What the loss says."""
        return self.loss.discriminator(real_logits, fake_logits)

    def generator(self, fake_logits_without_dropout: tf.Tensor) -> tf.Tensor:
        """What the loss says of other logits."""
        return self.loss.generator(fake_logits_without_dropout)
