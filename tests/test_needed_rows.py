"""One pass over examples and fakes, of which only the fakes' rows come back."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ganzoo import needed_rows
from ganzoo.discriminators import maxout_conv, maxout_mlp
from ganzoo.generators import mlp
from ganzoo.latents import Uniform
from ganzoo.maxout import MaxoutDense
from ganzoo.minibatches import Minibatch
from ganzoo.networks import Networks

SHAPE, BATCH = (8, 8, 1), 6
RNG = np.random.default_rng(4)


def fully_connected():
    return maxout_mlp.build_discriminator(SHAPE, hidden_units=(7, 5))


def convolutional():
    return maxout_conv.build_discriminator(
        SHAPE,
        filters=(4, 3),
        kernel_size=(3, 3),
        padding=(1, 1),
        pool_size=(2, 2),
        hidden_units=(5,),
    )


def maxout_above_another():
    """Where the rows of examples, too, have weights to come back to."""
    samples = keras.Input(SHAPE)
    hidden = keras.layers.Dense(6)(keras.layers.Flatten()(samples))
    hidden = MaxoutDense(5, 2)(hidden)
    return keras.Model(samples, keras.layers.Dense(1)(hidden))


def two_ways():
    """Where a maxout layer reads the sample, and what it made of it itself."""
    samples = keras.Input(SHAPE)
    flat = keras.layers.Flatten()(samples)
    shared = MaxoutDense(64, 2)
    hidden = keras.layers.Add()([shared(flat), shared(shared(flat))])
    return keras.Model(samples, keras.layers.Dense(1)(hidden))


class Subclass(keras.Model):
    def __init__(self):
        super().__init__()
        self.upper = MaxoutDense(5, 2)
        self.lower = keras.layers.Dense(6)
        self.flat, self.logit = keras.layers.Flatten(), keras.layers.Dense(1)

    def call(self, samples):
        return self.logit(self.upper(self.lower(self.flat(samples))))


class CalledInItsOwnWay(keras.Model):
    """Has a graph of layers, and then does not keep to it."""

    def __init__(self):
        samples = keras.Input(SHAPE)
        upper, lower = MaxoutDense(5, 2), MaxoutDense(64, 2)
        logits = keras.layers.Dense(1)(upper(keras.layers.Flatten()(samples)))
        super().__init__(samples, logits)
        self.lower, self.upper = lower, upper

    def call(self, samples, training=None):
        flat, _, logit = self.layers[1:4]
        return logit(self.upper(self.lower(flat(samples))))


class NoStep:
    value = tf.constant(3, tf.int64)


def found(discriminator, together):
    """Gradients of a sum over all logits: by x, by G(z), by the weights."""
    generator = mlp.build_generator(SHAPE, 3, hidden_units=(4,))
    networks = Networks(generator, discriminator, Uniform(3), 1, NoStep())
    networks.judge(tf.zeros([2, *SHAPE]), None, None)
    rng = np.random.default_rng(7)
    for weight in discriminator.trainable_variables:
        weight.assign(rng.normal(size=weight.shape) / 3)
    real, fake = tf.constant(rng.normal(size=(2, BATCH, *SHAPE)), tf.float32)
    minibatch = Minibatch(real, None, 0)
    with tf.GradientTape() as tape:
        tape.watch([real, fake])
        if together:
            logits = networks.judge_both(minibatch, fake, "both")
        else:
            draws = networks.draws(minibatch, "both/D/real")
            logits = {
                "real_logits": networks.judge(real, None, draws),
                **networks.judge_fake(minibatch, fake, "both"),
            }
        total = tf.add_n([tf.reduce_sum(of**2) for of in logits.values()])
    return tape.gradient(
        total, [real, fake, *discriminator.trainable_variables]
    )


@pytest.mark.parametrize(
    ("build", "is_less"),
    [
        (fully_connected, True),
        (convolutional, True),
        (maxout_above_another, False),
        (two_ways, None),
        (Subclass, False),
        (CalledInItsOwnWay, False),
    ],
)
def test_what_is_needed_is_all_there(build, is_less):
    of_real, *others = found(build(), together=True)
    other_real, *wanted = found(build(), together=False)
    for a, b in zip(others, wanted, strict=True):
        assert np.abs(b).max() > 0
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    assert np.any(other_real)
    if is_less:
        assert not np.any(of_real)
    elif is_less is False:
        np.testing.assert_allclose(of_real, other_real, rtol=1e-4, atol=1e-5)


def test_a_product_of_all_rows_and_of_some():
    inputs = tf.constant(RNG.normal(size=(5, 3)))
    kernel = tf.constant(RNG.normal(size=(3, 4)))
    upstream = tf.constant(RNG.normal(size=(5, 4)))

    def gradients(first_row):
        with tf.GradientTape() as tape:
            tape.watch([inputs, kernel])
            product = needed_rows.matmul(inputs, kernel, first_row)
        np.testing.assert_allclose(product, inputs @ kernel)
        return tape.gradient(product, [inputs, kernel], upstream)

    for first_row in (0, 2, tf.constant(2), tf.constant(0)):
        of_inputs, of_kernel = gradients(first_row)
        wanted = (upstream @ tf.transpose(kernel)).numpy()
        wanted[: int(first_row)] = 0
        np.testing.assert_allclose(of_inputs, wanted)
        np.testing.assert_allclose(of_kernel, tf.transpose(inputs) @ upstream)
