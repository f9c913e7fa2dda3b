"""When a player moves: the 2014 code's patterns, and their effect on a step."""

import re

import numpy as np
import pytest
from test_gan import (
    BATCH,
    MOMENTUM,
    RATE,
    WIDTH,
    NumpyGame,
    assert_same,
    game,
    play,
    z_of,
)

from ganzoo import pacing
from ganzoo.errors import ConfigurationError
from ganzoo.gan import simultaneous
from ganzoo.losses.non_saturating import NonSaturating
from ganzoo.optimizers import SGD
from ganzoo.schedules import LinearRamp
from ganzoo.update_rules import GeneratorSteps


def factors(pace, num=8):
    return [float(pace(np.int64(step))) for step in range(num)]


def test_patterns():
    assert factors(pacing.Constant()) == [0] * 8
    assert factors(pacing.Delayed(3, value=0.5)) == [0] * 3 + [0.5] * 5
    # Cycler(3): at updates i with (i + 1) mod 3 = 0.
    assert factors(pacing.Every(3)) == [0, 0, 1, 0, 0, 1, 0, 0]
    # alternate_g: starts at 1 and is turned over after each batch.
    assert factors(pacing.Every(2, first=True)) == [1, 0] * 4
    # Epochs of four: D alone, then G in place of each third step.
    turns = pacing.AlternatingEpochs(4, discriminator_steps=2)
    assert factors(turns, 12) == [0] * 4 + [0, 0, 1, 0] + [0] * 4
    rests = pacing.AlternatingEpochs(4, discriminator_steps=2, rests=True)
    assert factors(rests, 12) == [1 - f for f in factors(turns, 12)]


@pytest.fixture
def real():
    rng = np.random.default_rng(0)
    return rng.normal(size=[4, BATCH, 1, WIDTH]).astype(np.float32)


def paced_game(**paces):
    gan = game(simultaneous, [NonSaturating()])
    return gan.compile(
        SGD(RATE, MOMENTUM),
        SGD(RATE, MOMENTUM),
        [NonSaturating()],
        update_rule=simultaneous,
        paces=paces,
    )


@pytest.mark.parametrize(
    ("d_pace", "g_pace"),
    [
        (None, pacing.Every(2, first=True)),
        (LinearRamp(0.0, 1.0, 1, saturation_epoch=3), pacing.Delayed(2, 2.0)),
    ],
)
def test_gradients_are_multiplied_and_momentum_moves_on(real, d_pace, g_pace):
    gan = paced_game(discriminator=d_pace, generator=g_pace)
    by_hand = NumpyGame(gan, half=1.0, saturating=False)
    d_factors = factors(d_pace, 4) if d_pace else [1.0] * 4
    for step, batch in enumerate(np.float64(real[:, :, 0])):
        z = z_of(gan, step, "both")
        d_gradients = by_hand.d_gradients(batch, z)
        g_gradients = by_hand.g_gradients(z)
        by_hand.apply("d", [d_factors[step] * part for part in d_gradients])
        factor = factors(g_pace, 4)[step]
        by_hand.apply("g", [factor * part for part in g_gradients])
    play(gan, real)
    assert_same(gan, by_hand)


def test_a_player_that_never_moves(real):
    gan = paced_game(generator=pacing.Constant())
    before = gan.generator.get_weights()
    play(gan, real)
    for a, b in zip(before, gan.generator.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_several_steps_of_g_in_a_round(real):
    gan = game(GeneratorSteps(3), [NonSaturating()])
    by_hand = NumpyGame(gan, half=1.0, saturating=False)
    for step, batch in enumerate(np.float64(real[:, :, 0])):
        z = z_of(gan, step, "discriminator/0")
        by_hand.apply("d", by_hand.d_gradients(batch, z))
        for i in range(3):
            z = z_of(gan, step, f"generator/{i}")
            by_hand.apply("g", by_hand.g_gradients(z))
    play(gan, real)
    assert int(gan.step.numpy()) == len(real)
    assert_same(gan, by_hand)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: pacing.Constant(-0.5),
            "`value` must not be negative. Received: value=-0.5.",
        ),
        (
            lambda: pacing.Delayed(0),
            "`num_steps` must be at least 1. Received: num_steps=0.",
        ),
        (
            lambda: pacing.Every(2.5),
            "`period_steps` must be an integer. Received: period_steps=2.5.",
        ),
        (
            lambda: pacing.AlternatingEpochs(500, discriminator_steps=0),
            "`discriminator_steps` must be at least 1. Received: "
            "discriminator_steps=0.",
        ),
        (
            lambda: GeneratorSteps(0),
            "`num_steps` must be a positive integer. Received: num_steps=0.",
        ),
    ],
)
def test_what_cannot_be_meant(make, message):
    with pytest.raises(ConfigurationError, match=f"^{re.escape(message)}$"):
        make()
