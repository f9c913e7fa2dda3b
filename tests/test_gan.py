"""The step against a NumPy derivation, the rules, the contract's edges."""

import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from ganzoo import randomness
from ganzoo.errors import ComponentError, ConfigurationError
from ganzoo.gan import Gan, alternating, simultaneous
from ganzoo.latents import Gaussian, Uniform
from ganzoo.layers import Dropout
from ganzoo.losses.minimax import Minimax
from ganzoo.losses.non_saturating import NonSaturating
from ganzoo.optimizers import SGD
from ganzoo.randomness import Segment
from ganzoo.sampling import Sampler

BATCH, LATENT, HIDDEN, WIDTH = 6, 3, 5, 4
RATE, MOMENTUM = 0.3, 0.6


def networks(dropout=0.0):
    keras.utils.set_random_seed(7)
    z = keras.Input((LATENT,))
    x = keras.layers.Dense(HIDDEN, activation="relu")(z)
    generator = keras.Model(z, keras.layers.Dense(WIDTH)(x), name="g")
    s = keras.Input((WIDTH,))
    h = keras.layers.Dense(HIDDEN, activation="relu")(Dropout(dropout)(s))
    discriminator = keras.Model(s, keras.layers.Dense(1)(h), name="d")
    return generator, discriminator


def game(rule, losses, k=1, dropout=0.0, **kwargs):
    gan = Gan(*networks(dropout), Uniform(LATENT), seed=11, **kwargs)
    gan.compile(
        SGD(RATE, MOMENTUM),
        SGD(RATE, MOMENTUM),
        losses,
        update_rule=rule,
        discriminator_steps=k,
    )
    return gan


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


class NumpyGame:
    """The same game by hand, in float64: eq. (1) and its gradients."""

    def __init__(self, gan, half, saturating):
        self.theta = {
            "g": [np.float64(w.numpy()) for w in gan.generator.weights],
            "d": [np.float64(w.numpy()) for w in gan.discriminator.weights],
        }
        self.v = {
            p: [np.zeros_like(w) for w in ws] for p, ws in self.theta.items()
        }
        self.half = half
        self.saturating = saturating

    @staticmethod
    def forward(weights, x):
        a, b, c, d = weights
        hidden = np.maximum(x @ a + b, 0)
        return hidden, hidden @ c + d

    @staticmethod
    def backward(weights, x, hidden, delta):
        """Gradients of the weights, and of x."""
        delta_hidden = (delta @ weights[2].T) * (hidden > 0)
        gradients = [
            x.T @ delta_hidden,
            delta_hidden.sum(0),
            hidden.T @ delta,
            delta.sum(0),
        ]
        return gradients, delta_hidden @ weights[0].T

    def d_gradients(self, x, z):
        d = self.theta["d"]
        _, fake = self.forward(self.theta["g"], z)
        total = [0.0] * 4
        # d/dl of -log sigmoid(l) is sigmoid(l) - 1; of -log(1 - sigmoid(l)),
        # sigmoid(l).
        for samples, target in ((x, 1.0), (fake, 0.0)):
            hidden, logits = self.forward(d, samples)
            delta = self.half * (sigmoid(logits) - target) / len(samples)
            parts, _ = self.backward(d, samples, hidden, delta)
            total = [a + b for a, b in zip(total, parts, strict=True)]
        return total

    def g_gradients(self, z):
        g, d = self.theta["g"], self.theta["d"]
        hidden_g, fake = self.forward(g, z)
        hidden_d, logits = self.forward(d, fake)
        # log(1 - D) saturates: -sigmoid(l); -log D does not: sigmoid(l) - 1.
        delta = -sigmoid(logits) if self.saturating else sigmoid(logits) - 1
        _, delta_x = self.backward(d, fake, hidden_d, delta / len(z))
        return self.backward(g, z, hidden_g, delta_x)[0]

    def apply(self, player, gradients):
        for w, v, g in zip(
            self.theta[player], self.v[player], gradients, strict=True
        ):
            v *= MOMENTUM
            v -= RATE * g
            w += v


