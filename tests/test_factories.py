"""What the factories of the built-in nets share."""

import re

import keras
import numpy as np
import pytest

from ganzoo import factories
from ganzoo.errors import ConfigurationError


@pytest.mark.parametrize(
    "policy, dtype",
    [
        ("float32", "float32"),
        ("float64", "float64"),
        ("mixed_bfloat16", "float32"),
        ("mixed_float16", "float32"),
        ("bfloat16", "float32"),
    ],
)
def test_output_dtype_is_at_least_float32(policy, dtype):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        assert factories.output_dtype() == dtype
    finally:
        keras.config.set_dtype_policy(before)


def test_per_layer_spreads_one_value():
    assert factories.per_layer("init_range", 0.5, 3) == (0.5, 0.5, 0.5)
    assert factories.per_layer("activations", "relu", 2) == ("relu", "relu")
    assert factories.per_layer("init_range", [1, 2], 2) == (1, 2)
    message = (
        "`init_range` must be one value, or one for each of the 3 layers that "
        "it is about. Received: init_range=(1, 2)."
    )
    with pytest.raises(ConfigurationError, match=f"^{re.escape(message)}$"):
        factories.per_layer("init_range", (1, 2), 3)


def test_activation_by_name():
    assert factories.activation("tanh") is keras.activations.tanh
    assert factories.activation(None) is keras.activations.linear
    message = (
        "An activation must be one that Keras knows. Received: 'sigmiod'. Did "
        "you mean 'sigmoid'?"
    )
    with pytest.raises(ConfigurationError, match=f"^{re.escape(message)}$"):
        factories.activation("sigmiod")


def test_the_2014_hard_sigmoid_is_a_clip():
    clip = factories.activation("clip_to_unit")
    values = np.array([-1.0, 0.25, 3.0])
    np.testing.assert_array_equal(clip(values), [0, 0.25, 1])
    layer = keras.layers.Dense(1, activation=clip)
    again = keras.layers.Dense.from_config(layer.get_config())
    assert again.activation is clip


def test_max_column_norm_is_pylearn2s():
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(5, 40))
    constraint = factories.max_column_norm_constraint(2.0)
    norms = np.sqrt((weights**2).sum(axis=0))
    assert norms.min() < 2 < norms.max()
    expected = weights * np.clip(norms, 0, 2) / (1e-7 + norms)
    np.testing.assert_allclose(constraint(weights), expected, rtol=1e-12)
    assert factories.max_column_norm_constraint(None) is None
