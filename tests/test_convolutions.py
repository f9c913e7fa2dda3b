"""Convolutions against TensorFlow's own, derivatives of both orders too."""

import numpy as np
import pytest
import tensorflow as tf

from ganzoo.convolutions import convolved

RNG = np.random.default_rng(3)


def own(images, kernel, padding):
    around = [padding, padding]
    return tf.nn.conv2d(images, kernel, 1, [[0, 0], around, around, [0, 0]])


def derivatives(function, images, kernel, padding):
    """Values, both gradients, and those of a penalty on the image's."""
    with tf.GradientTape() as outer:
        outer.watch([images, kernel])
        with tf.GradientTape() as tape:
            tape.watch([images, kernel])
            values = function(images, kernel, padding)
            total = tf.reduce_sum(tf.sin(values))
        first = tape.gradient(total, [images, kernel])
        penalty = tf.reduce_sum(first[0] ** 2) + tf.reduce_sum(first[1] ** 3)
    return [values, *first, *outer.gradient(penalty, [images, kernel])]


@pytest.mark.parametrize(
    ("num_channels", "size", "padding"),
    [
        (3, 4, 2),
        (3, 3, 0),
        (1, 5, 4),
        (3, 2, 2),
        (16, 3, 1),
        (16, 3, 0),
        (16, 5, 3),
        (16, 2, 2),
    ],
)
@pytest.mark.parametrize("image_size", [(6, 5), (8, 6)])
@pytest.mark.parametrize("jit_compile", [False, True])
def test_same_as_tensorflows(
    image_size, num_channels, size, padding, jit_compile
):
    images = tf.constant(RNG.normal(size=(2, *image_size, num_channels)))
    kernel = tf.constant(RNG.normal(size=(size, size, num_channels, 3)) / 9)
    wanted = derivatives(own, images, kernel, padding)

    @tf.function(
        jit_compile=jit_compile,
        input_signature=[
            tf.TensorSpec([None, *images.shape[1:]], tf.float64),
            tf.TensorSpec(kernel.shape, tf.float64),
        ],
    )
    def found(images, kernel):
        return derivatives(convolved, images, kernel, padding)

    for a, b in zip(found(images, kernel), wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)
