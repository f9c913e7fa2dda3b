"""Noise on the layers of G: gates, further entries of z, dropout, by hand."""

import re

import numpy as np
import pytest

from ganzoo import randomness
from ganzoo.errors import ConfigurationError
from ganzoo.generators.mlp import build_generator
from ganzoo.layers import Dropout

RNG = np.random.default_rng(0)


def small(latent_dim, **options):
    network = build_generator(
        (2,),
        latent_dim,
        hidden_units=(3, 4),
        output_activation=None,
        **options,
    )
    network.set_weights([RNG.normal(size=w.shape) for w in network.weights])
    return network


def by_hand(network, inputs):
    """The net, where `inputs[i](hidden)` is what layer i takes."""
    values = None
    weights = network.get_weights()
    for index, taken in enumerate(inputs):
        kernel, bias = weights[2 * index : 2 * index + 2]
        values = taken(values) @ kernel + bias
        if index < len(inputs) - 1:
            values = np.maximum(values, 0)
    return values


def test_noise_joins_the_input_of_later_layers():
    network = small(9, noise_units=2)
    assert network.get_layer("hidden_0").kernel.shape == (5, 3)
    z = RNG.normal(size=(6, 9)).astype("float32")
    expected = by_hand(
        network,
        [
            lambda _: z[:, :5],
            lambda hidden: np.hstack([hidden, z[:, 5:7]]),
            lambda hidden: np.hstack([hidden, z[:, 7:]]),
        ],
    )
    np.testing.assert_allclose(network(z), expected, atol=1e-5)


def test_gates_multiply_hidden_units_and_noise_comes_before_them():
    network = small(5 + 2 + 3 + 4, noise_units=1, gated=True)
    z = RNG.normal(size=(6, 14)).astype("float32")
    expected = by_hand(
        network,
        [
            lambda _: z[:, :5],
            lambda hidden: np.hstack([hidden * z[:, 7:10], z[:, 5:6]]),
            lambda hidden: np.hstack([hidden * z[:, 10:], z[:, 6:7]]),
        ],
    )
    for training in (False, True):  # A function of z, at any time.
        found = network(z, training=training)
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_dropout_is_on_the_input_of_each_layer_while_training():
    network = small(5, dropout=0.5, dropout_scale=3.0)
    places = [la.name for la in network.layers if isinstance(la, Dropout)]
    assert places == ["dropout_0", "dropout_1", "dropout_2"]
    z = np.ones((50, 5), "float32")
    with randomness.scope(randomness.Draws(1)):
        trained = network(z, training=True)
        np.testing.assert_array_equal(network(z), first_row_for_all(network(z)))
    assert len(np.unique(trained, axis=0)) > 5
    dropout = network.get_layer("dropout_1")
    assert (dropout.rate, dropout.scale) == (0.5, 3.0)


def first_row_for_all(samples):
    """The first row in place of all."""
    return np.repeat(np.asarray(samples)[:1], len(samples), axis=0)


def test_a_z_that_is_too_short_is_refused():
    message = (
        "`latent_dim` of the prior must exceed what `noise_units` and `gated` "
        "of the generator take. Received: latent_dim=11, of which they take "
        "11. Bind it to 11 more than the first layer shall have."
    )
    with pytest.raises(ConfigurationError, match=f"^{re.escape(message)}$"):
        small(11, noise_units=2, gated=True)
