"""The paper's section 4 on densities known in closed form.

G stays what it is, D is trained, and integrals over a grid say how far D is
from the optimum that the paper derives.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from ganzoo import latents, pipeline
from ganzoo.datasets.densities import Gaussian
from ganzoo.discriminators.maxout_mlp import build_discriminator
from ganzoo.gan import Gan, alternating
from ganzoo.losses.minimax import Minimax
from ganzoo.optimizers import SGD
from ganzoo.sampling import Sampler
from ganzoo.schedules import ExponentialDecay

NUM_STEPS = 800
BATCH = 256
GRID = np.linspace(-9, 9, 4_001)


def train_discriminator(scale: float, shift: float) -> Gan:
    """D against p_data = N(0, 1) and the fixed p_g = N(shift, scale^2)."""
    keras.utils.set_random_seed(3)
    z = keras.Input((1,))
    generator = keras.Model(z, keras.layers.Dense(1)(z))
    affine = [np.array([[scale]]), np.array([shift])]
    generator.layers[-1].set_weights(affine)
    discriminator = build_discriminator(
        (1,),
        hidden_units=(32, 32),
        num_pieces=4,
        input_dropout=0.0,
        hidden_dropout=0.0,
        init_range=0.3,
    )
    gan = Gan(generator, discriminator, latents.Gaussian(1), seed=5)
    gan.compile(
        generator_optimizer=SGD(0.0),  # Nothing moves G.
        discriminator_optimizer=keras.optimizers.Adam(
            ExponentialDecay(1e-2, 1.005)
        ),
        losses=[Minimax()],
        update_rule=alternating,
    )
    examples = Gaussian(num_examples=200_000).examples("train")
    batches = pipeline.batches(examples, BATCH, seed=1)
    gan.make_step_loop()(iter(batches), tf.constant(NUM_STEPS))
    assert int(gan.step.numpy()) == NUM_STEPS
    weight, bias = generator.layers[-1].get_weights()
    assert (weight.item(), bias.item()) == (scale, shift)
    return gan


def integral(values: np.ndarray) -> float:
    return float(np.trapezoid(values, GRID))


@pytest.mark.parametrize(
    ("scale", "shift"),
    [(1.0, 0.0), pytest.param(1.5, -1.0, marks=pytest.mark.slow)],
)
def test_discriminator_reaches_the_optimum(scale, shift):
    gan = train_discriminator(scale, shift)
    p = stats.norm.pdf(GRID)
    p_g = stats.norm.pdf(GRID, shift, scale)
    mixture = (p + p_g) / 2
    logits = Sampler(gan).discriminate(GRID[:, None].astype(np.float32))
    log_d = -np.logaddexp(0, -np.float64(logits))
    log_not_d = -np.logaddexp(0, np.float64(logits))

    # Proposition 1: D*(x) = p(x) / (p(x) + p_g(x)).
    error = integral(mixture * np.abs(np.exp(log_d) - p / (p + p_g)))
    assert error < 0.02

    # Theorem 1: max_D V(D, G) = -log 4 + 2 JSD(p || p_g), and no D does better.
    jsd = 0.5 * integral(p * np.log(p / mixture)) + 0.5 * integral(
        p_g * np.log(p_g / mixture)
    )
    value = integral(p * log_d) + integral(p_g * log_not_d)
    optimum = -np.log(4) + 2 * jsd
    assert value <= optimum + 1e-6
    assert value == pytest.approx(optimum, abs=0.005)


def test_the_known_divergences():
    """The quadrature itself, against values that need none."""
    p = stats.norm.pdf(GRID)
    assert integral(p) == pytest.approx(1, abs=1e-9)
    far = stats.norm.pdf(GRID, 6, 0.1)  # Disjoint: JSD is log 2.
    mixture = (p + far) / 2
    tiny = np.finfo(float).tiny
    jsd = 0.5 * integral(p * np.log((p + tiny) / mixture)) + 0.5 * integral(
        far * np.log((far + tiny) / mixture)
    )
    assert jsd == pytest.approx(np.log(2), abs=1e-3)
