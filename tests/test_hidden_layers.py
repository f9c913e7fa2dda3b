"""Networks cut at a layer."""

import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from ganzoo.errors import ConfigurationError
from ganzoo.hidden_layers import above, below


def chain():
    """Functional: 3 -> a (4) -> b (2), in that order."""
    inputs = keras.Input((3,), name="x")
    hidden = keras.layers.Dense(4, "relu", name="a")(inputs)
    outputs = keras.layers.Dense(2, name="b")(hidden)
    outputs = keras.layers.Reshape((2,), name="c")(outputs)  # Has no weights.
    return keras.Model(inputs, outputs, name="chain")


def sequential():
    layers = [keras.layers.Dense(4, name="a"), keras.layers.Dense(2, name="b")]
    return keras.Sequential([keras.Input((3,)), *layers], name="chain")


@pytest.mark.parametrize("make", [chain, sequential])
def test_the_parts_make_the_whole_and_share_its_weights(make):
    network = make()
    x = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    lower = below(network, "a", "layer")
    upper = above(network, "a", "layer")
    np.testing.assert_allclose(upper(lower(x)), network(x), atol=1e-6)
    np.testing.assert_allclose(below(network, None, "layer")(x), lower(x))
    assert upper.weights[0] is network.get_layer("b").kernel
    assert lower.weights[0] is network.get_layer("a").kernel


def test_the_upper_part_takes_a_condition_that_it_needs():
    x, shown = keras.Input((3,)), keras.Input((2,))
    condition = {"shown": shown, "unused": keras.Input((1,))}
    joined = keras.layers.Concatenate()([x, shown])
    hidden = keras.layers.Dense(2, name="a")(joined)
    outputs = keras.layers.Add()([hidden, shown])
    network = keras.Model([x, condition], outputs)
    given = {"shown": tf.ones((4, 2)), "unused": tf.ones((4, 1))}
    inputs = [tf.ones((4, 3)), given]
    lower, upper = (cut(network, "a", "layer") for cut in (below, above))
    found = upper([lower(inputs), given])
    np.testing.assert_allclose(found, network(inputs), atol=1e-6)


def nested():
    inputs = keras.Input((3,), name="z")
    z = keras.layers.Dense(3, name="prior")(inputs)
    return keras.Model(inputs, chain()(z), name="whole")


def branching():
    inputs = keras.Input((3,), name="x")
    hidden = keras.layers.Dense(2, name="a")(inputs)
    beside = keras.layers.Dense(2, name="b")(inputs)
    return keras.Model(
        inputs, keras.layers.Add(name="sum")([hidden, beside]), name="two"
    )


class Opaque(keras.Model):
    def call(self, inputs):
        return inputs


@pytest.mark.parametrize(
    ("cut", "message"),
    [
        (
            lambda: below(chain(), "d", "layer"),
            "`layer` must be a layer of 'chain'. Received: 'd'. It has: x, a, "
            "b, c.",
        ),
        (
            lambda: above(branching(), "a", "target_layer"),
            "`target_layer` must be a layer whose output decides, alone or "
            "with the condition, about the output of 'two'. Received: 'a', "
            "beside which other ways lead from the input. Choose a layer "
            "behind them.",
        ),
        *(
            (
                lambda layer=layer: below(nested(), layer, "layer"),
                "`layer` must be a layer of 'whole' itself. Received: "
                f"{layer!r}, of the model 'chain' within it, as a generator is "
                "behind a prior that learns. Choose of: z, prior.",
            )
            for layer in ("a", "chain")
        ),
        (
            lambda: below(nested(), None, "layer"),
            "`layer` must name a layer where it is not plain which is the "
            "last. Received: None for 'whole', which ends in 'chain'.",
        ),
        (
            lambda: below(branching(), None, "layer"),
            "`layer` must name a layer where it is not plain which is the "
            "last. Received: None for 'two', which ends in 'sum'. It has: x, "
            "a, b, sum.",
        ),
        (
            lambda: below(Opaque(name="shut"), "a", "layer"),
            "`layer` needs a network whose layers can be seen: a functional "
            "or a sequential keras.Model. Received: 'shut', a Opaque.",
        ),
    ],
)
def test_a_cut_that_cannot_be_made_says_why(cut, message):
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        cut()
