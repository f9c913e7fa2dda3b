"""What D sees, against loops in NumPy; and what it does to a step."""

import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from test_gan import (
    BATCH,
    WIDTH,
    NumpyGame,
    assert_same,
    game,
    play,
    sigmoid,
    z_of,
)

from ganzoo import transforms
from ganzoo.errors import ConfigurationError
from ganzoo.gan import alternating, simultaneous
from ganzoo.losses.non_saturating import NonSaturating
from ganzoo.randomness import Draws, Segment
from ganzoo.schedules import LinearRamp

IMAGES = np.random.default_rng(0).uniform(-1, 1, (5, 9, 8, 3))


def draws(first_row=0, step=3):
    return Draws(1, step, [Segment("t", first_row)])


def augmented(policy, images, value_range=(-1.0, 1.0), first_row=0):
    transform = transforms.DiffAugment(policy).for_data(
        images.shape[1:], value_range
    )
    images = tf.constant(images, tf.float32)
    return transform(images, draws(first_row)).numpy()


def uniform(source, low, high):
    return source.uniform([len(IMAGES), 1], low, high).numpy()[:, 0]


def test_color_by_hand():
    source = draws()
    brightness = uniform(source, -0.5, 0.5)
    saturation = uniform(source, 0.0, 2.0)
    contrast = uniform(source, 0.5, 1.5)
    expected = []
    for image, b, s, c in zip(
        IMAGES, brightness, saturation, contrast, strict=True
    ):
        image = image + b
        grey = image.mean(axis=2, keepdims=True)
        image = s * image + (1 - s) * grey
        expected.append(c * image + (1 - c) * image.mean())
    np.testing.assert_allclose(
        augmented(["color"], IMAGES), expected, atol=1e-6
    )


def test_translation_by_hand():
    images = np.tile(IMAGES, [40, 1, 1, 1])
    source = draws()
    seen = set()
    # 9 / 8 + 1/2 and 8 / 8 + 1/2, rounded down, are 1.
    down, right = (
        source.uniform([len(images), 1], 0, 3).numpy()[:, 0].astype(int) - 1
        for _ in range(2)
    )
    found = augmented(["translation"], images)
    for image, moved, i, j in zip(images, found, down, right, strict=True):
        padded = np.pad(image, ((1, 1), (1, 1), (0, 0)))
        expected = padded[1 + i : 10 + i, 1 + j : 9 + j]
        np.testing.assert_allclose(moved, expected, atol=1e-6)
        seen.add((i, j))
    assert len(seen) == 9


def test_cutout_by_hand():
    images = np.tile(IMAGES, [40, 1, 1, 1])
    source = draws()
    # Half of 9 is 5 pixels, half of 8 is 4; an even length has one more place.
    rows, columns = (
        source.uniform([len(images), 1], 0, num).numpy()[:, 0].astype(int)
        for num in (9, 9)
    )
    for image, cut, i, j in zip(
        images, augmented(["cutout"], images), rows, columns, strict=True
    ):
        expected = image.copy()
        expected[max(i - 2, 0) : i + 3, max(j - 2, 0) : j + 2] = 0
        np.testing.assert_allclose(cut, expected, atol=1e-6)


def test_another_range_is_the_same_after_mapping_it():
    policy = ("color", "translation", "cutout")
    unit = augmented(policy, (IMAGES + 1) / 2, (0.0, 1.0))
    np.testing.assert_allclose(
        unit * 2 - 1, augmented(policy, IMAGES), atol=1e-5
    )


def test_rows_are_augmented_alike_wherever_they_are():
    policy = ("color", "translation", "cutout")
    whole = augmented(policy, IMAGES)
    part = augmented(policy, IMAGES[2:], first_row=2)
    np.testing.assert_allclose(part, whole[2:], atol=1e-6)


def test_gradients_are_those_of_an_affine_map():
    transform = transforms.DiffAugment().for_data((9, 8, 3), (0.0, 1.0))
    x, direction, weights = (
        tf.constant(np.random.default_rng(i).normal(size=IMAGES.shape))
        for i in range(3)
    )
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = tf.reduce_sum(weights * transform(x, draws()))
    slope = tf.reduce_sum(direction * tape.gradient(value, x))
    moved = tf.reduce_sum(weights * transform(x + direction, draws()))
    np.testing.assert_allclose(slope, moved - value, rtol=1e-9)


def test_noise_is_that_of_the_draws_and_follows_its_schedule():
    x = tf.constant(IMAGES, tf.float32)
    n = draws().normal(IMAGES.shape)
    found = transforms.Noise(0.25)(x, draws())
    np.testing.assert_allclose(found, x + 0.25 * n, atol=1e-6)
    ramp = LinearRamp(1.0, 0.0, steps_per_epoch=1, saturation_epoch=5)
    found = transforms.Noise(ramp)(x, draws(step=3))
    np.testing.assert_allclose(found, x + 0.25 * n, atol=1e-6)


