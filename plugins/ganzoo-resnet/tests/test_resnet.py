"""SNGAN's nets: promises, spectral norms against NumPy, real data."""

import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from ganzoo_resnet.hinge import Hinge
from ganzoo_resnet.networks import build_discriminator, build_generator
from ganzoo_resnet.spectral import SpectralConv2D, SpectralDense

from ganzoo import testing

SMALL = [(16, 16, 1), (8, 8, 3)]


@pytest.mark.parametrize(
    "check",
    [
        *testing.generator_checks(
            build_generator,
            SMALL,
            name="ganzoo_resnet.generators.resnet",
            width=4,
        ),
        *testing.discriminator_checks(
            build_discriminator,
            SMALL,
            name="ganzoo_resnet.discriminators.resnet",
            width=4,
        ),
        *testing.loss_checks(Hinge, name="ganzoo_resnet.losses.hinge"),
    ],
    ids=lambda check: f"{check.component}-{check.promise}",
)
def test_conformance(check):
    check()


def spectral_norm(kernel):
    matrix = np.reshape(kernel, (-1, kernel.shape[-1]))
    return np.linalg.svd(matrix, compute_uv=False)[0]


@pytest.mark.parametrize(
    ("kind", "sizes", "shape"),
    [
        (SpectralDense, (5,), (3, 7)),
        (SpectralConv2D, (5, 3), (3, 6, 6, 4)),
    ],
)
def test_many_iterations_find_the_largest_singular_value(kind, sizes, shape):
    # Before the layer is made, which draws seeds: where the two largest values
    # lie close together, a hundred iterations are not enough.
    keras.utils.set_random_seed(0)
    layer = kind(*sizes, num_iterations=100)
    layer.build(shape)
    kernel = layer.kernel.numpy()
    normalized = layer.normalized_kernel(training=True).numpy()
    np.testing.assert_allclose(
        normalized, kernel / spectral_norm(kernel), rtol=1e-5
    )
    np.testing.assert_array_equal(layer.kernel, kernel)


def test_one_iteration_is_the_papers_algorithm_1():
    keras.utils.set_random_seed(1)
    layer = SpectralDense(4)
    layer.build((None, 6))
    # The paper's W has a row for each output.
    w, u = layer.kernel.numpy().T.astype(float), layer.u.numpy()[:, 0]
    v = w.T @ u / np.linalg.norm(w.T @ u)
    new_u = w @ v / np.linalg.norm(w @ v)
    normalized = layer.normalized_kernel(training=True).numpy()
    np.testing.assert_allclose(layer.u.numpy()[:, 0], new_u, rtol=1e-5)
    # Sigma is with the v of the new u, which is nearer by half an iteration.
    v = w.T @ new_u / np.linalg.norm(w.T @ new_u)
    np.testing.assert_allclose(normalized.T, w / (new_u @ w @ v), rtol=1e-5)


def test_u_moves_once_for_each_training_call_and_never_else():
    layer = SpectralDense(4)
    inputs = tf.ones((2, 3))
    layer(inputs, training=False)
    start = layer.u.numpy()
    first = layer(inputs, training=False)
    np.testing.assert_array_equal(layer.u, start)
    np.testing.assert_array_equal(layer(inputs, training=False), first)
    layer(inputs, training=True)
    assert not np.array_equal(layer.u, start)


def test_gradient_is_that_of_the_quotient():
    """d/dW of W / (u^T W v), with u and v held constant."""
    keras.utils.set_random_seed(2)
    with tf.GradientTape() as tape:
        layer = SpectralDense(4, dtype="float64")
        layer.build((None, 6))
        normalized = layer.normalized_kernel(training=False)
        cost = tf.reduce_sum(normalized**3)
    kernel, u = layer.kernel.numpy(), layer.u.numpy()[:, 0]
    v = kernel @ u / np.linalg.norm(kernel @ u)

    def costs(matrix):
        return np.sum((matrix / (v @ matrix @ u)) ** 3)

    expected = np.zeros_like(kernel)
    for index in np.ndindex(kernel.shape):
        step = np.zeros_like(kernel)
        step[index] = 1e-6
        expected[index] = (costs(kernel + step) - costs(kernel - step)) / 2e-6
    scale = np.abs(expected).max()
    np.testing.assert_allclose(
        tape.gradient(cost, layer.kernel.value), expected, atol=1e-6 * scale
    )


def test_layers_come_back_from_their_configuration():
    layer = SpectralConv2D(3, 5, num_iterations=2, epsilon=1e-6)
    again = SpectralConv2D.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert (again.filters, again.kernel_size, again.num_iterations) == (3, 5, 2)


def test_hinge_by_hand():
    loss = Hinge()
    real, fake = tf.constant([2.0, 0.25, -1.0]), tf.constant([-3.0, -0.5, 1.0])
    np.testing.assert_array_equal(
        loss.discriminator(real, fake), [0.0, 0.75 + 0.5, 2.0 + 2.0]
    )
    np.testing.assert_array_equal(loss.generator(fake), [3.0, 0.5, -1.0])


def test_nets_of_appendix_b():
    with keras.StatelessScope(initialize_variables=False):
        generator = build_generator((32, 32, 3), 128)
        judge = build_discriminator((32, 32, 3))
    blocks = [
        tuple(layer.output.shape[1:])
        for layer in generator.layers
        if isinstance(layer, keras.layers.Add)
    ]
    assert blocks == [(8, 8, 256), (16, 16, 256), (32, 32, 256)]
    blocks = [
        tuple(layer.output.shape[1:])
        for layer in judge.layers
        if isinstance(layer, keras.layers.Add)
    ]
    assert blocks == [(16, 16, 128), *[(8, 8, 128)] * 3]
    # Two convolutions a block, a shortcut where a block changes something.
    convolutions = [x for x in judge.layers if isinstance(x, SpectralConv2D)]
    assert len(convolutions) == 4 * 2 + 2


def test_bad_arguments():
    with pytest.raises(
        ValueError,
        match=re.escape("`num_iterations` must be positive. Received: "),
    ):
        SpectralDense(3, num_iterations=0)
    message = "Received: num_halvings=5, num_blocks=4, sample_shape=(8, 8, 1)."
    with pytest.raises(ValueError, match=re.escape(message)):
        build_discriminator((8, 8, 1), num_halvings=5)
    message = "Received: sample_shape=(9, 9, 1)."
    with pytest.raises(ValueError, match=re.escape(message)):
        build_generator((9, 9, 1), 4)


@pytest.mark.slow
@pytest.mark.parametrize("dataset", ["mnist", "cifar10"])
def test_recipe_trains_on_real_data(dataset, train_recipe):
    steps = train_recipe(
        f"plugins/ganzoo-resnet/gin/resnet_{dataset}.gin",
        "generators.resnet.width = 4",
        "discriminators.resnet.width = 4",
    )
    assert steps == {"parzen_log_likelihood": 3}
