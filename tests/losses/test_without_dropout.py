"""G judged by a D that drops nothing, in a step and by hand."""

import re

import numpy as np
import pytest
from test_gan import BATCH, WIDTH, NumpyGame, game, play, z_of

from ganzoo.errors import ConfigurationError
from ganzoo.gan import alternating, simultaneous
from ganzoo.losses.non_saturating import NonSaturating
from ganzoo.losses.without_dropout import WithoutDropout

REAL = np.random.default_rng(0).normal(size=[BATCH, 1, WIDTH])


@pytest.mark.slow
@pytest.mark.parametrize("rule", [alternating, simultaneous])
def test_g_sees_no_masks_and_d_does(rule):
    loss = [WithoutDropout(NonSaturating())]
    gan = game(rule, loss, dropout=0.5)
    plain = game(rule, [NonSaturating()], dropout=0.5)
    by_hand = NumpyGame(gan, half=1.0, saturating=False)
    batch = np.float32(REAL)
    play(gan, [batch])
    play(plain, [batch])
    for ours, theirs in zip(
        gan.discriminator.weights, plain.discriminator.weights, strict=True
    ):
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), atol=1e-6)
    if rule is alternating:  # D has moved before G.
        by_hand.theta["d"] = [
            np.float64(w.numpy()) for w in gan.discriminator.weights
        ]
    purpose = "generator" if rule is alternating else "both"
    by_hand.apply("g", by_hand.g_gradients(z_of(gan, 0, purpose)))
    for ours, theirs in zip(
        gan.generator.weights, by_hand.theta["g"], strict=True
    ):
        np.testing.assert_allclose(ours.numpy(), theirs, atol=1e-5)


def test_what_is_no_loss_is_named():
    message = (
        "`loss` of `losses.without_dropout` must have a method "
        "`discriminator`. Received: int."
    )
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        WithoutDropout(3)
