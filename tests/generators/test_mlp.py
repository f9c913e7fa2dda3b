"""The rectifier and sigmoid generator, against NumPy and counts by hand."""

import re

import keras
import numpy as np
import pytest
import scipy.special
import tensorflow as tf

from ganzoo.errors import ConfigurationError
from ganzoo.generators.mlp import build_generator

RNG = np.random.default_rng(11)


def by_path(network):
    return {weight.path: weight.numpy() for weight in network.weights}


def test_forward_pass_against_numpy():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float64")
    network = build_generator(
        (2, 3, 1), 4, hidden_units=(5, 6), activations=("relu", "sigmoid")
    )
    keras.config.set_dtype_policy(before)
    network.set_weights([RNG.normal(size=w.shape) for w in network.weights])
    weights = by_path(network)
    latents = RNG.normal(size=(7, 4))
    hidden = latents @ weights["hidden_0/kernel"] + weights["hidden_0/bias"]
    hidden = np.maximum(hidden, 0)
    hidden = hidden @ weights["hidden_1/kernel"] + weights["hidden_1/bias"]
    hidden = scipy.special.expit(hidden)
    pixels = hidden @ weights["output/kernel"] + weights["output/bias"]
    samples = network(latents)
    assert samples.dtype == "float64"
    np.testing.assert_allclose(
        samples, scipy.special.expit(pixels).reshape(7, 2, 3, 1), rtol=1e-12
    )


def test_mnist_parameters():
    network = build_generator((28, 28, 1), 100)
    assert network.output_shape == (None, 28, 28, 1)
    assert network.count_params() == (
        (100 * 1200 + 1200) + (1200 * 1200 + 1200) + (1200 * 784 + 784)
    )
    weights = by_path(network)
    for layer in ("hidden_0", "hidden_1", "output"):
        kernel = weights[f"{layer}/kernel"]
        assert 0.0499 < np.abs(kernel).max() <= 0.05
        assert np.all(weights[f"{layer}/bias"] == 0)


@pytest.mark.slow
def test_cifar_and_face_parameters():
    network = build_generator(
        (32, 32, 3),
        100,
        hidden_units=(8000, 8000),
        activations=("relu", "sigmoid"),
        output_activation=None,
        init_range=(0.05, 0.05, 0.5),
    )
    assert network.count_params() == (
        (100 * 8000 + 8000) + (8000 * 8000 + 8000) + (8000 * 3072 + 3072)
    )
    network = build_generator(
        (48, 48, 1),
        100,
        hidden_units=(8000, 100, 8000, 8000),
        activations=("relu", "sigmoid", "relu", "sigmoid"),
        hidden_bias=(0.0, -2.0, 0.0, -2.0),
        output_num_nonzero=100,
        max_column_norm=1.9365,
    )
    assert network.count_params() == (
        (100 * 8000 + 8000)
        + (8000 * 100 + 100)
        + (100 * 8000 + 8000)
        + (8000 * 8000 + 8000)
        + (8000 * 2304 + 2304)
    )


@pytest.mark.parametrize("sample_shape", [(1,), (2,), (8, 8, 1), (4, 2, 3, 1)])
def test_samples_have_the_datas_shape(sample_shape):
    network = build_generator(sample_shape, 3, hidden_units=(4,))
    assert network(tf.zeros([5, 3])).shape == (5, *sample_shape)


def test_options_of_single_layers():
    network = build_generator(
        (8, 8),
        50,
        hidden_units=(40, 30),
        activations=("relu", "sigmoid"),
        output_activation=None,
        init_range=(0.05, 0.25, 0.5),
        hidden_bias=(0.0, -2.0),
        output_bias=0.75,
    )
    weights = by_path(network)
    for layer, init_range in (
        ("hidden_0", 0.05),
        ("hidden_1", 0.25),
        ("output", 0.5),
    ):
        largest = np.abs(weights[f"{layer}/kernel"]).max()
        assert 0.95 * init_range < largest <= init_range
    assert set(weights["hidden_0/bias"]) == {0.0}
    assert set(weights["hidden_1/bias"]) == {-2.0}
    assert set(weights["output/bias"]) == {0.75}
    assert network.get_layer("hidden_0").activation is keras.activations.relu
    assert network.get_layer("output").activation is keras.activations.linear


def test_output_biases_from_marginals():
    mean = RNG.uniform(size=(4, 5, 1))
    network = build_generator(
        (4, 5, 1),
        3,
        sample_mean=mean,
        hidden_units=(6,),
        output_bias="marginals",
        init_range=(0.05, 0.0),
    )
    samples = network(RNG.normal(size=(2, 3)))
    np.testing.assert_allclose(samples, [mean, mean], rtol=1e-5)


def test_sparse_output_layer():
    network = build_generator(
        (6,), 3, hidden_units=(50,), output_num_nonzero=10
    )
    kernel = by_path(network)["output/kernel"]
    assert np.all((kernel != 0).sum(axis=0) == 10)


def test_max_column_norm_holds_in_every_layer():
    network = build_generator(
        (4,), 3, hidden_units=(5,), init_range=3.0, max_column_norm=0.5
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


def test_the_global_seed_determines_the_weights():
    def weights(seed):
        keras.utils.set_random_seed(seed)
        network = build_generator(
            (6,), 12, hidden_units=(12, 12), output_num_nonzero=2
        )
        return network.get_weights()

    first = weights(1)
    for one, again in zip(first, weights(1), strict=True):
        np.testing.assert_array_equal(one, again)
    assert np.any(first[0] != first[2])  # Nor are two layers alike.
    assert np.any(first[0] != weights(2)[0])


def test_samples_stay_float32_in_mixed_precision():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    network = build_generator((2, 2), 3, hidden_units=(4,))
    keras.config.set_dtype_policy(before)
    assert network.get_layer("hidden_0").compute_dtype == "bfloat16"
    assert network(tf.zeros([1, 3])).dtype == "float32"


@pytest.mark.parametrize(
    "options, message",
    [
        (
            {"activations": ("relu",)},
            "`activations` must be one value, or one for each of the 2 layers "
            "that it is about. Received: activations=('relu',).",
        ),
        (
            {"output_bias": "marginal"},
            "`output_bias` must be a number or 'marginals'. Received: "
            "output_bias='marginal'.",
        ),
        (
            {"output_bias": "marginals"},
            "`output_bias='marginals'` needs the mean of the data. Received: "
            "sample_mean=None. Pass `sample_mean`.",
        ),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(ConfigurationError, match=f"^{re.escape(message)}$"):
        build_generator((2,), 3, hidden_units=(4, 4), **options)
