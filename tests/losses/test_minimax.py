"""Equation 1, by hand; and what the three cross-entropy losses share."""

import re

import numpy as np
import pytest
import tensorflow as tf

from ganzoo.errors import ConfigurationError
from ganzoo.losses.blend import Blend
from ganzoo.losses.minimax import Minimax
from ganzoo.losses.non_saturating import NonSaturating

# sigmoid(log 3) = 3/4.
LOG_3 = np.log(3)
LOSSES = [Minimax, NonSaturating, Blend]


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(
    "real, fake, expected",
    [
        (0.0, 0.0, 2 * np.log(2)),  # D = 1/2 everywhere.
        (LOG_3, -LOG_3, 2 * np.log(4 / 3)),  # D(x) = 3/4, D(G(z)) = 1/4.
        (-LOG_3, -LOG_3, np.log(4) + np.log(4 / 3)),
        (LOG_3, LOG_3, np.log(4 / 3) + np.log(4)),
    ],
)
def test_discriminator_by_hand(loss, real, fake, expected):
    logits = tf.constant([real], tf.float64), tf.constant([fake], tf.float64)
    np.testing.assert_allclose(
        loss().discriminator(*logits), [expected], rtol=1e-12
    )
    np.testing.assert_allclose(
        loss(discriminator_weight=0.5).discriminator(*logits),
        [expected / 2],
        rtol=1e-12,
    )


@pytest.mark.parametrize(
    "fake, expected",
    [(0.0, -np.log(2)), (LOG_3, -np.log(4)), (-LOG_3, np.log(3 / 4))],
)
def test_generator_minimises_log_one_minus_d(fake, expected):
    logits = tf.constant([fake], tf.float64)
    np.testing.assert_allclose(
        Minimax(discriminator_weight=0.5).generator(logits),
        [expected],
        rtol=1e-12,
    )


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("jit_compile", [False, True])
def test_discriminator_where_it_is_sure(loss, dtype, jit_compile):
    real = tf.constant([1e4, -1e4, 1e4, -1e4], dtype)
    fake = tf.constant([-1e4, -1e4, 1e4, 1e4], dtype)

    @tf.function(jit_compile=jit_compile)
    def value_and_gradients():
        with tf.GradientTape() as tape:
            tape.watch([real, fake])
            value = loss().discriminator(real, fake)
        return value, tape.gradient(value, [real, fake])

    value, (real_gradient, fake_gradient) = value_and_gradients()
    assert value.dtype == dtype
    assert value.numpy().tolist() == [0, 1e4, 1e4, 2e4]
    assert real_gradient.numpy().tolist() == [0, -1, 0, -1]
    assert fake_gradient.numpy().tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize(
    "loss, values, gradients",
    [
        (Minimax(), [0, -1e4], [0, -1]),
        (NonSaturating(), [1e4, 0], [-1, 0]),
        # Half of the one and half of 0.5 times the other.
        (Blend(discriminator_weight=0.5), [5e3, -2.5e3], [-0.5, -0.25]),
    ],
)
@pytest.mark.parametrize("jit_compile", [False, True])
def test_generator_where_the_discriminator_is_sure(
    loss, values, gradients, jit_compile
):
    logits = tf.constant([-1e4, 1e4])

    @tf.function(jit_compile=jit_compile)
    def value_and_gradient():
        with tf.GradientTape() as tape:
            tape.watch(logits)
            value = loss.generator(logits)
        return value, tape.gradient(value, logits)

    value, gradient = value_and_gradient()
    assert value.numpy().tolist() == values
    assert gradient.numpy().tolist() == gradients


def slopes(function, logits):
    """The gradient, by central differences."""
    return (function(logits + 1e-5) - function(logits - 1e-5)) / 2e-5


def gradient(function, logits):
    with tf.GradientTape() as tape:
        tape.watch(logits)
        total = tf.reduce_sum(function(logits))
    return tape.gradient(total, logits)


@pytest.mark.parametrize("loss", LOSSES)
def test_gradients_by_finite_differences(loss):
    rng = np.random.default_rng(0)
    real, fake = tf.constant(rng.normal(scale=3, size=(2, 50)))
    game = loss(discriminator_weight=0.5)
    for function, logits in (
        (lambda moved: game.discriminator(moved, fake), real),
        (lambda moved: game.discriminator(real, moved), fake),
        (game.generator, fake),
    ):
        np.testing.assert_allclose(
            gradient(function, logits), slopes(function, logits), atol=1e-9
        )


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("weight", [0, -1.0, float("nan")])
def test_discriminator_weight_must_be_positive(loss, weight):
    message = (
        "`discriminator_weight` must be positive. Received: "
        f"discriminator_weight={weight!r}."
    )
    with pytest.raises(ConfigurationError, match=f"^{re.escape(message)}$"):
        loss(discriminator_weight=weight)
