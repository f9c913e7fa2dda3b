"""The "deconvolutional" generator, against loops in NumPy."""

import re

import keras
import numpy as np
import pytest
import scipy.special
import tensorflow as tf

from ganzoo.errors import ConfigurationError
from ganzoo.generators.deconv import build_generator

RNG = np.random.default_rng(12)


def test_forward_pass_against_numpy():
    """Each grid point adds its kernel to the image, `strides` pixels on."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float64")
    network = build_generator(
        (9, 7, 2),
        3,
        hidden_units=5,
        base_channels=4,
        kernel_size=3,
        strides=2,
        output_activation="tanh",
    )
    keras.config.set_dtype_policy(before)
    network.set_weights([RNG.normal(size=w.shape) for w in network.weights])
    weights = {weight.path: weight.numpy() for weight in network.weights}
    latents = RNG.normal(size=(6, 3))
    hidden = latents @ weights["hidden_0/kernel"] + weights["hidden_0/bias"]
    hidden = np.maximum(hidden, 0)
    hidden = hidden @ weights["hidden_1/kernel"] + weights["hidden_1/bias"]
    grid = scipy.special.expit(hidden).reshape(6, 4, 3, 4)
    images = np.tile(weights["output_bias/bias"], (6, 1, 1, 1))
    kernel = weights["output/kernel"]  # [3, 3, out, in]
    for row in range(4):
        for column in range(3):
            top, left = 2 * row, 2 * column
            images[:, top : top + 3, left : left + 3] += np.einsum(
                "hwoi,bi->bhwo", kernel, grid[:, row, column]
            )
    samples = network(latents)
    assert samples.dtype == "float64"
    np.testing.assert_allclose(samples, np.tanh(images), rtol=1e-10)


@pytest.mark.slow
def test_cifar_parameters():
    network = build_generator((32, 32, 3), 100)
    assert network.output_shape == (None, 32, 32, 3)
    assert network.get_layer("grid").output.shape == (None, 10, 10, 80)
    assert network.count_params() == (
        (100 * 8000 + 8000)
        + (8000 * 8000 + 8000)
        + 5 * 5 * 80 * 3
        + 32 * 32 * 3
    )


@pytest.mark.parametrize(
    "sample_shape, kernel_size, strides, grid",
    [
        ((32, 32, 3), 5, 3, (10, 10)),
        ((28, 28, 1), 4, 3, (9, 9)),
        ((8, 12, 1), 4, 2, (3, 5)),
        ((5, 5, 1), 5, 3, (1, 1)),
    ],
)
def test_the_grid_follows_from_the_data(
    sample_shape, kernel_size, strides, grid
):
    network = build_generator(
        sample_shape,
        4,
        hidden_units=5,
        base_channels=2,
        kernel_size=kernel_size,
        strides=strides,
    )
    assert network.get_layer("grid").output.shape[1:] == (*grid, 2)
    assert network(tf.zeros([3, 4])).shape == (3, *sample_shape)


def test_samples_stay_float32_in_mixed_precision():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    network = build_generator((8, 8, 1), 3, 4, 2)
    keras.config.set_dtype_policy(before)
    assert network.get_layer("hidden_0").compute_dtype == "bfloat16"
    assert network(tf.zeros([1, 3])).dtype == "float32"


@pytest.mark.parametrize(
    "sample_shape, message",
    [
        (
            (28, 28, 1),
            "`generators.deconv` must give samples of the data's shape "
            "(28, 28, 1). Received: kernel_size=5, strides=3, which from a "
            "grid of 8 x 8 give (26, 26, 1). Choose `kernel_size` and "
            "`strides` so that (size - kernel_size) / strides is whole.",
        ),
        (
            (32, 4, 1),
            "`generators.deconv` must give samples of the data's shape "
            "(32, 4, 1). Received: kernel_size=5, strides=3, which from a "
            "grid of 10 x 1 give (32, 5, 1). Choose `kernel_size` and "
            "`strides` so that (size - kernel_size) / strides is whole.",
        ),
        (
            (2,),
            "`sample_shape` of `generators.deconv` must be (height, width, "
            "channels). Received: sample_shape=(2,). Use `generators.mlp` for "
            "samples of this shape.",
        ),
    ],
)
def test_data_that_does_not_fit_is_refused(sample_shape, message):
    with pytest.raises(ConfigurationError, match=f"^{re.escape(message)}$"):
        build_generator(sample_shape, 100)
