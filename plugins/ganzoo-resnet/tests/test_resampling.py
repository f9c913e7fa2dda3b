"""Convolutions that double or halve, held to the layers they stand for."""

import functools
import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from ganzoo_resnet import networks, resampling
from ganzoo_resnet.spectral import SpectralConv2D


def doubling(filters, kernel_size, **kwargs):
    """What `resampling.Conv2D` is, in layers of Keras."""
    double = keras.layers.UpSampling2D(dtype=kwargs.get("dtype"))
    layer = keras.layers.Conv2D(
        filters, kernel_size, padding="same", use_bias=False, **kwargs
    )
    return Chain([double, layer])


def halving(filters, kernel_size, halves=False, **kwargs):
    """What `SpectralConv2D` is, in layers that do not halve themselves."""
    layer = SpectralConv2D(filters, kernel_size, **kwargs)
    halve = keras.layers.AveragePooling2D(2, dtype=kwargs.get("dtype"))
    return Chain([layer, halve] if halves else [layer])


class Chain:
    def __init__(self, layers):
        self.layers = layers

    def __call__(self, maps):
        for layer in self.layers:
            maps = layer(maps)
        return maps

    @property
    def weights(self):
        return [weight for layer in self.layers for weight in layer.weights]


def outputs_and_gradients(layer, inputs, variables):
    """As arrays; of a cost that no two entries of the output share."""
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = layer(inputs)
        places = tf.reshape(tf.range(tf.size(outputs)), tf.shape(outputs))
        cost = tf.reduce_sum(outputs * tf.sin(tf.cast(places, outputs.dtype)))
    by = [inputs, *(variable.value for variable in variables)]
    return [outputs.numpy(), *(g.numpy() for g in tape.gradient(cost, by))]


@pytest.mark.parametrize("size", [(4, 4), (7, 6), (2, 9)])
@pytest.mark.parametrize("kernel_size", [1, 3, 5])
@pytest.mark.parametrize(
    ("make", "make_plain"),
    [
        (resampling.Conv2D, doubling),
        (
            functools.partial(SpectralConv2D, halves=True),
            functools.partial(halving, halves=True),
        ),
    ],
    ids=["doubling", "halving"],
)
def test_same_function_and_gradients(make, make_plain, kernel_size, size):
    keras.utils.set_random_seed(0)
    layer = make(3, kernel_size, dtype="float64")
    plain = make_plain(3, kernel_size, dtype="float64")
    inputs = tf.random.normal((2, *size, 4), dtype="float64")
    plain(inputs)
    layer.build(inputs.shape)
    for mine, theirs in zip(layer.weights, plain.weights, strict=True):
        mine.assign(theirs)
    found, expected = (
        outputs_and_gradients(
            kind, inputs, [w for w in kind.weights if w.trainable]
        )
        for kind in (layer, plain)
    )
    assert layer.compute_output_shape(inputs.shape) == found[0].shape
    for mine, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("build", "arguments", "shape"),
    [
        (networks.build_generator, {"latent_dim": 5}, (12, 16, 3)),
        (networks.build_discriminator, {}, (8, 8, 3)),
        (networks.build_discriminator, {"num_halvings": 3}, (28, 28, 1)),
    ],
)
def test_nets_begin_with_the_weights_of_the_layers_apart(
    monkeypatch, build, arguments, shape
):
    """Names, order, values: checkpoints from before the layers were joined."""

    def built():
        keras.utils.clear_session()  # Names begin anew: "conv2d".
        keras.utils.set_random_seed(1)
        return build(shape, width=4, **arguments)

    net = built()
    monkeypatch.setattr(resampling, "Conv2D", doubling)
    monkeypatch.setattr(networks, "SpectralConv2D", halving)
    plain = built()
    assert len(plain.layers) > len(net.layers)
    assert [w.path for w in net.weights] == [w.path for w in plain.weights]
    for mine, theirs in zip(net.weights, plain.weights, strict=True):
        np.testing.assert_array_equal(mine.numpy(), theirs.numpy())
    inputs = tf.random.normal((3, *net.input_shape[1:]))
    np.testing.assert_allclose(net(inputs), plain(inputs), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "layer",
    [
        resampling.Conv2D(3, 5, kernel_initializer="he_normal"),
        SpectralConv2D(3, 5, halves=True),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_layers_come_back_from_their_configuration(layer):
    saved = keras.saving.serialize_keras_object(layer)
    again = keras.saving.deserialize_keras_object(saved)
    assert type(again) is type(layer)
    assert again.get_config() == layer.get_config()


@pytest.mark.parametrize(
    "make",
    [
        lambda: resampling.Conv2D(3, 2),
        lambda: SpectralConv2D(3, 2, halves=True),
    ],
)
def test_kernels_without_a_middle_are_refused(make):
    message = (
        "`kernel_size` must be odd where a convolution doubles or halves the "
        "map. Received: kernel_size=2."
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        make()
