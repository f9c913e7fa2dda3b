"""Batch normalisation under averaged weights: statistics of those weights."""

import keras
import numpy as np
import pytest
import small_runs
import tensorflow as tf

from ganzoo.gan import Gan
from ganzoo.latents import Gaussian
from ganzoo.randomness import Draws, Segment
from ganzoo.sampling import Sampler
from ganzoo.serving.exporting import export
from ganzoo.storage.run_directory import RunDirectory

EPSILON = 0.001  # Of keras.layers.BatchNormalization.


def generator(momentum=0.99, frozen=False, labels=False):
    """Two layers, each with batch normalisation, and a linear one."""
    keras.utils.set_random_seed(5)
    z = keras.Input((3,))
    inputs, hidden = z, z
    if labels:
        inputs = [z, keras.Input((), dtype="int32")]
        rows = keras.layers.Embedding(2, 3, "uniform")(inputs[1])
        hidden = keras.layers.Concatenate()(inputs[:1] + [rows])
    for index in range(2):
        hidden = keras.layers.Dense(4, use_bias=False)(hidden)
        hidden = keras.layers.BatchNormalization(
            momentum=momentum, name=f"norm_{index}"
        )(hidden)
        hidden = keras.layers.Activation("relu")(hidden)
    samples = keras.layers.Dense(2, name="samples")(hidden)
    net = keras.Model(inputs, samples)
    net.get_layer("norm_0").trainable = not frozen
    return net


def game(net, condition_spec=None):
    x = keras.Input((2,))
    inputs = x
    if condition_spec is not None:
        inputs = [x, keras.Input((), dtype="int32")]
    judge = keras.Model(inputs, keras.layers.Dense(1)(x))
    gan = Gan(
        net,
        judge,
        Gaussian(3),
        seed=4,
        ema_decay=0.5,
        condition_spec=condition_spec,
    )
    # As if averages and weights had parted long ago, and statistics with them.
    draw = np.random.default_rng(0)
    for average in gan.ema:
        average.assign(average + draw.normal(0, 0.5, average.shape))
    for layer in net.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.moving_mean.assign(draw.normal(size=4))
            layer.moving_variance.assign(draw.uniform(3, 4, size=4))
    return gan


def by_hand(gan, frozen=False):
    """Samples of 100 new z: the definition, in NumPy and float64."""
    weights = [np.asarray(average, np.float64) for average in gan.ema]
    if frozen:  # Its scale and offset are not trained, nor averaged.
        weights[1:1] = [np.ones(4), np.zeros(4)]
    first, scale_0, offset_0, second, scale_1, offset_1, last, bias = weights
    layers = [(first, scale_0, offset_0), (second, scale_1, offset_1)]
    moving = [
        [
            np.asarray(getattr(gan.generator.get_layer(f"norm_{i}"), name))
            for name in ("moving_mean", "moving_variance")
        ]
        for i in range(2)
    ]

    def normalized(hidden, mean, variance, scale, offset):
        hidden = (hidden - mean) / np.sqrt(variance + EPSILON)
        return np.maximum(hidden * scale + offset, 0)

    def latents(purpose, row):
        draws = Draws(gan.seed, 0, [Segment(purpose, row, 100)])
        return gan.latents(draws, 100).numpy().astype(np.float64)

    batches = [latents("statistics/z", 100 * batch) for batch in range(20)]
    hidden = latents("sample/z", 0)
    for index, (kernel, scale, offset) in enumerate(layers):
        maps = [batch @ kernel for batch in batches]
        own = [(each.mean(axis=0), each.var(axis=0)) for each in maps]
        mean, variance = np.mean(own, axis=0)
        if frozen and index == 0:
            mean, variance = moving[index]
            own = [(mean, variance)] * len(own)
        batches = [
            normalized(each, *statistics, scale, offset)
            for each, statistics in zip(maps, own, strict=True)
        ]
        hidden = normalized(hidden @ kernel, mean, variance, scale, offset)
    return hidden @ last + bias


def samples(sampler, num=100):
    return np.concatenate(list(sampler.sample(num, seed=4)))


@pytest.mark.parametrize("momentum", [0.0, 0.9, 0.99])
def test_the_mean_over_batches_of_the_averaged_net(momentum):
    gan = game(generator(momentum))
    found = samples(Sampler(gan, use_ema=True))
    np.testing.assert_allclose(found, by_hand(gan), rtol=1e-3, atol=1e-4)


def test_a_frozen_layer_keeps_its_statistics():
    gan = game(generator(frozen=True))
    found = samples(Sampler(gan, use_ema=True))
    expected = by_hand(gan, frozen=True)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


def test_the_game_is_left_as_it_was():
    gan = game(generator())
    before = [variable.numpy() for variable in gan.generator.variables]
    own = samples(Sampler(gan))
    samples(Sampler(gan, use_ema=True))
    after = [variable.numpy() for variable in gan.generator.variables]
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(new, old)
    np.testing.assert_array_equal(samples(Sampler(gan)), own)


def test_samples_do_not_depend_on_how_they_are_asked_for():
    gan = game(generator())
    at_once = samples(Sampler(gan, use_ema=True))
    sampler = Sampler(gan, use_ema=True, batch_size=7)
    np.testing.assert_allclose(samples(sampler), at_once, rtol=1e-5, atol=1e-6)
    z = sampler.draw_latents(100, seed=4)
    np.testing.assert_allclose(
        sampler.generate(z), at_once, rtol=1e-5, atol=1e-6
    )


def test_a_sampler_follows_the_game():
    gan = game(generator())
    sampler = Sampler(gan, use_ema=True)
    samples(sampler)
    for average in gan.ema:
        average.assign(0.7 * average)
    gan.step.assign_add(1)
    found = samples(sampler)
    np.testing.assert_allclose(found, by_hand(gan), rtol=1e-3, atol=1e-4)


def test_labels_are_those_of_examples():
    spec = keras.KerasTensor((None,), "int32")
    gan = game(generator(labels=True), spec)
    asked = []

    def conditions(num):
        asked.append(num)
        return np.arange(num, dtype="int32") % 2

    gan.networks.conditions = conditions
    sampler = Sampler(gan, use_ema=True)
    found = samples(sampler)
    assert asked == [100, 2000]
    assert np.isfinite(found).all()
    assert abs(found[::2].mean() - found[1::2].mean()) > 1e-3


def test_an_export_has_them(tmp_path):
    gan = game(generator())
    folder = export(gan, small_runs.Data(), RunDirectory(tmp_path), {})
    z = np.random.default_rng(1).normal(size=(5, 3)).astype("float32")
    found = tf.saved_model.load(folder).signatures["serving_default"](
        latents=tf.constant(z)
    )
    expected = Sampler(gan, use_ema=True).generate(z)
    np.testing.assert_allclose(found["samples"], expected, rtol=1e-5, atol=1e-6)
    raw = Sampler(gan).generate(z)
    assert np.abs(raw - expected).max() > 0.1


def test_under_a_strategy():
    expected = samples(Sampler(game(generator()), use_ema=True))
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        found = samples(Sampler(game(generator()), use_ema=True))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
