"""What a run watches: numbers of both networks that move neither."""

import numpy as np
import pytest
import tensorflow as tf
from small_runs import Data, check_identical, game

from ganzoo.losses.minimax import Minimax
from ganzoo.sampling import Sampler
from ganzoo.storage.checkpoints import arrays
from ganzoo.training.monitors import Monitors


class Penalty:
    """Charges D for being sure of real examples."""

    def penalty(self, discriminate, real_samples, fake_samples, draws):
        return 5.0 * discriminate(real_samples) ** 2


@pytest.fixture
def gan():
    return game(losses=[Minimax()])


def norm_of(gradients):
    flat = np.concatenate([np.ravel(gradient) for gradient in gradients])
    return np.linalg.norm(flat)


def test_norms_are_those_of_the_formula(gan):
    real = Data().examples("train")[:20]
    found = Monitors(gan, real).read()

    z = Sampler(gan).draw_latents(20, gan.seed)
    G, D = gan.generator, gan.discriminator
    with tf.GradientTape(persistent=True) as tape:
        fake = G(z, training=False)
        sure_of_real = tf.sigmoid(D(real, training=False))
        sure_of_fake = tf.sigmoid(D(fake, training=False))
        # Equation 1 of the paper; D ascends, G descends.
        value = tf.reduce_mean(tf.math.log(sure_of_real)) + tf.reduce_mean(
            tf.math.log(1 - sure_of_fake)
        )
    expected = {
        "discriminator": norm_of(tape.gradient(value, D.trainable_variables)),
        "generator": norm_of(tape.gradient(value, G.trainable_variables)),
        "sample": norm_of([tape.gradient(value, fake)]),
    }
    for name, norm in expected.items():
        assert norm > 0
        assert found[f"{name}_gradient_norm"] == pytest.approx(norm, rel=1e-5)


def test_the_samples_gradient_is_how_the_loss_changes_with_them(gan):
    # One sample, where D has no kink, by differences.
    place = np.float32([0.3, -0.2])
    *weights, last_bias = gan.generator.trainable_variables
    for weight in weights:
        weight.assign(tf.zeros_like(weight))
    last_bias.assign(place)
    real = Data().examples("train")[:1]
    found = Monitors(gan, real).read()["sample_gradient_norm"]

    def loss(sample):  # log(1 - D(x)), in float64
        logit = gan.discriminator(sample[None], training=False).numpy()
        return -np.logaddexp(0, logit.item())

    step = 1e-2
    slopes = [
        (loss(place + shift) - loss(place - shift)) / (2 * step)
        for shift in step * np.eye(2, dtype=np.float32)
    ]
    assert found == pytest.approx(np.linalg.norm(slopes), rel=1e-2)


def test_errors_and_spread_are_counted_without_dropout(gan):
    real = Data().examples("train")[:20]
    sampler = Sampler(gan)
    fake = sampler.generate(sampler.draw_latents(20, gan.seed))
    found = Monitors(gan, real).read()
    assert found["false_negatives"] == np.mean(sampler.discriminate(real) < 0)
    assert found["false_positives"] == np.mean(sampler.discriminate(fake) > 0)
    expected = np.sqrt(np.var(fake, axis=0).mean())
    expected /= np.sqrt(np.var(real, axis=0).mean())
    assert found["sample_diversity"] == pytest.approx(expected, rel=1e-6)


def test_a_reading_moves_nothing():
    gan = game(with_batch_norm=True)
    before = arrays(gan)
    monitors = Monitors(gan, Data().examples("train")[:20])
    assert monitors.read() == monitors.read()
    check_identical(arrays(gan), before)


def test_penalties_are_left_out(gan):
    real = Data().examples("train")[:20]
    plain = Monitors(gan, real).read()
    gan.compile(
        gan.players["generator"][1],
        gan.players["discriminator"][1],
        [Minimax(), Penalty()],
    )
    assert Monitors(gan, real).read() == plain
