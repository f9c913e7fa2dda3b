"""Layers whose kernel has spectral norm one."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from ganzoo_resnet import resampling


class _Spectral(keras.layers.Layer):
    """The kernel over its largest singular value.

    Miyato et al. 2018, "Spectral normalization for generative adversarial
    networks", Algorithm 1, https://arxiv.org/abs/1802.05957: one power
    iteration for each training call, v <- W^T u / |W^T u|, u <- W v / |W v|,
    sigma = u^T W v with u and v held constant in the gradient. Outside of
    training u stays as it is.

    Unlike `keras.layers.SpectralNormalization`, the kernel itself is never
    written: what a generator's step does to a discriminator is to turn u.
    """

    def __init__(
        self,
        kernel_initializer: Any = "glorot_uniform",
        num_iterations: int = 1,
        epsilon: float = 1e-12,
        use_bias: bool = True,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if num_iterations < 1:
            raise ValueError(
                "`num_iterations` must be positive. Received: "
                f"num_iterations={num_iterations}."
            )
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.num_iterations = num_iterations
        self.epsilon = epsilon
        self.use_bias = use_bias

    def _add_weights(self, kernel_shape: tuple[int, ...]) -> None:
        self.kernel = self.add_weight(
            shape=kernel_shape,
            initializer=self.kernel_initializer,
            # Its norm is computed in full precision.
            autocast=False,
            name="kernel",
        )
        if self.use_bias:
            self.bias = self.add_weight(
                shape=kernel_shape[-1:], initializer="zeros", name="bias"
            )
        # Each replica keeps its own u, and all are equal: they come from equal
        # kernels. Nothing has to be sent, so a call may stand in a `tf.cond`.
        self.u = keras.Variable(
            keras.initializers.RandomNormal(stddev=1.0),
            shape=(kernel_shape[-1], 1),
            dtype=self.variable_dtype,
            trainable=False,
            autocast=False,
            synchronization="on_read",
            aggregation="only_first_replica",
            name="u",
        )

    def normalized_kernel(self, training: bool) -> tf.Tensor:
        """W / sigma(W), in the dtype of the computation."""
        kernel = tf.convert_to_tensor(self.kernel)
        matrix = tf.reshape(kernel, [-1, kernel.shape[-1]])  # [in, out]
        constant = tf.stop_gradient(matrix)
        u = tf.convert_to_tensor(self.u)
        for _ in range(self.num_iterations if training else 0):
            v = self._unit(tf.matmul(constant, u))
            u = self._unit(tf.matmul(constant, v, transpose_a=True))
        if training:
            self.u.assign(u)
        v = self._unit(tf.matmul(constant, u))
        sigma = tf.reduce_sum(v * tf.matmul(matrix, u))
        return tf.cast(kernel / sigma, self.compute_dtype)

    def biased(self, outputs: tf.Tensor) -> tf.Tensor:
        """The outputs plus the bias, if there is one."""
        return outputs + self.bias if self.use_bias else outputs

    def _unit(self, vector: tf.Tensor) -> tf.Tensor:
        return vector / (tf.norm(vector) + self.epsilon)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "kernel_initializer": keras.initializers.serialize(
                self.kernel_initializer
            ),
            "num_iterations": self.num_iterations,
            "epsilon": self.epsilon,
            "use_bias": self.use_bias,
        }


@keras.saving.register_keras_serializable("ganzoo_resnet")
class SpectralDense(_Spectral):
    """Dense layer whose kernel has spectral norm one: Miyato et al. 2018.

    Args:
        units: Number of units.
        kernel_initializer: Of the kernel [in, units].
        num_iterations: Power iterations in a training call. The paper uses 1.
        epsilon: Added to the lengths that u and v are divided by.
        use_bias: Whether a bias is added.

    Input: float [batch, in].
    Output: float [batch, units].

    Raises:
        ValueError: If `num_iterations` is not positive.
    """

    def __init__(self, units: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape: Sequence) -> None:
        self._add_weights((input_shape[-1], self.units))

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        return self.biased(tf.matmul(inputs, self.normalized_kernel(training)))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable("ganzoo_resnet")
class SpectralConv2D(_Spectral):
    """Convolution whose kernel, as a matrix, has spectral norm one.

    The matrix is [height * width * in, filters]: Miyato et al. 2018, section
    2.1. Stride 1, padded with zeros to keep the size.

    Args:
        filters: Number of output channels.
        kernel_size: Height and width of the kernel, in pixels.
        halves: Whether the outputs are the means of 2 x 2 pixels, as
            `AveragePooling2D(2)` would make them; see `resampling.halved`.
        kernel_initializer: Of the kernel [k, k, in, filters].
        num_iterations: Power iterations in a training call. The paper uses 1.
        epsilon: Added to the lengths that u and v are divided by.
        use_bias: Whether a bias is added.

    Input: float [batch, height, width, in].
    Output: float [batch, height, width, filters], or of half the size.

    Raises:
        ValueError: If `num_iterations` is not positive, or `kernel_size` is
            even where the layer halves.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        halves: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if halves:
            resampling.check_odd(kernel_size)
        self.filters = filters
        self.kernel_size = kernel_size
        self.halves = halves

    def build(self, input_shape: Sequence) -> None:
        size = (self.kernel_size, self.kernel_size)
        self._add_weights((*size, input_shape[-1], self.filters))

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        kernel = self.normalized_kernel(training)
        if self.halves:
            return self.biased(resampling.halved(inputs, kernel))
        return self.biased(tf.nn.conv2d(inputs, kernel, 1, "SAME"))

    def compute_output_shape(self, input_shape: Sequence) -> tuple:
        batch, *sizes, _ = input_shape
        if self.halves:
            sizes = [None if size is None else size // 2 for size in sizes]
        return (batch, *sizes, self.filters)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "halves": self.halves,
        }