@pytest.mark.parametrize(("scale", "factor"), [(10.0, 2.0), (1.0, 1.0)])
def test_gradients_are_enlarged_to_their_least_norm(scale, factor):
    x = tf.ones([5, 5])
    with tf.GradientTape() as tape:
        tape.watch(x)
        same = transforms.EnlargeGradients(scale)(x, draws())
        value = tf.reduce_sum(same)  # |gradient| = 5
    np.testing.assert_array_equal(same, x)
    np.testing.assert_allclose(tape.gradient(value, x), factor * x)


def test_no_gradient_stays_none_at_all():
    x = tf.ones([5, 5])
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = tf.reduce_sum(0 * transforms.EnlargeGradients()(x, draws()))
    np.testing.assert_array_equal(tape.gradient(value, x), 0 * x)


@pytest.fixture
def real():
    rng = np.random.default_rng(0)
    return rng.normal(size=[3, BATCH, 1, WIDTH]).astype(np.float32)


def test_d_sees_noise_on_both_and_g_learns_through_it(real):
    class Noisy(NumpyGame):
        def forward(self, weights, x):
            hidden, out = super().forward(weights, x)
            return hidden, out + (
                self.noise if weights is self.theta["g"] else 0
            )

    def noise(step, substep, which):
        place = Segment(f"{substep}/transform/0/{which}")
        n = Draws(11, step, [place]).normal([BATCH, WIDTH])
        return 0.5 * np.float64(n.numpy())

    gan = game(
        alternating, [NonSaturating()], transforms=[transforms.Noise(0.5)]
    )
    by_hand = Noisy(gan, half=1.0, saturating=False)
    for step, batch in enumerate(np.float64(real[:, :, 0])):
        by_hand.noise = noise(step, "discriminator/0", "fake")
        seen = batch + noise(step, "discriminator/0", "real")
        z = z_of(gan, step, "discriminator/0")
        by_hand.apply("d", by_hand.d_gradients(seen, z))
        by_hand.noise = noise(step, "generator", "fake")
        by_hand.apply("g", by_hand.g_gradients(z_of(gan, step, "generator")))
    play(gan, real)
    assert_same(gan, by_hand)


def test_a_step_with_enlarged_gradients(real):
    """The 2014 formula: all of G's gradients times max(1, t / |dJ/dS|)."""
    target = 3.0
    gan = game(
        simultaneous,
        [NonSaturating()],
        transforms=[transforms.EnlargeGradients(target)],
    )
    by_hand = NumpyGame(gan, half=1.0, saturating=False)
    for step, batch in enumerate(np.float64(real[:, :, 0])):
        z = z_of(gan, step, "both")
        g, d = by_hand.theta["g"], by_hand.theta["d"]
        _, fake = by_hand.forward(g, z)
        hidden, logits = by_hand.forward(d, fake)
        delta = (sigmoid(logits) - 1) / BATCH
        _, by_sample = by_hand.backward(d, fake, hidden, delta)
        factor = max(1, target / np.linalg.norm(by_sample))
        assert factor > 1
        d_gradients = by_hand.d_gradients(batch, z)
        g_gradients = [factor * part for part in by_hand.g_gradients(z)]
        by_hand.apply("d", d_gradients)
        by_hand.apply("g", g_gradients)
    play(gan, real)
    assert_same(gan, by_hand)


def test_a_judge_that_does_not_train_sees_samples_as_they_are(real):
    plain = game(alternating, [NonSaturating()])
    noisy = game(
        alternating, [NonSaturating()], transforms=[transforms.Noise(9.0)]
    )
    x = tf.constant(real[0, :, 0])
    np.testing.assert_array_equal(
        plain.networks.judge(x, None, None), noisy.networks.judge(x, None, None)
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: transforms.Noise(-1.0),
            "`stddev` must be a schedule or a number that is not negative. "
            "Received: stddev=-1.0.",
        ),
        (
            lambda: transforms.EnlargeGradients(0.0),
            "`target_scale` must be positive. Received: target_scale=0.0.",
        ),
        (
            lambda: transforms.DiffAugment("color"),
            "`policy` must be a sequence of names. Received: policy='color'. "
            'Write, for instance, ("color", "translation", "cutout").',
        ),
        (
            lambda: transforms.DiffAugment(("colour",)),
            "`policy` must hold names of color, translation, cutout. Received: "
            "'colour'. Did you mean 'color'?",
        ),
        (
            lambda: transforms.DiffAugment().for_data((2,), (0.0, 1.0)),
            "`transforms.diff_augment` needs images (height, width, channels) "
            "within a range. Received: samples of shape (2,), value_range=(0.0,"
            " 1.0). Use `transforms.noise`, or another data set.",
        ),
        (
            lambda: transforms.DiffAugment().for_data((8, 8, 3), None),
            "Received: samples of shape (8, 8, 3), value_range=None.",
        ),
    ],
)
def test_what_cannot_be_meant(make, message):
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        make()


def test_enlarging_does_not_mix_with_loss_scaling():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        with pytest.raises(
            ConfigurationError, match="Received: dtype_policy='mixed_float16'."
        ):
            transforms.EnlargeGradients()(tf.ones([2, 2]), draws())
    finally:
        keras.config.set_dtype_policy("float32")
