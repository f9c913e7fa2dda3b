import math
import re

import numpy as np
import pytest
from arrays import ArrayDataset, ArrayModel
from scipy import integrate

from ganzoo.errors import ConfigurationError, DataError
from ganzoo.evaluators.modes import Modes

CORNERS = np.array([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]])
SCALE = 0.1


def mixture(means=CORNERS, scale=SCALE):
    data = ArrayDataset(train=np.zeros((1, means.shape[1])))
    data.value_range, data.to_unit = None, None
    data.means, data.scale = means, scale
    return data


def draws(mode_indices, scale=SCALE, means=CORNERS, seed=0):
    noise = np.random.default_rng(seed).normal(
        size=(len(mode_indices), means.shape[1])
    )
    return means[mode_indices] + scale * noise


def evaluate(samples, data=None, **settings):
    results = list(
        Modes(num_samples=len(samples), **settings).run(
            ArrayModel(samples), data or mixture()
        )
    )
    return {name: value for name, value, _ in results}, results[0][2]


def test_the_true_mixture_passes_every_test():
    results, protocol = evaluate(draws(np.arange(40_000) % 4), seed=7)
    assert results["modes_found"] == 4
    # 1 - exp(-9/2): the share of a 2-D Gaussian within three of its scales.
    assert protocol["true_good_share"] == pytest.approx(1 - math.exp(-4.5))
    assert results["modes_good_share"] == pytest.approx(
        1 - math.exp(-4.5), abs=0.003
    )
    assert results["modes_smallest_share"] == pytest.approx(0.247, abs=0.002)
    assert results["modes_kl_divergence"] == pytest.approx(0, abs=1e-4)
    assert results["modes_spread_ratio"] == pytest.approx(1, abs=0.01)
    assert results["modes_smallest_spread_ratio"] == pytest.approx(1, abs=0.03)
    assert results["modes_largest_spread_ratio"] == pytest.approx(1, abs=0.03)
    assert protocol == {
        "num_samples": 40_000,
        "seed": 7,
        "min_share": 0.01,
        "good_radius": 3.0,
        "num_modes": 4,
        "scale": SCALE,
        "dimensions": 2,
        "true_good_share": protocol["true_good_share"],
    }


def test_counts_by_hand():
    # Of ten: six near mode 0, one of them 3.1 scales off; three at mode 1; one
    # at mode 3.
    samples = np.concatenate(
        [
            CORNERS[[0] * 5] + [[0.01 * SCALE * i, 0] for i in range(5)],
            CORNERS[[0]] + [[3.1 * SCALE, 0]],
            CORNERS[[1] * 3] + [[0, 0.1 * SCALE * i] for i in range(3)],
            CORNERS[[3]] + [[2.9 * SCALE, 0]],
        ]
    )
    results, _ = evaluate(samples, min_share=0.2)
    assert results["modes_found"] == 2
    assert results["modes_good_share"] == pytest.approx(0.9)
    assert results["modes_smallest_share"] == 0
    kl = sum(q * math.log(4 * q) for q in (0.6, 0.3, 0.1))
    assert results["modes_kl_divergence"] == pytest.approx(kl)
    # Variances, over both dimensions: 2.5 and 100 (times 1e-4 scale^2) in one
    # dimension of two; 4 and 2 degrees of freedom.
    truncated = integrate.quad(lambda r: r**3 * math.exp(-(r**2) / 2), 0, 3)
    truncated = truncated[0] / 2 / (1 - math.exp(-4.5))
    for name, variance in [
        ("modes_smallest_spread_ratio", 2.5e-4 / 2),
        ("modes_largest_spread_ratio", 100e-4 / 2),
        ("modes_spread_ratio", (2.5e-4 * 4 + 100e-4 * 2) / 6 / 2),
    ]:
        expected = math.sqrt(variance / truncated)
        assert results[name] == pytest.approx(expected), name


@pytest.mark.parametrize("ratio", [0.5, 0.8, 1.1])
def test_spread_is_measured_where_it_differs(ratio):
    results, _ = evaluate(draws(np.arange(20_000) % 4, scale=ratio * SCALE))
    assert results["modes_spread_ratio"] == pytest.approx(ratio, rel=0.05)


def test_modes_collapsed_to_points_off_centre_have_no_spread():
    samples = CORNERS[np.arange(1_000) % 4] + SCALE
    results, _ = evaluate(samples)
    assert results["modes_found"] == 4
    assert results["modes_spread_ratio"] == pytest.approx(0, abs=1e-6)


def test_collapse_to_one_mode_shows():
    results, _ = evaluate(draws(np.zeros(5_000, int)))
    assert results["modes_found"] == 1
    assert results["modes_smallest_share"] == 0
    assert results["modes_kl_divergence"] == pytest.approx(math.log(4))


def test_where_no_mode_is_found_there_is_no_spread():
    results, _ = evaluate(np.zeros((1_000, 2)))
    assert set(results) == {
        "modes_found",
        "modes_good_share",
        "modes_smallest_share",
        "modes_kl_divergence",
    }
    assert results["modes_found"] == results["modes_good_share"] == 0


def test_one_dimension_and_one_mode():
    means = np.array([[4.0]])
    results, protocol = evaluate(
        draws(np.zeros(20_000, int), means=means), mixture(means)
    )
    assert results["modes_found"] == 1
    assert results["modes_kl_divergence"] == 0
    assert results["modes_spread_ratio"] == pytest.approx(1, abs=0.02)
    assert protocol["true_good_share"] == pytest.approx(
        math.erf(3 / math.sqrt(2))
    )


def test_needs_a_mixture_in_closed_form():
    message = (
        "`modes` needs a mixture in closed form, a data set with `means` and "
        "`scale`, or one with labels. Received: ArrayDataset. Use it with "
        "`gaussian_ring` or `mnist`."
    )
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        evaluate(
            np.zeros((10, 2)),
            ArrayDataset(train=np.zeros((1, 2))),
            min_share=0.5,
        )


def test_samples_that_are_not_finite_are_an_error():
    samples = draws(np.arange(1_000) % 4)
    samples[3, 1] = np.nan
    with pytest.raises(DataError, match=re.escape("Received: 1 of 1000 with")):
        evaluate(samples)


@pytest.mark.parametrize(
    ("num_samples", "min_share"), [(100, 0.01), (100, 1.5), (100, -0.1)]
)
def test_min_share_must_make_two_samples(num_samples, min_share):
    message = (
        "`min_share` must be at most 1 and make at least two samples. "
        f"Received: min_share={min_share}, num_samples={num_samples}."
    )
    with pytest.raises(ConfigurationError, match=f"^{re.escape(message)}$"):
        Modes(num_samples, min_share)
