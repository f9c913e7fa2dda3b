"""What G maximises in practice, by hand; D's side is in test_minimax.py."""

import numpy as np
import pytest
import tensorflow as tf

from ganzoo.losses.non_saturating import NonSaturating


@pytest.mark.parametrize("probability", [0.01, 0.25, 0.5, 0.99])
def test_generator_minimises_minus_log_d(probability):
    logit = np.log(probability / (1 - probability))
    value = NonSaturating(discriminator_weight=0.5).generator(
        tf.constant([logit], tf.float64)
    )
    np.testing.assert_allclose(value, [-np.log(probability)], rtol=1e-12)
