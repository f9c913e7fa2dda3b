"""Both players by one pass back through D, against each player by itself."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ganzoo.gan import Gan, simultaneous
from ganzoo.latents import Uniform
from ganzoo.layers import Dropout
from ganzoo.losses.non_saturating import NonSaturating
from ganzoo.losses.without_dropout import WithoutDropout
from ganzoo.minibatches import Minibatch
from ganzoo.optimizers import SGD

BATCH, LATENT, WIDTH = 8, 3, 4
SHAPE = (2, 2, 1)


class Hinge:
    """Flat in D beyond the margin, where G is not."""

    def discriminator(self, real_logits, fake_logits):
        return tf.nn.relu(1 - real_logits) + tf.nn.relu(1 + fake_logits)

    def generator(self, fake_logits):
        return -fake_logits


class Relative:
    """G's cost, too, knows the real examples."""

    def discriminator(self, real_logits, fake_logits):
        return tf.nn.softplus(fake_logits - real_logits)

    def generator(self, real_logits, fake_logits):
        return tf.nn.softplus(real_logits - fake_logits)


class Penalized(NonSaturating):
    def penalty(self, discriminate, real_samples, fake_samples, draws):
        middle = (real_samples + fake_samples) / 2
        with tf.GradientTape() as tape:
            tape.watch(middle)
            logits = discriminate(middle)
        slope = tape.gradient(logits, middle)
        return tf.reduce_sum(slope**2, axis=[1, 2, 3])


def game(losses, logit_bias=0.0, batch_norm=False, activity="l2"):
    keras.utils.set_random_seed(5)
    z = keras.Input((LATENT,))
    hidden = keras.layers.Dense(4, activation="tanh")(z)
    generator = keras.Model(
        z, keras.layers.Reshape(SHAPE)(keras.layers.Dense(WIDTH)(hidden))
    )
    samples = keras.Input(SHAPE)
    hidden = Dropout(0.3)(keras.layers.Flatten()(samples))
    hidden = keras.layers.Dense(5, activation="tanh")(hidden)
    if batch_norm:
        hidden = keras.layers.BatchNormalization()(hidden)
    logits = keras.layers.Dense(
        1,
        bias_initializer=keras.initializers.Constant(logit_bias),
        kernel_regularizer="l2",
        activity_regularizer=activity,
    )(hidden)
    gan = Gan(generator, keras.Model(samples, logits), Uniform(LATENT), seed=3)
    return gan.compile(SGD(0.1), SGD(0.1), losses, simultaneous)


@pytest.mark.parametrize(
    ("losses", "settings"),
    [
        ([NonSaturating(0.5)], {}),
        # exp(-100) has no float32: D is sure of its fakes, G learns the most.
        ([NonSaturating()], {"logit_bias": -100.0}),
        ([Hinge()], {"logit_bias": -0.8}),
        ([Relative()], {}),
        ([Penalized()], {}),
        # Keras adds up what every call of D regularizes, and there are two.
        ([WithoutDropout(NonSaturating())], {"activity": None}),
        ([NonSaturating()], {"batch_norm": True}),
    ],
)
def test_both_at_once_are_each_by_itself(losses, settings):
    gan = game(losses, **settings)
    real = tf.random.stateless_normal([BATCH, *SHAPE], seed=[1, 2])
    minibatch = Minibatch(real)
    both = gan.gradients(["discriminator", "generator"], minibatch, "both")
    for player in ("discriminator", "generator"):
        alone = gan.gradients([player], minibatch, "both")
        for found, wanted in zip(both[player], alone[player], strict=True):
            scale = np.abs(wanted).max()
            assert scale > 0
            np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-5 * scale)


def num_needed(graph, kind):
    """How many ops of a kind the outputs of a graph depend on."""
    waiting, seen = [output.op for output in graph.outputs], set()
    while waiting:
        op = waiting.pop()
        if op not in seen:
            seen.add(op)
            waiting += [tensor.op for tensor in op.inputs]
    return sum(op.type == kind for op in seen)


def test_discriminator_is_passed_back_through_once():
    gan = game([NonSaturating()], activity=None)
    step = tf.function(
        lambda real: gan.gradients(
            ["discriminator", "generator"], Minibatch(real), "both"
        )
    )
    graph = step.get_concrete_function(tf.zeros([BATCH, *SHAPE])).graph
    # Two layers each: forward, for the weights, and for what is below: of G
    # all but z.
    assert num_needed(graph, "MatMul") == (2 + 2 + 2) + (2 + 2 + 1)
