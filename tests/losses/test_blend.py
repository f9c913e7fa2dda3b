"""The 2014 blend of the two games, by hand; D's side is in test_minimax.py."""

import re

import numpy as np
import pytest
import tensorflow as tf

from ganzoo.errors import ConfigurationError
from ganzoo.losses.blend import Blend
from ganzoo.losses.minimax import Minimax
from ganzoo.losses.non_saturating import NonSaturating

FAKE = tf.constant(np.random.default_rng(0).normal(scale=3, size=20))


def test_generator_by_hand():
    # D(G(z)) = 3/4: (3 (-log 3/4) - 2 * 0.5 * (-log 1/4)) / (3 + 2).
    blend = Blend(3.0, 2.0, discriminator_weight=0.5)
    expected = (3 * np.log(4 / 3) - np.log(4)) / 5
    logits = tf.constant([np.log(3)], tf.float64)
    np.testing.assert_allclose(blend.generator(logits), [expected], rtol=1e-12)


@pytest.mark.parametrize(
    "blend, pure",
    [(Blend(1.0, 0.0), NonSaturating()), (Blend(0.0, 7.0), Minimax())],
)
def test_either_game_is_a_blend(blend, pure):
    np.testing.assert_allclose(
        blend.generator(FAKE), pure.generator(FAKE), rtol=1e-12
    )


@pytest.mark.parametrize("weights", [(-1.0, 2.0), (1.0, -0.5), (0.0, 0.0)])
def test_weights_must_make_a_mean(weights):
    message = (
        "`non_saturating_weight` and `minimax_weight` must not be negative, "
        "and one must be positive. Received: "
        f"non_saturating_weight={weights[0]}, minimax_weight={weights[1]}."
    )
    with pytest.raises(ConfigurationError, match=f"^{re.escape(message)}$"):
        Blend(*weights)
