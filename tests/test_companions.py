"""Nets beside the game: what they learn, and that they move nobody else."""

import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from processes import complete
from small_runs import Data, arguments, check_identical, game, newest

from ganzoo import randomness
from ganzoo.building import build_gan
from ganzoo.companions import join, resting
from ganzoo.errors import ComponentError, ConfigurationError
from ganzoo.gan import Gan
from ganzoo.inference import Inference, mlp_encoder
from ganzoo.latents import Uniform
from ganzoo.losses.non_saturating import NonSaturating
from ganzoo.optimizers import SGD
from ganzoo.randomness import Segment
from ganzoo.storage import checkpoints

BATCH, LATENT, RATE = 8, 3, 0.1


def encoder(sample_shape, target_shape, dropout=0.0):
    """A small one, with dropout if asked for."""
    return mlp_encoder(
        sample_shape,
        target_shape,
        hidden_units=(6,),
        hidden_dropout=dropout,
        init_range=0.5,
    )


def linear(sample_shape, target_shape):
    samples = keras.Input(sample_shape)
    return keras.Model(samples, keras.layers.Dense(*target_shape)(samples))


def inference(make=encoder, rate=RATE, **settings):
    return Inference(make, SGD(rate, 0.5), **settings)


def batches(num=2):
    numbers = np.random.default_rng(0).normal(size=(num, BATCH, 1, 2))
    return numbers.astype(np.float32)


def play(gan, parts):
    for part in parts:  # So few that tracing a graph would take longer.
        gan.train_step(tf.constant(part))
    return gan


def with_companions(*nets, **compiled):
    keras.utils.set_random_seed(5)
    gan = game(**compiled)
    join(gan, nets)
    return gan


def dropping(sample_shape, target_shape):
    return encoder(sample_shape, target_shape, dropout=0.5)


@pytest.mark.parametrize("target_layer", [None, "hidden_0"])
def test_a_step_is_the_gradient_derived_by_hand(target_layer):
    """E(x) = x W + b: d/dW of mean |t - E|^2 is 2 x^T (E - t) / (B n)."""
    z = keras.Input((LATENT,))
    hidden = keras.layers.Dense(5, "relu", name="hidden_0")(z)
    x = keras.Input((2,))
    gan = Gan(
        keras.Model(z, keras.layers.Dense(2, name="output")(hidden)),
        keras.Model(x, keras.layers.Dense(1)(x)),
        Uniform(LATENT),
        seed=3,
    ).compile(SGD(0.0), SGD(0.0), [NonSaturating()])
    join(gan, [inference(linear, target_layer=target_layer)])
    kernel, bias = (
        np.float64(w.numpy()) for w in gan.players["inference"][0].weights
    )
    velocity = [0.0, 0.0]
    for step in range(3):
        draws = randomness.Draws(
            3, step, [Segment("companions/inference/z", 0, BATCH)]
        )
        latents = np.float64(gan.latents(draws, BATCH).numpy())
        (k0, b0), (k1, b1) = (
            map(np.float64, layer.get_weights())
            for layer in gan.generator.layers[1:]
        )
        low = np.maximum(latents @ k0 + b0, 0)
        samples = low @ k1 + b1
        target = latents if target_layer is None else low
        error = samples @ kernel + bias - target
        delta = 2 * error / error.size
        for index, (weight, gradient) in enumerate(
            [(kernel, samples.T @ delta), (bias, delta.sum(axis=0))]
        ):
            velocity[index] = 0.5 * velocity[index] - RATE * gradient
            weight += velocity[index]
    play(gan, batches(3))
    found = gan.players["inference"][0].get_weights()
    np.testing.assert_allclose(found[0], kernel, atol=1e-5)
    np.testing.assert_allclose(found[1], bias, atol=1e-5)


