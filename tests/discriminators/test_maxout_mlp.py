"""The maxout discriminator, against NumPy and counts by hand."""

import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from ganzoo import randomness
from ganzoo.discriminators.maxout_mlp import build_discriminator
from ganzoo.errors import ConfigurationError
from ganzoo.layers import Dropout

RNG = np.random.default_rng(13)


def by_path(network):
    return {weight.path: weight.numpy() for weight in network.weights}


def test_forward_pass_against_numpy():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float64")
    network = build_discriminator((2, 3, 1), hidden_units=(4,), num_pieces=3)
    keras.config.set_dtype_policy(before)
    network.set_weights([RNG.normal(size=w.shape) for w in network.weights])
    weights = by_path(network)
    samples = RNG.normal(size=(5, 2, 3, 1))
    pieces = samples.reshape(5, 6) @ weights["hidden_0/kernel"]
    pieces = pieces + weights["hidden_0/bias"]
    hidden = pieces.reshape(5, 4, 3).max(axis=-1)
    expected = hidden @ weights["output/kernel"] + weights["output/bias"]
    logits = network(samples)
    assert logits.dtype == "float64"
    np.testing.assert_allclose(logits, expected, rtol=1e-12)


def test_dropout_at_every_layers_input():
    """With all-one weights, a logit counts what was kept."""
    network = build_discriminator(
        (1000,), hidden_units=(1000,), input_dropout=0.2, hidden_dropout=0.5
    )
    network.set_weights([np.zeros(w.shape) for w in network.weights])
    network.get_layer("hidden_0").kernel.assign(np.ones((1000, 5000)))
    network.get_layer("output").kernel.assign(np.ones((1000, 1)))
    with randomness.scope(randomness.Draws(3)):
        logits = network(tf.ones([50, 1000]), training=True).numpy()
    # Kept inputs / .8, times kept hidden units / .5: 1e6 on average.
    deviation = 1e6 * np.sqrt(0.2 / 0.8 / 1000 + 0.5 / 0.5 / 1000)
    assert abs(logits.mean() - 1e6) < 5 * deviation / np.sqrt(50)
    assert 0.7 * deviation < logits.std() < 1.3 * deviation
    np.testing.assert_allclose(network(tf.ones([2, 1000])), 1e6)


def test_rates_and_scales_of_each_layer():
    network = build_discriminator(
        (2,),
        hidden_units=(3, 4),
        input_dropout=0.1,
        hidden_dropout=(0.2, 0.3),
        input_scale=2.0,
        hidden_scale=(3.0, None),
    )
    assert [
        (layer.rate, layer.scale)
        for layer in network.layers
        if isinstance(layer, Dropout)
    ] == [(0.1, 2.0), (0.2, 3.0), (0.3, None)]


def test_mnist_parameters():
    network = build_discriminator((28, 28, 1))
    assert network.output_shape == (None, 1)
    assert network.mixes_examples is False
    assert network.count_params() == (
        (784 * 1200 + 1200) + (240 * 1200 + 1200) + (240 + 1)
    )
    weights = by_path(network)
    for layer in ("hidden_0", "hidden_1", "output"):
        kernel = weights[f"{layer}/kernel"]
        assert 0.0049 < np.abs(kernel).max() <= 0.005
        assert np.all(weights[f"{layer}/bias"] == 0)


@pytest.mark.slow
def test_cifar_and_face_parameters():
    network = build_discriminator((32, 32, 3), hidden_units=(1600, 1600))
    assert network.count_params() == (
        (3072 * 8000 + 8000) + (1600 * 8000 + 8000) + (1600 + 1)
    )
    network = build_discriminator(
        (48, 48, 1), hidden_units=(1200, 1200), max_column_norm=1.9365
    )
    assert network.count_params() == (
        (2304 * 6000 + 6000) + (1200 * 6000 + 6000) + (1200 + 1)
    )


def test_max_column_norm_holds_in_every_layer():
    network = build_discriminator(
        (4,), hidden_units=(5,), init_range=3.0, max_column_norm=0.5
    )
    optimizer = keras.optimizers.SGD(0.01)
    variables = network.trainable_variables
    before = by_path(network)
    optimizer.apply([tf.ones_like(v) for v in variables], variables)
    for path, weight in by_path(network).items():
        if path.endswith("kernel"):
            # One that starts shorter by chance stays as it is.
            free = np.linalg.norm(before[path] - 0.01, axis=0)
            assert free.max() > 0.5
            norms = np.linalg.norm(weight, axis=0)
            np.testing.assert_allclose(norms, free.clip(max=0.5), rtol=1e-5)


@pytest.mark.parametrize("sample_shape", [(1,), (2,), (8, 8, 1)])
def test_any_sample_shape(sample_shape):
    network = build_discriminator(sample_shape, hidden_units=(3,))
    assert network(tf.zeros([4, *sample_shape])).shape == (4, 1)


def test_logits_stay_float32_in_mixed_precision():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    network = build_discriminator((2,), hidden_units=(3,))
    keras.config.set_dtype_policy(before)
    assert network.get_layer("hidden_0").compute_dtype == "bfloat16"
    assert network(tf.zeros([1, 2])).dtype == "float32"


def test_a_bad_rate_is_refused():
    message = "`rate` must be in [0, 1). Received: rate=1.5."
    with pytest.raises(ConfigurationError, match=f"^{re.escape(message)}$"):
        build_discriminator((2,), hidden_dropout=1.5)
