"""Maxout, dense and convolutional, as pylearn2 built it for the 2014 paper.

Goodfellow et al. 2013, "Maxout networks", https://arxiv.org/abs/1302.4389.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from ganzoo import needed_rows
from ganzoo.convolutions import convolved
from ganzoo.errors import ConfigurationError


def _check_positive(**sizes: int) -> None:
    for name, size in sizes.items():
        if not isinstance(size, int) or size < 1:
            raise ConfigurationError(
                f"`{name}` must be a positive integer. Received: "
                f"{name}={size!r}."
            )


class _Maxout(keras.layers.Layer):
    """What both forms of maxout have: pieces, a kernel and a bias."""

    def __init__(
        self,
        num_pieces: int,
        kernel_initializer: Any,
        kernel_constraint: Any,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        _check_positive(num_pieces=num_pieces)
        self.num_pieces = num_pieces
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.kernel_constraint = keras.constraints.get(kernel_constraint)

    def _add_weights(self, kernel_shape: tuple[int, ...]) -> None:
        self.kernel = self.add_weight(
            shape=kernel_shape,
            initializer=self.kernel_initializer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        self.bias = self.add_weight(
            shape=kernel_shape[-1:], initializer="zeros", name="bias"
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_pieces": self.num_pieces,
            "kernel_initializer": keras.initializers.serialize(
                self.kernel_initializer
            ),
            "kernel_constraint": keras.constraints.serialize(
                self.kernel_constraint
            ),
        }


@keras.saving.register_keras_serializable("ganzoo")
class MaxoutDense(_Maxout):
    """Units that are each the largest of several linear functions.

    h_i(x) = max_j (x W + b)_ij, j over the `num_pieces` contiguous columns of
    unit i: Goodfellow et al. 2013, section 2. Biases start at zero.

    Args:
        units: Number of units.
        num_pieces: Linear functions for each unit. The 2014 nets use 5.
        kernel_initializer: Of the kernel [in, units * num_pieces].
        kernel_constraint: Of the kernel.

    Input: float [batch, in].
    Output: float [batch, units].

    Raises:
        ConfigurationError: If `units` or `num_pieces` is not positive.
    """

    def __init__(
        self,
        units: int,
        num_pieces: int = 5,
        kernel_initializer: Any = "glorot_uniform",
        kernel_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(
            num_pieces, kernel_initializer, kernel_constraint, **kwargs
        )
        _check_positive(units=units)
        self.units = units
        self.input_spec = keras.InputSpec(ndim=2)

    def build(self, input_shape: Sequence) -> None:
        self._add_weights((input_shape[-1], self.units * self.num_pieces))

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        first_row = needed_rows.first_of(self)
        responses = needed_rows.matmul(inputs, self.kernel, first_row)
        responses += self.bias
        return _largest_of_groups(responses, self.num_pieces)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable("ganzoo")
class MaxoutConv2D(_Maxout):
    """Convolution, maximum over pieces, maximum over space: pylearn2's maxout.

    The image is padded with zeros and convolved, a bias is added to each
    channel, the largest of `num_pieces` contiguous channels is taken, then the
    largest of each pooling window. Windows may hang over the lower and the
    right edge: n pixels become ceil((n - pool_size) / pool_strides) + 1.

    Compiled by XLA, the second derivative of pooling (which penalties on
    gradients need) is not exact: its MaxPoolGradGrad compares in bfloat16.

    Args:
        filters: Number of output channels.
        kernel_size: Height and width of the kernel, in pixels.
        num_pieces: Linear functions for each channel. The 2014 net uses 2.
        padding: Rows and columns of zeros put at each of the four sides.
        pool_size: Height and width of a pooling window, in pixels.
        pool_strides: Distance of pooling windows, at most `pool_size`.
        kernel_initializer: Of the kernel [k, k, in, filters * num_pieces].
        kernel_constraint: Of the kernel.

    Input: float [batch, height, width, channels].
    Output: float [batch, pooled height, pooled width, filters].

    Raises:
        ConfigurationError: If a size is not positive, if pooling windows leave
            gaps, or if the kernel is larger than the padded image.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        num_pieces: int = 2,
        padding: int = 0,
        pool_size: int = 1,
        pool_strides: int = 1,
        kernel_initializer: Any = "glorot_uniform",
        kernel_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(
            num_pieces, kernel_initializer, kernel_constraint, **kwargs
        )
        _check_positive(
            filters=filters,
            kernel_size=kernel_size,
            pool_size=pool_size,
            pool_strides=pool_strides,
        )
        if pool_strides > pool_size:
            raise ConfigurationError(
                "`pool_strides` must not exceed `pool_size`. Received: "
                f"pool_strides={pool_strides}, pool_size={pool_size}."
            )
        self.filters = filters
        self.kernel_size = kernel_size
        self.padding = padding
        self.pool_size = pool_size
        self.pool_strides = pool_strides
        self.input_spec = keras.InputSpec(ndim=4)

    def build(self, input_shape: Sequence) -> None:
        *image_size, num_channels = input_shape[1:]
        if min(image_size) + 2 * self.padding < self.kernel_size:
            raise ConfigurationError(
                f"`kernel_size` of layer {self.name!r} must fit the padded "
                f"image. Received: kernel_size={self.kernel_size}, "
                f"padding={self.padding}, image {tuple(input_shape[1:])}."
            )
        kernel_size = (self.kernel_size, self.kernel_size)
        self._add_weights(
            (*kernel_size, num_channels, self.filters * self.num_pieces)
        )

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        kernel, bias = map(self._by_piece, (self.kernel, self.bias))
        first_row = needed_rows.first_of(self)
        responses = tf.nn.bias_add(
            convolved(inputs, kernel, self.padding, first_row), bias
        )
        # Pieces that lie apart are cut out at a third of the cost.
        pieces = tf.split(responses, self.num_pieces, axis=-1)
        return self._pool(_largest(pieces))

    def _by_piece(self, weight: Any) -> tf.Tensor:
        """The same numbers; first all channels' first piece, and so on."""
        weight = tf.convert_to_tensor(weight)
        *rest, num = weight.shape
        pieces = tf.reshape(weight, [*rest, self.filters, self.num_pieces])
        return tf.reshape(tf.linalg.matrix_transpose(pieces), [*rest, num])

    def _pool(self, images: tf.Tensor) -> tf.Tensor:
        if self.pool_size == 1:
            return images
        overhangs = []
        for size in images.shape[1:3]:
            last = max(-(-(size - self.pool_size) // self.pool_strides), 0)
            end = last * self.pool_strides + self.pool_size
            overhangs.append([0, end - size])
        # max_pool2d could pad by itself, but then has no second derivative.
        padded = tf.pad(
            images,
            [[0, 0], *overhangs, [0, 0]],
            constant_values=images.dtype.min,
        )
        return tf.nn.max_pool2d(
            padded, self.pool_size, self.pool_strides, padding="VALID"
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "padding": self.padding,
            "pool_size": self.pool_size,
            "pool_strides": self.pool_strides,
        }


def _largest_of_groups(responses: tf.Tensor, num_pieces: int) -> tf.Tensor:
    """The maxima of neighbours: [batch, units * num_pieces] -> [batch, units].

    Where pieces tie, each gets its share of the gradient.
    """
    units = responses.shape[-1] // num_pieces

    def pieces(values: tf.Tensor) -> list[tf.Tensor]:
        return tf.unstack(tf.reshape(values, [-1, units, num_pieces]), axis=-1)

    def spread(values: tf.Tensor) -> tf.Tensor:
        # tf.repeat is as fast, but a dozen of ops.
        tiled = tf.tile(tf.expand_dims(values, -1), [1, 1, num_pieces])
        return tf.reshape(tiled, [-1, units * num_pieces])

    # By itself, a chain of maxima takes twice the time on its way back.
    @tf.custom_gradient
    def largest(responses: tf.Tensor) -> tuple[tf.Tensor, Callable]:
        maxima = _largest(pieces(responses))

        def back(upstream: tf.Tensor) -> tf.Tensor:
            is_largest = responses >= spread(maxima)
            num = tf.add_n(pieces(tf.cast(is_largest, upstream.dtype)))
            zero = tf.zeros([], upstream.dtype)
            return tf.where(is_largest, spread(upstream / num), zero)

        return maxima, back

    return largest(responses)


def _largest(pieces: Sequence[tf.Tensor]) -> tf.Tensor:
    # A chain of maxima, and not reduce_max: where pieces tie, its gradient
    # goes to one of them, and on CPUs it is faster.
    return functools.reduce(tf.maximum, pieces)
