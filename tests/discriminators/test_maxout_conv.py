"""The convolutional maxout discriminator: sizes and counts by hand."""

import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from ganzoo.discriminators.maxout_conv import build_discriminator
from ganzoo.errors import ConfigurationError


def small(sample_shape=(12, 12, 1), **options):
    """Two convolutions and one dense layer."""
    return build_discriminator(
        sample_shape,
        **{
            "filters": (4, 6),
            "kernel_size": 3,
            "padding": (2, 1),
            "pool_size": 2,
            "hidden_units": (5,),
            **options,
        },
    )


def test_sizes_and_parameters_of_the_2014_net():
    network = build_discriminator((32, 32, 3))
    sizes = [
        network.get_layer(name).output.shape[1:]
        for name in ("conv_0", "conv_1", "conv_2", "flat_features", "hidden_0")
    ]
    assert sizes == [(16, 16, 32), (7, 7, 32), (5, 5, 192), (4800,), (500,)]
    assert network.output_shape == (None, 1)
    assert network.mixes_examples is False
    assert network.count_params() == (
        (8 * 8 * 3 * 64 + 64)
        + (8 * 8 * 32 * 64 + 64)
        + (5 * 5 * 32 * 384 + 384)
        + (4800 * 2500 + 2500)
        + (500 + 1)
    )
    for weight in network.weights:
        if weight.path.endswith("kernel"):
            assert np.abs(weight.numpy()).max() <= 0.005


def test_dropout_at_every_layers_input():
    rates = [
        layer.rate
        for layer in small().layers
        if isinstance(layer, keras.layers.Dropout)
    ]
    assert rates == [0.2, 0.5, 0.5, 0.5]
    network = small(hidden_dropout=(0.1, 0.3, 0.4), hidden_scale=(1, 2, 3))
    of_each = [
        (layer.rate, layer.scale)
        for layer in network.layers
        if isinstance(layer, keras.layers.Dropout)
    ]
    assert of_each == [(0.2, None), (0.1, 1), (0.3, 2), (0.4, 3)]
    names = [layer.name for layer in small().layers]
    for name in ("conv_0", "conv_1", "output"):
        assert "dropout" in names[names.index(name) - 1]
    before_hidden = names[: names.index("hidden_0")]
    assert before_hidden[-2:] == ["conv_dropout_1", "flat_features"]


def test_a_gradient_reaches_every_weight():
    network = small()
    with tf.GradientTape() as tape:
        images = tf.random.stateless_normal([8, 12, 12, 1], seed=[1, 2])
        total = tf.reduce_sum(network(images))
    for gradient in tape.gradient(total, network.trainable_variables):
        assert np.any(gradient.numpy() != 0)


def test_max_column_norm_holds_in_every_layer():
    network = small(init_range=3.0, max_column_norm=0.5)
    optimizer = keras.optimizers.SGD(0.01)
    variables = network.trainable_variables
    optimizer.apply([tf.ones_like(v) for v in variables], variables)
    for weight in network.weights:
        if weight.path.endswith("kernel"):
            columns = weight.numpy().reshape(-1, weight.shape[-1])
            norms = np.linalg.norm(columns, axis=0)
            np.testing.assert_allclose(norms, 0.5, rtol=1e-5)


@pytest.mark.parametrize(
    "policy, compute_dtype, logits_dtype",
    [
        ("float64", "float64", "float64"),
        ("mixed_bfloat16", "bfloat16", "float32"),
    ],
)
def test_dtypes(policy, compute_dtype, logits_dtype):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    network = small()
    keras.config.set_dtype_policy(before)
    assert network.get_layer("conv_1").compute_dtype == compute_dtype
    logits = network(tf.zeros([2, 12, 12, 1], logits_dtype), training=True)
    assert logits.dtype == logits_dtype


@pytest.mark.parametrize(
    "build, message",
    [
        (
            lambda: build_discriminator((2,)),
            "`sample_shape` of `discriminators.maxout_conv` must be (height, "
            "width, channels). Received: sample_shape=(2,). Use "
            "`discriminators.maxout_mlp` for samples of this shape.",
        ),
        (
            lambda: build_discriminator((8, 8, 1), kernel_size=(8, 17, 5)),
            "`kernel_size` of layer 'conv_1' must fit the padded image. "
            "Received: kernel_size=17, padding=3, image (4, 4, 32).",
        ),
        (
            lambda: small(padding=(1, 2, 3)),
            "`padding` must be one value, or one for each of the 2 layers "
            "that it is about. Received: padding=(1, 2, 3).",
        ),
    ],
)
def test_data_that_does_not_fit_is_refused(build, message):
    with pytest.raises(ConfigurationError, match=f"^{re.escape(message)}$"):
        build()
