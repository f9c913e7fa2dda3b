"""Layers of the 2014 nets that Keras lacks, maxout apart.

One bias per pixel; dropout whose masks belong to the rows of the global batch.
"""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from ganzoo import randomness
from ganzoo.errors import ConfigurationError


@keras.saving.register_keras_serializable("ganzoo")
class UntiedBias(keras.layers.Layer):
    """One bias for each row, column and channel: pylearn2's `tied_b=0`.

    Starts at zero.

    Input and output: float [batch, ...], all other dimensions known.
    """

    def build(self, input_shape: Sequence) -> None:
        self.bias = self.add_weight(
            shape=tuple(input_shape[1:]), initializer="zeros", name="bias"
        )

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return inputs + self.bias


@keras.saving.register_keras_serializable("ganzoo")
class Dropout(keras.layers.Dropout):
    """Dropout whose mask depends on the example's row in the global batch.

    Within `ganzoo.randomness.scope`, an entry is kept with probability
    1 - rate (to a multiple of 2^-16) and multiplied with `scale`; one device
    and many draw the same masks, and a resumed run draws them again. Outside of
    a scope the mask is that of Keras' own dropout. Without training, or with a
    rate of 0, nothing is done. Hinton et al. 2012,
    https://arxiv.org/abs/1207.0580.

    Args:
        rate: Probability of dropping an entry, in [0, 1).
        seed: Of Keras' own dropout, for use outside of a scope.
        scale: Factor of what is kept. None: 1 / (1 - rate), which keeps the
            mean.

    Input and output: float [batch, ...].

    Raises:
        ConfigurationError: If `rate` is not in [0, 1), or `scale` not positive.
    """

    def __init__(
        self,
        rate: float,
        seed: Any = None,
        scale: float | None = None,
        **kwargs: Any,
    ):
        if not 0 <= rate < 1:
            raise ConfigurationError(
                f"`rate` must be in [0, 1). Received: rate={rate!r}."
            )
        if scale is not None and not scale > 0:
            raise ConfigurationError(
                f"`scale` must be None or positive. Received: scale={scale!r}."
            )
        super().__init__(rate, noise_shape=None, seed=seed, **kwargs)
        self.scale = scale

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        if not training or self.rate == 0:
            return inputs
        keep = 1 - self.rate
        if self.scale is not None:
            inputs = inputs * (self.scale * keep)
        draws = randomness.current()
        if draws is None:
            return super().call(inputs, training=training)
        shape = [randomness.num_rows(inputs), *inputs.shape[1:]]
        mask = draws.keep_mask(shape, keep)
        return tf.where(mask, inputs / keep, tf.zeros([], inputs.dtype))

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["noise_shape"]
        return {**config, "scale": self.scale}
