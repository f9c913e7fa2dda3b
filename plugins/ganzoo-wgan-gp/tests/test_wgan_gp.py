"""Wasserstein loss and penalties: promises, closed forms, real data."""

import re

import numpy as np
import pytest
import tensorflow as tf
from ganzoo_wgan_gp.losses import R1, R2, GradientPenalty, Wasserstein

from ganzoo import testing
from ganzoo.randomness import Draws

PREFIX = "ganzoo_wgan_gp.losses"


@pytest.mark.parametrize(
    "check",
    [
        *testing.loss_checks(Wasserstein, name=f"{PREFIX}.wasserstein"),
        *testing.loss_checks(
            GradientPenalty, name=f"{PREFIX}.gradient_penalty"
        ),
        *testing.loss_checks(R1, name=f"{PREFIX}.r1"),
        *testing.loss_checks(R2, name=f"{PREFIX}.r2"),
    ],
    ids=lambda check: f"{check.component}-{check.promise}",
)
def test_conformance(check):
    check()


def test_wasserstein_by_hand():
    real, fake = tf.constant([2.0, -1.0]), tf.constant([0.5, 3.0])
    loss = Wasserstein()
    np.testing.assert_array_equal(loss.discriminator(real, fake), [-1.5, 4.0])
    np.testing.assert_array_equal(loss.generator(fake), [-0.5, -3.0])


def samples():
    random = np.random.default_rng(0)
    return (tf.constant(random.normal(size=(5, 2, 3))) for _ in range(2))


def quadratic(x):
    """D(x) = 1/2 |x|^2, whose gradient is x."""
    return 0.5 * tf.reduce_sum(tf.square(x), [1, 2])


def norms(x):
    return np.linalg.norm(np.reshape(x, (len(x), -1)), axis=1)


def test_gradient_penalty_of_a_quadratic():
    real, fake = samples()
    share = Draws(9).uniform([5, 1, 1], dtype=tf.float64).numpy()
    between = share * real.numpy() + (1 - share) * fake.numpy()
    assert 0 < share.min() and share.max() < 1
    assert len(set(share.ravel())) == 5
    values = GradientPenalty(3.0, 0.5).penalty(quadratic, real, fake, Draws(9))
    np.testing.assert_allclose(values, 3 * (norms(between) - 0.5) ** 2)


def test_gradient_penalty_of_a_line_is_exact_anywhere():
    """D(x) = w . x has the gradient w, of norm 5."""
    real, fake = samples()
    w = tf.constant([[3.0, 0.0, 0.0], [0.0, 4.0, 0.0]], tf.float64)
    values = GradientPenalty().penalty(
        lambda x: tf.reduce_sum(w * x, [1, 2]), real, fake, Draws(0)
    )
    np.testing.assert_allclose(values, np.full(5, 10 * 4.0**2))


def test_r1_and_r2_of_a_quadratic():
    real, fake = samples()
    np.testing.assert_allclose(
        R1(6.0).penalty(quadratic, real, fake, Draws(0)), 3 * norms(real) ** 2
    )
    np.testing.assert_allclose(
        R2(6.0).penalty(quadratic, real, fake, Draws(0)), 3 * norms(fake) ** 2
    )


def test_second_derivative_reaches_the_discriminator():
    """D(x) = w/2 |x|^2: the penalty w^2 |x|^2 / 2 has derivative w |x|^2."""
    real, fake = samples()
    w = tf.Variable(1.5, dtype=tf.float64)
    with tf.GradientTape() as tape:
        values = R1(1.0).penalty(lambda x: w * quadratic(x), real, fake, None)
    np.testing.assert_allclose(
        tape.gradient(values, w), 1.5 * np.sum(norms(real) ** 2)
    )


def test_a_flat_discriminator_costs_the_target_and_no_nan():
    real, fake = samples()
    w = tf.Variable(0.0, dtype=tf.float64)
    with tf.GradientTape() as tape:
        values = GradientPenalty().penalty(
            lambda x: w * quadratic(x), real, fake, Draws(0)
        )
    np.testing.assert_array_equal(values, np.full(5, 10.0))
    assert float(tape.gradient(values, w)) == 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: GradientPenalty(0.0),
            "`weight` must be positive. Received: weight=0.0.",
        ),
        (
            lambda: R1(penalty_every=0),
            "`penalty_every` must be positive. Received: penalty_every=0.",
        ),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        make()


@pytest.mark.slow
@pytest.mark.parametrize(
    "bindings",
    [
        (),
        (
            "build_gan.losses = [@losses.non_saturating(), @losses.r1(), "
            "@losses.r2()]",
            "losses.gradient_penalty.weight = 10.0",
            "losses.r1.penalty_every = 2",
        ),
    ],
    ids=["recipe", "r1_and_r2"],
)
def test_recipe_trains_on_real_data(bindings, train_recipe):
    steps = train_recipe(
        "plugins/ganzoo-wgan-gp/gin/wgan_gp_mnist.gin",
        "generators.mlp.hidden_units = (16, 16)",
        "discriminators.maxout_mlp.hidden_units = (16, 16)",
        *bindings,
    )
    assert steps == {"parzen_log_likelihood": 3}
