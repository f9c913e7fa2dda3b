"""Costs that rest, by hand."""

import re

import numpy as np
import pytest
import tensorflow as tf

from ganzoo.errors import ConfigurationError
from ganzoo.losses.lazy import Lazy
from ganzoo.losses.non_saturating import NonSaturating

# D(x) and D(G(z)) of six examples.
REAL = np.array([0.2, 0.45, 0.55, 0.65, 0.9, 0.999])
FAKE = np.array([0.9, 0.65, 0.55, 0.45, 0.2, 0.001])


def logits(probabilities):
    return tf.constant(np.log(probabilities / (1 - probabilities)))


def test_lazy_by_hand():
    lazy = Lazy(0.1, 0.2, discriminator_weight=0.5)
    # D works where D(x) < 0.6 and where D(G(z)) > 0.4.
    expected = 0.5 * (
        -np.log(REAL) * [1, 1, 1, 0, 0, 0]
        - np.log(1 - FAKE) * [1, 1, 1, 1, 0, 0]
    )
    found = lazy.discriminator(logits(REAL), logits(FAKE))
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    # G where D(G(z)) < 0.7.
    expected = -np.log(FAKE) * [0, 1, 1, 1, 1, 1]
    np.testing.assert_allclose(
        lazy.generator(logits(FAKE)), expected, rtol=1e-9
    )


def test_thresholded_has_a_lazy_generator_alone():
    thresholded = Lazy(discriminator_margin=0.5)
    np.testing.assert_array_equal(
        thresholded.discriminator(logits(REAL), logits(FAKE)),
        NonSaturating().discriminator(logits(REAL), logits(FAKE)),
    )
    expected = -np.log(FAKE) * [0, 0, 0, 1, 1, 1]
    np.testing.assert_allclose(
        thresholded.generator(logits(FAKE)), expected, rtol=1e-9
    )


@pytest.mark.parametrize("name", ["discriminator_margin", "generator_margin"])
@pytest.mark.parametrize("value", [-0.1, 0.6])
def test_a_margin_out_of_range(name, value):
    message = f"`{name}` must be in [0, 0.5]. Received: {name}={value}."
    with pytest.raises(ConfigurationError, match=f"^{re.escape(message)}$"):
        Lazy(**{name: value})