def test_players_are_bit_identical_with_and_without_a_companion():
    alone = play(game(with_batch_norm=True), batches())
    beside = play(
        with_companions(inference(dropping), with_batch_norm=True), batches()
    )
    without, found = map(checkpoints.arrays, (alone, beside))
    names = {name for name in found if name.startswith("inference")}
    assert len(names) == 4 + 1 + 1 + 4  # Weights; count, rate, velocities.
    more = {n for n in found if n.startswith("metrics/00") and n not in without}
    check_identical(
        {n: v for n, v in found.items() if n not in names | more}, without
    )


def test_initial_weights_of_the_players_do_not_depend_on_companions():
    def built(*nets):
        def generator(sample_shape, latent_dim):
            return keras.Sequential(
                [keras.Input((latent_dim,)), keras.layers.Dense(2)]
            )

        def discriminator(sample_shape):
            return keras.Sequential(
                [keras.Input(sample_shape), keras.layers.Dense(1)]
            )

        data = Data()
        return build_gan(
            data,
            data.examples("train"),
            4,
            generator=generator,
            discriminator=discriminator,
            latents=Uniform(LATENT),
            losses=[NonSaturating()],
            generator_optimizer=SGD(),
            discriminator_optimizer=SGD(),
            companions=nets,
        )

    without, found = built(), built(inference())
    for player in ("generator", "discriminator"):
        for a, b in zip(
            getattr(without, player).weights,
            getattr(found, player).weights,
            strict=True,
        ):
            np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_a_resumed_companion_goes_on_exactly(tmp_path):
    parts = batches(4)
    whole = play(with_companions(inference(dropping)), parts)
    kept = checkpoints.Checkpoints(tmp_path)
    kept.save(play(with_companions(inference(dropping)), parts[:2]), {})
    kept.wait()
    resumed = with_companions(inference(dropping))
    assert kept.restore(resumed) == {}
    play(resumed, parts[2:])
    check_identical(*map(checkpoints.arrays, (resumed, whole)))


def test_micro_batches_make_the_same_step():
    whole, parts = (
        with_companions(inference(dropping), num_micro_batches=num)
        for num in (1, 2)
    )
    for gan in (whole, parts):
        play(gan, batches())
    for a, b in zip(
        *(g.players["inference"][0].weights for g in (whole, parts)),
        strict=True,
    ):
        np.testing.assert_allclose(a.numpy(), b.numpy(), atol=1e-6)


def test_a_companion_of_a_resting_game_learns_alone():
    gan = with_companions(
        inference(rate=0.3), inference(name="other"), update_rule=resting
    )
    before = checkpoints.arrays(gan)
    losses = []
    for _ in range(2):
        gan.reset_metrics()
        step = tf.function(gan.train_step)
        for part in batches(60):
            step(tf.constant(part))
        losses.append(float(gan.log_means["inference"].result()))
    assert losses[1] < 0.95 * losses[0]
    after = checkpoints.arrays(gan)
    for name in before:
        if name.split("/")[0] in (
            "generator",
            "discriminator",
            "generator_ema",
        ):
            np.testing.assert_array_equal(before[name], after[name], name)
    assert int(gan.log_means["generator"].count.numpy()) == 0
    assert int(gan.step.numpy()) == 120


