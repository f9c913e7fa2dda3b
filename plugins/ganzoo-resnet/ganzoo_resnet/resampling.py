"""Convolutions joined with the doubling before, or the halving after them.

Where 2 x 2 pixels have one value, or only their mean is asked for, sums of
neighbouring weights do in one product what the weights do in several: for 3 x 3
kernels in 4/9 of the products. docs/performance.md has the times.
"""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf


def doubled(maps: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """Each pixel becomes 2 x 2 of its value, which are then convolved.

    The convolution is padded with zeros to keep the size. A pixel of `maps`
    goes into (k + 1)^2 pixels of the output, times sums of 2 x 2 weights: one
    transposed convolution of stride 2.

    In 16 bits it is less exact on CPUs, where TensorFlow adds up what goes into
    a pixel in 16 bits.

    Args:
        maps: [batch, height, width, in].
        kernel: [k, k, in, out], k odd.

    Returns:
        [batch, 2 height, 2 width, out].
    """
    batch, height, width, _ = keras.ops.shape(maps)
    # TensorFlow wants the kernel of the convolution that this is the transpose
    # of: [k + 1, k + 1, out, in].
    turned = tf.transpose(tf.reverse(_sums(kernel), [0, 1]), [0, 1, 3, 2])
    shape = [batch, 2 * height, 2 * width, kernel.shape[-1]]
    return tf.nn.conv2d_transpose(maps, turned, shape, 2, "SAME")


def halved(maps: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """The means of 2 x 2 pixels of a convolution.

    The convolution is padded with zeros to keep the size. (k + 1)^2 pixels of
    `maps` go into a mean, times means of 2 x 2 weights: one convolution of
    stride 2. The last row or column of an odd number belongs to no mean.

    Args:
        maps: [batch, height, width, in].
        kernel: [k, k, in, out], k odd.

    Returns:
        [batch, height // 2, width // 2, out].
    """
    _, height, width, _ = keras.ops.shape(maps)
    # This padding begins as that of the convolution: (k - 1) / 2 zeros.
    means = tf.nn.conv2d(maps, _sums(kernel) / 4, 2, "SAME")
    return means[:, : height // 2, : width // 2]


def check_odd(kernel_size: int) -> None:
    """Raises ValueError unless the kernel has a middle."""
    if kernel_size % 2 == 0:
        raise ValueError(
            "`kernel_size` must be odd where a convolution doubles or halves "
            f"the map. Received: kernel_size={kernel_size}."
        )


def _sums(kernel: tf.Tensor) -> tf.Tensor:
    """Of 2 x 2 neighbours, zeros around: [k, k, ...] -> [k + 1, k + 1, ...]."""
    around = tf.pad(kernel, [[1, 1], [1, 1], [0, 0], [0, 0]])
    rows = around[1:] + around[:-1]
    return rows[:, 1:] + rows[:, :-1]


# Named as Keras' own: by "conv2d_1/kernel" `initialize_from` finds the weights
# of runs from before there was this layer.
@keras.saving.register_keras_serializable("ganzoo_resnet")
class Conv2D(keras.layers.Layer):
    """Doubles the map and convolves it, without a bias: see `doubled`.

    The same function and weights as `UpSampling2D()`, then `Conv2D(filters,
    kernel_size, padding="same", use_bias=False)`.

    Args:
        filters: Number of output channels.
        kernel_size: Height and width of the kernel, in pixels; odd.
        kernel_initializer: Of the kernel [k, k, in, filters].

    Input: float [batch, height, width, in].
    Output: float [batch, 2 height, 2 width, filters].

    Raises:
        ValueError: If `kernel_size` is even.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        kernel_initializer: Any = "glorot_uniform",
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        check_odd(kernel_size)
        self.filters = filters
        self.kernel_size = kernel_size
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, input_shape: Sequence) -> None:
        size = (self.kernel_size, self.kernel_size)
        self.kernel = self.add_weight(
            shape=(*size, input_shape[-1], self.filters),
            initializer=self.kernel_initializer,
            name="kernel",
        )

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return doubled(inputs, tf.convert_to_tensor(self.kernel))

    def compute_output_shape(self, input_shape: Sequence) -> tuple:
        batch, *sizes, _ = input_shape
        sizes = [None if size is None else 2 * size for size in sizes]
        return (batch, *sizes, self.filters)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "kernel_initializer": keras.initializers.serialize(
                self.kernel_initializer
            ),
        }