def z_of(gan, step, purpose):
    draws = randomness.Draws(
        gan.seed, step, [Segment(f"{purpose}/z", 0, BATCH)]
    )
    return np.float64(gan.latents(draws, BATCH).numpy())


def assert_same(gan, by_hand):
    for player, network in (("g", gan.generator), ("d", gan.discriminator)):
        for ours, theirs in zip(
            network.weights, by_hand.theta[player], strict=True
        ):
            np.testing.assert_allclose(ours.numpy(), theirs, atol=1e-5)
    for player, name in (("g", "generator"), ("d", "discriminator")):
        velocities = gan.players[name][1].velocities
        for ours, theirs in zip(velocities, by_hand.v[player], strict=True):
            np.testing.assert_allclose(ours.numpy(), theirs, atol=1e-5)


@pytest.fixture
def real():
    rng = np.random.default_rng(0)
    return rng.normal(size=[3, BATCH, 2, WIDTH]).astype(np.float32)


def play(gan, batches):
    step = tf.function(gan.train_step)
    for batch in batches:
        step(tf.constant(batch))


@pytest.mark.parametrize("saturating", [True, False])
def test_alternating_is_algorithm_1(real, saturating):
    loss = Minimax() if saturating else NonSaturating()
    gan = game(alternating, [loss], k=2)
    by_hand = NumpyGame(gan, half=1.0, saturating=saturating)
    for step, batch in enumerate(np.float64(real)):
        for i in range(2):
            z = z_of(gan, step, f"discriminator/{i}")
            by_hand.apply("d", by_hand.d_gradients(batch[:, i], z))
        by_hand.apply("g", by_hand.g_gradients(z_of(gan, step, "generator")))
    play(gan, real)
    assert int(gan.step.numpy()) == 3
    assert_same(gan, by_hand)


@pytest.mark.parametrize("k", [1, 2])
def test_simultaneous_is_the_2014_code(real, k):
    gan = game(simultaneous, [NonSaturating(discriminator_weight=0.5)], k=k)
    by_hand = NumpyGame(gan, half=0.5, saturating=False)
    for step, batch in enumerate(np.float64(real)):
        for i in range(k - 1):
            z = z_of(gan, step, f"discriminator/{i}")
            by_hand.apply("d", by_hand.d_gradients(batch[:, i], z))
        z = z_of(gan, step, "both")  # One z, and both at the old parameters.
        d_gradients = by_hand.d_gradients(batch[:, k - 1], z)
        g_gradients = by_hand.g_gradients(z)
        by_hand.apply("d", d_gradients)
        by_hand.apply("g", g_gradients)
    play(gan, real[:, :, :k])
    assert_same(gan, by_hand)


def test_simultaneous_shares_masks_and_alternating_does_not(monkeypatch):
    seen = []
    original = randomness.Draws.keep_mask

    def spy(self, shape, keep_probability):
        seen.append([segment.purpose for segment in self.segments])
        return original(self, shape, keep_probability)

    monkeypatch.setattr(randomness.Draws, "keep_mask", spy)
    batch = np.zeros([BATCH, 1, WIDTH], np.float32)
    play(game(simultaneous, [NonSaturating()], dropout=0.5), [batch])
    assert seen == [["both/D/real", "both/D/fake"]]
    seen.clear()
    play(game(alternating, [NonSaturating()], dropout=0.5), [batch])
    assert seen == [
        ["discriminator/0/D/real", "discriminator/0/D/fake"],
        ["generator/D/fake"],
    ]