@pytest.mark.slow
def test_two_replicas_train_what_one_device_does_and_all_modes_work(tmp_path):
    recipe = [
        "build_gan.companions = [@companions.inference()]",
        "companions.inference.encoder = @mlp_encoder",
        "companions.inference.optimizer = @inference/optimizers.adam()",
        "mlp_encoder.hidden_units = (16,)",
        "mlp_encoder.hidden_dropout = 0.3",
        "experiment.dtype_policy = 'float64'",
        "train.num_steps = 20",
        "evaluate.evaluators = [@evaluators.reconstruction(), "
        "@evaluators.semi_supervised()]",
        "evaluators.reconstruction.num_samples = 50",
        "evaluators.semi_supervised.num_labels = (20,)",
        "evaluators.semi_supervised.network = 'inference'",
    ]
    mirrored = [
        "experiment.strategy = @strategies.mirrored()",
        "strategies.mirrored.num_cpus = 2",
    ]
    for name, more, mode in (
        ("one", [], "train,evaluate,figures,export"),
        ("two", mirrored, "train"),
    ):
        status, output = complete(
            arguments(tmp_path / name, *recipe, *more, mode=mode),
            tmp_path / "log",
        )
        assert status == 0, output
    one, two = newest(tmp_path / "one"), newest(tmp_path / "two")
    assert any(name.startswith("inference") for name in one)
    for name in one:
        if not name.startswith("metrics"):
            np.testing.assert_allclose(two[name], one[name], 0, 1e-12, name)
    figures = tmp_path / "one" / "figures"
    assert (figures / "inference_reconstructions.png").stat().st_size > 0
    (folder,) = (tmp_path / "one" / "export").glob("[0-9]*")
    predict = tf.saved_model.load(str(folder)).signatures["predict_inference"]
    found = predict(samples=tf.zeros([3, 8, 8, 1], tf.float64))["predicted"]
    assert found.shape == (3, 8)


@pytest.mark.parametrize("name", ["generator", "inference", "In ference"])
def test_a_companion_needs_a_name_of_its_own(name):
    with pytest.raises(
        ComponentError,
        match=re.escape(
            "A companion needs a `name` of its own, of a-z, 0-9 and _. "
            f"Received: {name!r}, beside discriminator, generator, inference."
        ),
    ):
        with_companions(inference(), inference(name=name))


@pytest.mark.parametrize(
    "name", ["step", "metrics", "generator_ema", "generator_optimizer"]
)
def test_a_companion_takes_no_name_that_checkpoints_use(name):
    with pytest.raises(
        ComponentError,
        match=re.escape(
            "A companion's `name` must not be one that checkpoints use: step, "
            "metrics, generator_ema, players or *_optimizer. Received: "
            f"{name!r}. Bind another."
        ),
    ):
        with_companions(inference(name=name))


@pytest.mark.parametrize("name", ["step", "generator_optimizer"])
def test_a_checkpoint_has_no_two_groups_of_one_name(name):
    gan = with_companions(inference())
    gan.players[name] = gan.players.pop("inference")
    with pytest.raises(
        ComponentError,
        match=re.escape(f"must differ in name. Received: {name!r} for two."),
    ):
        checkpoints.state(gan)


def test_a_companion_needs_an_optimizer_of_its_own():
    shared = SGD(RATE)
    with pytest.raises(
        ComponentError,
        match=re.escape(
            "The companion 'other' must have an optimizer of its own. "
            "Received: one for two."
        ),
    ):
        with_companions(
            Inference(encoder, shared), Inference(encoder, shared, name="other")
        )


def test_a_loss_is_called_with_what_it_names_and_gives_one_value_each():
    class Asking(Inference):
        def loss(self, latents, real_samples):
            return latents[:, 0]

    class Averaging(Inference):
        def loss(self, fake_samples, draws):
            noise = draws.normal([tf.shape(fake_samples)[0], 2])
            return tf.reduce_mean(self.network(fake_samples + noise))

    with pytest.raises(
        ComponentError,
        match=re.escape(
            "`Asking.loss` may ask for latents, fake_samples, condition, "
            "draws. Received: real_samples."
        ),
    ):
        play(with_companions(Asking(encoder, SGD(RATE))), batches(1))
    with pytest.raises(
        ComponentError,
        match=re.escape(
            "`Averaging.loss` must return one value per example, shape "
            "[batch]. Received: shape ()."
        ),
    ):
        play(with_companions(Averaging(encoder, SGD(RATE))), batches(1))


def test_a_game_in_which_nobody_moves_is_refused():
    with pytest.raises(
        ConfigurationError, match="Received: no companion. Bind `build_gan"
    ):
        play(game(update_rule=resting), batches(1))
