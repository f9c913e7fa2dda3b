"""Convolutions with gradients that are fast on CPUs.

There TensorFlow computes the gradient by the images at half the speed of a
convolution, which it can be written as; and oneDNN helps with that by the
kernel only where padding is an op of its own (docs/performance.md).
"""

from typing import Any

import tensorflow as tf

from ganzoo.needed_rows import behind_zeros

# With fewer channels than these to make, a convolution leaves most of a
# processor's vectors idle. Where it makes all pixels of such a block at once,
# as channels of one pixel of a smaller map, it fills them.
_FEW_CHANNELS = 16
_BLOCK = (4, 2)


def convolved(
    images: tf.Tensor, kernel: tf.Tensor, padding: int = 0, first_row: Any = 0
) -> tf.Tensor:
    """`tf.nn.conv2d` of stride 1, just as differentiable.

    Args:
        images: [batch, height, width, in].
        kernel: [size, size, in, out].
        padding: Rows and columns of zeros put at each of the four sides.
        first_row: The first image that a gradient is needed for: those before
            may get zeros.

    Returns:
        [batch, height + 2 padding - size + 1, width likewise, out].
    """
    if tf.config.list_physical_devices("GPU"):  # Has kernels for gradients.
        return tf.nn.conv2d(images, kernel, 1, _explicit(padding))
    return tf.custom_gradient(
        lambda images, kernel: _with_gradient(
            images, kernel, padding, first_row
        )
    )(images, kernel)


def _with_gradient(
    images: tf.Tensor, kernel: tf.Tensor, padding: int, first_row: Any
) -> tuple:
    padded = _padded(images, padding)
    size = kernel.shape[0]

    def of_images(upstream: tf.Tensor) -> tf.Tensor:
        if padding >= size:
            shape = tf.concat(
                [tf.shape(upstream)[:1], tf.shape(images)[1:]], axis=0
            )
            return tf.nn.conv2d_transpose(
                upstream, kernel, shape, 1, _explicit(padding)
            )
        # The kernel turned by 180 degrees, from out to in.
        turned = tf.transpose(tf.reverse(kernel, [0, 1]), [0, 1, 3, 2])
        widened = _padded(upstream, size - 1 - padding)
        if _fits_blocks(images):
            return _by_blocks(widened, turned)
        return tf.nn.conv2d(widened, turned, 1, "VALID")

    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        of_kernel = tf.raw_ops.Conv2DBackpropFilter(
            input=padded,
            filter_sizes=tf.shape(kernel),
            out_backprop=upstream,
            strides=[1] * 4,
            padding="VALID",
        )
        return behind_zeros(of_images, upstream, first_row), of_kernel

    return tf.nn.conv2d(padded, kernel, 1, "VALID"), gradient


def _fits_blocks(images: tf.Tensor) -> bool:
    *image_size, num_channels = images.shape[1:]
    return num_channels < _FEW_CHANNELS and not any(
        size is None or size % block
        for size, block in zip(image_size, _BLOCK, strict=True)
    )


def _by_blocks(images: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """A convolution without padding that makes blocks of pixels at once."""
    height, width = _BLOCK
    # The kernel of a block's pixel lies that many pixels further on.
    kernels = [
        tf.pad(
            kernel,
            [[y, height - 1 - y], [x, width - 1 - x], [0, 0], [0, 0]],
        )
        for y in range(height)
        for x in range(width)
    ]
    blocks = tf.nn.conv2d(images, tf.concat(kernels, axis=3), _BLOCK, "VALID")
    num_rows, num_columns = blocks.shape[1:3]
    num_channels = kernel.shape[3]
    blocks = tf.reshape(
        blocks, [-1, num_rows, num_columns, height, width, num_channels]
    )
    return tf.reshape(
        tf.transpose(blocks, [0, 1, 3, 2, 4, 5]),
        [-1, num_rows * height, num_columns * width, num_channels],
    )


def _padded(images: tf.Tensor, padding: int) -> tf.Tensor:
    return tf.pad(images, _explicit(padding))


def _explicit(padding: int) -> list[list[int]]:
    around = [padding, padding]
    return [[0, 0], around, around, [0, 0]]
