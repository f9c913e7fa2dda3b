import math
import re

import numpy as np
import pytest
from arrays import ArrayDataset, ArrayModel
from scipy import integrate, stats
from scipy.spatial import distance

from ganzoo.datasets.densities import Gaussian, GaussianRing
from ganzoo.errors import ConfigurationError, DataError
from ganzoo.evaluators.divergence import Divergence, jensen_shannon

DATA, MODEL = stats.norm(0, 1), stats.norm(1.5, 0.7)
NUM = 40_000


class Game(ArrayModel):
    """Samples of MODEL, and a discriminator."""

    def __init__(self, logit):
        numbers = np.random.default_rng(0)
        super().__init__(MODEL.rvs((NUM, 1), random_state=numbers), 10_000)
        self.logit = logit

    def discriminate(self, samples):
        return self.logit(np.asarray(samples, np.float64)[:, 0])


def evaluate(model, data):
    results = list(Divergence(num_samples=NUM).run(model, data))
    return {name: (value, protocol) for name, value, protocol in results}


def true_divergence():
    def term(x, one):
        return one.pdf(x) * np.log(
            2 * one.pdf(x) / (DATA.pdf(x) + MODEL.pdf(x))
        )

    return sum(
        integrate.quad(term, -8, 8, args=(one,))[0] / 2 for one in (DATA, MODEL)
    )


def test_agrees_with_an_integral():
    results = evaluate(Game(DATA.logpdf), Gaussian())
    value, protocol = results["jensen_shannon_divergence"]
    # Within bins of a quarter deviation, densities are nearly straight.
    assert value == pytest.approx(true_divergence(), abs=0.003)
    assert protocol["noise_floor"] < 0.001


def test_the_optimal_discriminator_reaches_theorem_1():
    # D* = p / (p + q): its logit is log p - log q.
    results = evaluate(
        Game(lambda x: DATA.logpdf(x) - MODEL.logpdf(x)), Gaussian()
    )
    value, protocol = results["value_function"]
    expected = -math.log(4) + 2 * true_divergence()
    assert abs(value - expected) < 4 * protocol["standard_error"]
    assert abs(results["value_function_gap"][0]) < 0.02


def test_a_discriminator_that_knows_nothing_is_at_minus_log_4():
    results = evaluate(Game(np.zeros_like), Gaussian())
    assert results["value_function"][0] == pytest.approx(-math.log(4))
    assert results["value_function_gap"][0] == pytest.approx(
        2 * results["jensen_shannon_divergence"][0]
    )


def test_data_against_itself_is_at_the_noise_floor_in_two_dimensions():
    ring = GaussianRing(num_modes=4, scale=0.2, num_examples=NUM)
    model = ArrayModel(ring.examples("train"), 10_000)
    value, protocol = evaluate(model, ring)["jensen_shannon_divergence"]
    assert value == pytest.approx(protocol["noise_floor"], rel=0.1)
    assert value < 0.02


def test_samples_far_off_are_at_log_2():
    model = ArrayModel(np.full((NUM, 1), 99.0), 10_000)
    results = evaluate(model, Gaussian())
    value, _ = results["jensen_shannon_divergence"]
    assert value == pytest.approx(math.log(2))
    assert "value_function" not in results


def test_jensen_shannon_by_hand():
    # p = (1, 0), q = (1/2, 1/2), mean (3/4, 1/4).
    expected = (math.log(4 / 3) + 0.5 * math.log(2 / 3) + 0.5 * math.log(2)) / 2
    value = jensen_shannon(np.array([1.0, 0.0]), np.array([0.5, 0.5]))
    assert value == pytest.approx(expected)


def test_jensen_shannon_agrees_with_scipy():
    p, q = np.random.default_rng(0).dirichlet(np.ones(50), size=2)
    p[:10], q[20:30] = 0, 0
    p, q = p / p.sum(), q / q.sum()
    expected = distance.jensenshannon(p, q) ** 2
    assert jensen_shannon(p, q) == pytest.approx(expected, rel=1e-12)
    assert jensen_shannon(p, p) == 0


def test_needs_a_density_in_closed_form():
    message = (
        "`divergence` needs a mixture in closed form of one or two "
        "dimensions. Received: ArrayDataset. Use it with `gaussian`, "
        "`gaussian_ring` or `gaussian_grid`."
    )
    data = ArrayDataset(train=np.zeros((3, 2)))
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        evaluate(ArrayModel(np.zeros((3, 2))), data)


def test_counts_must_make_sense():
    message = "`bins_per_scale` must be at least 1. Received: bins_per_scale=0."
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        Divergence(bins_per_scale=0)