def test_one_pass_over_real_and_fake_is_two_passes(real):
    """Sharing a pass changes speed, not what is drawn or computed."""
    shared = game(alternating, [NonSaturating()], dropout=0.3)
    apart = game(alternating, [NonSaturating()], dropout=0.3)
    apart.networks.mixes_examples = True
    for gan in (shared, apart):
        play(gan, real[:, :, :1])
    for a, b in zip(
        shared.discriminator.weights, apart.discriminator.weights, strict=True
    ):
        np.testing.assert_allclose(a.numpy(), b.numpy(), atol=1e-6)


def test_batch_normalization_is_seen_to_mix_examples():
    generator, _ = networks()
    discriminator = keras.Sequential(
        [keras.layers.BatchNormalization(), keras.layers.Dense(1)]
    )
    gan = Gan(generator, discriminator, Uniform(LATENT))
    assert gan.networks.mixes_examples


@pytest.mark.parametrize("start", [0, 2])
def test_ema_follows_the_weights(real, start):
    gan = game(alternating, [NonSaturating()], ema_decay=0.75, ema_start=start)
    averages = [w.numpy() for w in gan.generator.weights]
    for step, batch in enumerate(real[:, :, :1]):
        play(gan, [batch])
        decay = 0.0 if step < start else 0.75
        averages = [
            decay * a + (1 - decay) * w.numpy()
            for a, w in zip(averages, gan.generator.weights, strict=True)
        ]
    for ours, theirs in zip(gan.ema, averages, strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs, atol=1e-6)
    z = np.ones([2, LATENT], np.float32)
    by_ema = Sampler(gan, use_ema=True).generate(z)
    for weight, average in zip(gan.generator.weights, averages, strict=True):
        weight.assign(average)
    np.testing.assert_allclose(by_ema, gan.generator(z).numpy(), atol=1e-6)


@pytest.mark.parametrize("decay", [-0.1, 1.0])
def test_averages_that_cannot_be_are_refused(decay):
    with pytest.raises(ConfigurationError, match=re.escape("`ema_decay` must")):
        game(alternating, [NonSaturating()], ema_decay=decay)


class Recorder:
    """A penalty that is a known function of D: its logit's square."""

    penalty_every = 3

    def __init__(self):
        self.drawn = None

    def penalty(self, discriminate, real_samples, fake_samples, draws):
        share = draws.uniform([tf.shape(real_samples)[0], 1])
        mixed = share * real_samples + (1 - share) * fake_samples
        return discriminate(mixed) ** 2


@pytest.mark.slow
def test_a_lazy_penalty_counts_every_third_step_threefold(real):
    without = game(alternating, [NonSaturating()])
    with_penalty = game(alternating, [NonSaturating(), Recorder()])
    always = Recorder()
    always.penalty_every = 1
    eager = game(alternating, [NonSaturating(), always])
    losses = []
    for gan in (without, with_penalty, eager):
        per_step = []
        for _ in range(4):
            gan.reset_metrics()
            play(gan, real[:1, :, :1])
            per_step.append(float(gan.log_means["discriminator"].result()))
        losses.append(per_step)
    plain, lazy, every = losses
    assert lazy[0] - plain[0] == pytest.approx(
        3 * (every[0] - plain[0]), rel=1e-4
    )
    assert lazy[1] != pytest.approx(plain[1], abs=1e-7)  # Weights moved apart,


def test_penalty_gradient_reaches_the_discriminator(real):
    plain = game(alternating, [NonSaturating()])
    penalized = game(alternating, [NonSaturating(), Recorder()])
    for gan in (plain, penalized):
        play(gan, real[:1, :, :1])
    differences = [
        np.abs(a.numpy() - b.numpy()).max()
        for a, b in zip(
            plain.discriminator.weights,
            penalized.discriminator.weights,
            strict=True,
        )
    ]
    assert min(differences) > 0


def test_k_below_one_is_refused():
    with pytest.raises(
        ConfigurationError,
        match=re.escape(
            "`discriminator_steps`, the k of Algorithm 1, must be at least 1. "
            "Received: discriminator_steps=0."
        ),
    ):
        game(alternating, [NonSaturating()], k=0)


