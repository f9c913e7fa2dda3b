"""Convolutions with gradients that are fast on CPUs.

There TensorFlow computes the gradient by the images at half the speed of a
convolution, which it can be written as; and oneDNN helps with that by the
kernel only where padding is an op of its own (docs/performance.md).
"""

import tensorflow as tf

# With fewer channels than these to make, a convolution leaves most of a
# processor's vector idle, and TensorFlow's own gradient is faster.
_FEW_CHANNELS = 16


def convolved(
    images: tf.Tensor, kernel: tf.Tensor, padding: int = 0
) -> tf.Tensor:
    """`tf.nn.conv2d` of stride 1, just as differentiable.

    Args:
        images: [batch, height, width, in].
        kernel: [size, size, in, out].
        padding: Rows and columns of zeros put at each of the four sides.

    Returns:
        [batch, height + 2 padding - size + 1, width likewise, out].
    """
    if tf.config.list_physical_devices("GPU"):  # Has kernels for gradients.
        return tf.nn.conv2d(images, kernel, 1, _explicit(padding))
    return tf.custom_gradient(
        lambda images, kernel: _with_gradient(images, kernel, padding)
    )(images, kernel)


def _with_gradient(images: tf.Tensor, kernel: tf.Tensor, padding: int) -> tuple:
    size, _, num_channels, _ = kernel.shape
    padded = _padded(images, padding)

    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        if num_channels < _FEW_CHANNELS or padding >= size:
            of_images = tf.nn.conv2d_transpose(
                upstream, kernel, tf.shape(images), 1, _explicit(padding)
            )
        else:
            # The kernel turned by 180 degrees, from out to in.
            turned = tf.transpose(tf.reverse(kernel, [0, 1]), [0, 1, 3, 2])
            border = size - 1 - padding
            of_images = tf.nn.conv2d(
                _padded(upstream, border), turned, 1, "VALID"
            )
        of_kernel = tf.raw_ops.Conv2DBackpropFilter(
            input=padded,
            filter_sizes=tf.shape(kernel),
            out_backprop=upstream,
            strides=[1] * 4,
            padding="VALID",
        )
        return of_images, of_kernel

    return tf.nn.conv2d(padded, kernel, 1, "VALID"), gradient


def _padded(images: tf.Tensor, padding: int) -> tf.Tensor:
    return tf.pad(images, _explicit(padding))


def _explicit(padding: int) -> list[list[int]]:
    around = [padding, padding]
    return [[0, 0], around, around, [0, 0]]