def test_networks_that_do_not_fit_are_named():
    generator, _ = networks()
    dense = keras.Sequential(
        [keras.Input((WIDTH + 1,)), keras.layers.Dense(1)], name="wide"
    )
    with pytest.raises(ComponentError, match="'wide' cannot be called on"):
        Gan(generator, dense, Uniform(LATENT))
    two = keras.Sequential([keras.layers.Dense(2)], name="two")
    with pytest.raises(
        ComponentError,
        match=re.escape(
            "Discriminator 'two' must return logits of shape [batch, 1]. "
            "Received: shape (None, 2), dtype float32."
        ),
    ):
        Gan(generator, two, Uniform(LATENT))


def test_a_loss_that_averages_is_refused(real):
    class Averaged(NonSaturating):
        def generator(self, fake_logits):
            return tf.reduce_mean(fake_logits)

    with pytest.raises(
        ComponentError,
        match=re.escape(
            "`Averaged.generator` must return one value per example, shape "
            "[batch]. Received: shape ()."
        ),
    ):
        play(game(alternating, [Averaged()]), real[:1, :, :1])


def test_a_loss_for_one_player_alone_is_refused():
    with pytest.raises(
        ComponentError, match="`losses` must say what the discriminator"
    ):
        game(alternating, [])


def test_fit_on_arrays_trains_and_goes_on(real):
    gan = game(alternating, [NonSaturating()])
    x = real.reshape(-1, WIDTH)  # 36 examples
    history = gan.fit(x, batch_size=BATCH, epochs=2, verbose=0)
    assert int(gan.step.numpy()) == 12
    gan.fit(x, batch_size=BATCH, verbose=0)
    assert int(gan.step.numpy()) == 18
    assert set(history.history) == {"discriminator_loss", "generator_loss"}
    whole = game(alternating, [NonSaturating()])
    whole.fit(x, batch_size=BATCH, epochs=3, verbose=0)
    for a, b in zip(
        gan.generator.weights, whole.generator.weights, strict=True
    ):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_several_steps_per_execution_are_the_same_steps(real):
    x = real.reshape(-1, WIDTH)
    games = [game(alternating, [NonSaturating()], dropout=0.4) for _ in "ab"]
    games[1].compile(
        SGD(RATE, MOMENTUM),
        SGD(RATE, MOMENTUM),
        [NonSaturating()],
        steps_per_execution=3,
    )
    for gan in games:
        gan.fit(x, batch_size=BATCH, epochs=2, verbose=0)
    for a, b in zip(*(gan.generator.weights for gan in games), strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_samples_do_not_depend_on_the_batch_size():
    gan = game(alternating, [NonSaturating()])
    few = np.concatenate(list(Sampler(gan, batch_size=7).sample(20, seed=3)))
    many = np.concatenate(list(Sampler(gan, batch_size=64).sample(20, seed=3)))
    other = np.concatenate(list(Sampler(gan).sample(20, seed=4)))
    np.testing.assert_allclose(few, many, atol=1e-6)
    assert np.abs(few - other).max() > 0.1


def test_float64_throughout(real):
    keras.config.set_dtype_policy("float64")
    try:
        z = keras.Input((LATENT,), dtype="float64")
        s = keras.Input((WIDTH,), dtype="float64")
        gan = Gan(
            keras.Model(z, keras.layers.Dense(WIDTH)(z)),
            keras.Model(s, keras.layers.Dense(1)(s)),
            Gaussian(LATENT),
        )
        gan.compile(SGD(RATE), SGD(RATE), [Minimax()])
        play(gan, np.float64(real[:1, :, :1]))
        assert {w.dtype for w in gan.generator.weights} == {"float64"}
        assert Sampler(gan).generate(np.ones([1, LATENT])).dtype == np.float64
    finally:
        keras.config.set_dtype_policy("float32")
