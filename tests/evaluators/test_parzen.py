import json
import math
import re

import numpy as np
import pytest
from arrays import ArrayDataset, ArrayModel
from real_data import tfds_folder
from scipy.special import logsumexp
from sklearn.neighbors import KernelDensity

from ganzoo.datasets.tfds_images import Mnist
from ganzoo.errors import ConfigurationError, DataError
from ganzoo.evaluators import windows
from ganzoo.evaluators.parzen import Parzen
from ganzoo.evaluators.windows import log_likelihoods

PAPER_SIGMAS = np.logspace(-1, 0, 10)


def images(num, seed, size=6):
    """Blobs in [0, 1], float32: some near each other, some far apart."""
    numbers = np.random.default_rng(seed)
    prototypes = np.random.default_rng(0).random((5, size, size, 1))
    near = prototypes[numbers.integers(5, size=num)]
    noise = numbers.normal(scale=0.25, size=near.shape)
    return np.clip(near + noise, 0, 1).astype(np.float32)


def dataset(num_validation=40, num_test=60, **more):
    return ArrayDataset(
        train=images(10, 1),
        validation=images(num_validation, 2),
        test=images(num_test, 3),
        **more,
    )


def evaluate(evaluator, model, data):
    ((name, value, protocol),) = evaluator.run(model, data)
    assert name == "parzen_log_likelihood"
    return value, protocol


def direct_log_likelihoods(points, centres, sigma):
    """The formula of the original code by a double loop in float64."""
    points = np.reshape(points, [len(points), -1]).astype(np.float64)
    centres = np.reshape(centres, [len(centres), -1]).astype(np.float64)
    result = []
    for point in points:
        exponents = [
            -np.sum((point - centre) ** 2) / (2 * sigma**2)
            for centre in centres
        ]
        result.append(logsumexp(exponents) - math.log(len(centres)))
    normaliser = points.shape[1] * math.log(sigma * math.sqrt(2 * math.pi))
    return np.array(result) - normaliser


def test_one_centre_by_hand():
    # |x - g|^2 = 0.09 + 0.16 = 0.25, sigma = 0.5, d = 2:
    # -0.25 / 0.5 - 2 log(0.5 sqrt(2 pi)) = -0.5 + 2 log 2 - log(2 pi).
    value = log_likelihoods([[0.3, 0.4]], [[0.0, 0.0]], [0.5])
    expected = -0.5 + 2 * math.log(2) - math.log(2 * math.pi)
    np.testing.assert_allclose(value, [[expected]], atol=1e-7)


def test_two_centres_by_hand():
    # d = 1, sigma = 1, centres 0 and 2, x = 0: log((1 + e^-2) / 2) - log
    # sqrt(2 pi).
    value = log_likelihoods([[0.0]], [[0.0], [2.0]], [1.0])
    expected = math.log((1 + math.exp(-2)) / 2) - math.log(2 * math.pi) / 2
    np.testing.assert_allclose(value, [[expected]], atol=1e-7)


def test_agrees_with_a_double_loop_at_the_size_of_mnist():
    points, centres = images(15, 4, size=28), images(300, 5, size=28)
    values = log_likelihoods(
        points.reshape(15, -1), centres.reshape(300, -1), PAPER_SIGMAS
    )
    for sigma, row in zip(PAPER_SIGMAS, values, strict=True):
        expected = direct_log_likelihoods(points, centres, sigma)
        np.testing.assert_allclose(row, expected, rtol=0, atol=1e-5)


def test_agrees_with_a_double_loop_far_from_the_origin():
    # Raw spaces may have any offset; the squared norms must not drown it.
    points, centres = images(10, 4) + 1e4, images(50, 5) + 1e4
    values = log_likelihoods(
        points.reshape(10, -1), centres.reshape(50, -1), [0.1]
    )
    expected = direct_log_likelihoods(points, centres, 0.1)
    np.testing.assert_allclose(values[0], expected, rtol=0, atol=1e-5)


def test_agrees_with_scikit_learn():
    points = images(50, 4).reshape(50, -1)
    centres = images(200, 5).reshape(200, -1)
    values = log_likelihoods(points, centres, PAPER_SIGMAS)
    for sigma, row in zip(PAPER_SIGMAS, values, strict=True):
        # One leaf: summing over a tree it is wrong by tens of nats where
        # densities span many magnitudes (scikit-learn issues 7492, 25799).
        density = KernelDensity(bandwidth=sigma, leaf_size=201).fit(centres)
        np.testing.assert_allclose(
            row, density.score_samples(points), rtol=0, atol=1e-4
        )


def test_a_point_on_a_centre_and_one_far_away_stay_finite():
    centres = np.eye(4)
    values = log_likelihoods([centres[0], np.full(4, 1e3)], centres, [0.01])
    expected = direct_log_likelihoods(
        np.array([centres[0], np.full(4, 1e3)]), centres, 0.01
    )
    np.testing.assert_allclose(values[0], expected, rtol=1e-9)


def test_does_not_depend_on_block_size_or_order(monkeypatch):
    points = images(50, 4).reshape(50, -1)
    centres = images(200, 5).reshape(200, -1)
    values = log_likelihoods(points, centres, PAPER_SIGMAS)
    shuffled = log_likelihoods(points[::-1], centres[::-1], PAPER_SIGMAS)
    np.testing.assert_allclose(shuffled[:, ::-1], values, atol=1e-5)
    monkeypatch.setattr(windows, "_BLOCK_SIZE", 700)  # Three rows at a time.
    in_blocks = log_likelihoods(points, centres, PAPER_SIGMAS)
    # Which terms are negligible is decided block by block.
    np.testing.assert_allclose(in_blocks, values, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("points", "centres", "message"),
    [
        (
            np.zeros((3, 4)),
            np.zeros((5, 6)),
            "`points` and `centres` must be rows of one length. Received: "
            "shapes (3, 4) and (5, 6). Flatten examples.",
        ),
        (
            np.zeros((3, 2, 2)),
            np.zeros((5, 2, 2)),
            "`points` and `centres` must be rows of one length. Received: "
            "shapes (3, 2, 2) and (5, 2, 2). Flatten examples.",
        ),
        (
            np.zeros((3, 4)),
            np.zeros((0, 4)),
            "`points` and `centres` must be rows of one length. Received: "
            "shapes (3, 4) and (0, 4). Flatten examples.",
        ),
        (
            np.zeros((3, 4)),
            np.full((5, 4), np.nan),
            "`centres` must be finite. Received: 5 of 5 with NaN or infinity. "
            "The model diverged, or the data is damaged.",
        ),
    ],
)
def test_unusable_arrays_are_errors(points, centres, message):
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        log_likelihoods(points, centres, [0.1])


def test_protocol_says_all_that_the_number_depends_on():
    samples, data = images(80, 9), dataset()
    model = ArrayModel(samples)
    value, protocol = evaluate(Parzen(80, 30, seed=5), model, data)

    validation = data.splits["validation"][:30]
    curve = [
        direct_log_likelihoods(validation, samples, sigma).mean()
        for sigma in PAPER_SIGMAS
    ]
    sigma = PAPER_SIGMAS[np.argmax(curve)]
    scores = direct_log_likelihoods(data.splits["test"], samples, sigma)
    assert model.seeds == [5]
    assert value == pytest.approx(scores.mean(), abs=1e-4)
    assert json.loads(json.dumps(protocol)) == protocol
    assert protocol.pop("sigma") == pytest.approx(sigma)
    assert protocol.pop("sigmas") == pytest.approx(PAPER_SIGMAS.tolist())
    assert protocol.pop("standard_error") == pytest.approx(
        scores.std(ddof=1) / math.sqrt(60), abs=1e-4
    )
    np.testing.assert_allclose(
        protocol.pop("validation_curve"),
        np.stack([PAPER_SIGMAS, curve], axis=1),
        atol=1e-4,
    )
    assert protocol == {
        "num_samples": 80,
        "num_validation": 30,
        "num_test": 60,
        "seed": 5,
        "split": "test",
        "sigma_split": "validation",
        "sigma_on_grid_edge": False,
        "space": "[0, 1]",
        "dimensions": 36,
        "better": "higher",
        "outcomes": ["sigma", "sigma_on_grid_edge", "validation_curve"],
    }


def test_a_stopping_rule_never_sees_the_test_set():
    samples, data = images(80, 9), dataset()
    chosen_on = data.splits["validation"][:30]
    del data.splits["test"]
    evaluator = Parzen(80, 30, split="validation")
    value, protocol = evaluate(evaluator, ArrayModel(samples), data)

    scores = direct_log_likelihoods(chosen_on, samples, protocol["sigma"])
    assert value == pytest.approx(scores.mean(), abs=1e-4)
    assert value == max(mean for _, mean in protocol["validation_curve"])
    assert protocol["standard_error"] == pytest.approx(
        scores.std(ddof=1) / math.sqrt(30), abs=1e-4
    )
    assert protocol["split"] == "validation"
    assert protocol["num_validation"] == 30
    assert "num_test" not in protocol


def test_scores_pixels_and_not_the_networks_range():
    data = dataset()
    expected, _ = evaluate(Parzen(80), ArrayModel(images(80, 9)), data)
    stretched = dataset()
    stretched.value_range = (-1.0, 1.0)
    stretched.to_unit = lambda samples: (samples + 1) / 2
    for split in stretched.splits:
        stretched.splits[split] = stretched.splits[split] * 2 - 1
    model = ArrayModel(images(80, 9) * 2 - 1)
    value, protocol = evaluate(Parzen(80), model, stretched)
    assert value == pytest.approx(expected, abs=1e-4)
    assert protocol["space"] == "[0, 1]"


def test_no_images_are_scored_in_their_own_space():
    data = dataset()
    data.to_unit = None
    _, protocol = evaluate(Parzen(80), ArrayModel(images(80, 9)), data)
    assert protocol["space"] == "raw"


def test_fewer_validation_examples_than_asked_for_are_counted():
    data = dataset(num_validation=25)
    _, protocol = evaluate(
        Parzen(80, num_validation=1_000), ArrayModel(images(80, 9)), data
    )
    assert protocol["num_validation"] == 25


def test_folds_choose_their_own_sigma_and_are_averaged():
    samples, data = images(80, 9), dataset()
    folds = [
        ArrayDataset(
            validation=np.clip(images(20 + fold, fold) + 0.1 * fold, 0, 1),
            test=images(30 + fold, 10 + fold),
        )
        for fold in range(3)
    ]
    data.folds = lambda: folds
    # 5 would be too few for a fold's sigma: folds use all they have.
    value, protocol = evaluate(Parzen(80, 5), ArrayModel(samples), data)

    alone = [
        evaluate(Parzen(80, 1_000), ArrayModel(samples), fold) for fold in folds
    ]
    means = [mean for mean, _ in alone]
    assert value == pytest.approx(np.mean(means))
    assert protocol["fold_log_likelihoods"] == pytest.approx(means)
    assert protocol["standard_error"] == pytest.approx(
        np.std(means, ddof=1) / math.sqrt(3)
    )
    assert protocol["num_validation"] == [20, 21, 22]
    assert protocol["num_test"] == [30, 31, 32]
    for key in ("sigma", "sigma_on_grid_edge", "validation_curve"):
        assert protocol[key] == [one[key] for _, one in alone]
    assert json.loads(json.dumps(protocol)) == protocol


@pytest.mark.parametrize(
    ("min_sigma", "max_sigma", "edge"), [(0.5, 1.0, "0.5"), (0.01, 0.1, "0.1")]
)
def test_warns_where_sigma_is_on_the_edge(min_sigma, max_sigma, edge):
    evaluator = Parzen(80, min_sigma=min_sigma, max_sigma=max_sigma)
    message = (
        f"`parzen` chose sigma={edge} on the edge of its grid [{min_sigma}, "
        f"{max_sigma}]. Widen the grid, or read the value as a lower bound."
    )
    _, protocol = evaluate(evaluator, ArrayModel(images(80, 9)), dataset())
    assert protocol["sigma_on_grid_edge"]
    assert protocol["warnings"] == [message]


def test_baselines_are_the_same_estimate_around_other_centres():
    data = dataset()
    train = data.splits["train"].reshape(10, -1)
    results = {
        name: (value, protocol)
        for name, value, protocol in Parzen(6, 30, seed=4).baselines(data)
    }
    value, protocol = results["training_examples"]
    assert protocol["num_samples"] == 6
    assert protocol["of"] == "parzen_log_likelihood"
    assert f"({value:.1f})" in protocol["if_exceeded"]
    assert "prototypes" in protocol["if_exceeded"]
    chosen = np.random.default_rng(4).choice(10, 6, replace=False)
    alone, _ = evaluate(
        Parzen(6, 30), ArrayModel(data.splits["train"][np.sort(chosen)]), data
    )
    assert value == pytest.approx(alone)
    pale = train[np.sort(chosen)] * 0.8 + train.mean(axis=0) * 0.2
    alone, _ = evaluate(
        Parzen(6, 30), ArrayModel(pale.reshape(6, 6, 6, 1).astype("f")), data
    )
    value, protocol = results["faded_training_examples"]
    assert value == pytest.approx(alone, rel=1e-6)
    assert protocol["of"] == "parzen_log_likelihood"
    # At most one centre for every five examples; two of ten.
    assert results["k_means_centres"][1]["num_samples"] == 2
    # The mean and its spread: an isotropic Gaussian fitted by hand.
    spread = np.sqrt(np.var(train.astype(np.float64), axis=0).mean())
    expected = direct_log_likelihoods(
        data.splits["test"], train.mean(axis=0, dtype=np.float64)[None], spread
    )
    value, protocol = results["mean_example"]
    assert protocol["sigma"] == pytest.approx(spread)
    assert value == pytest.approx(expected.mean(), abs=1e-4)
    assert json.loads(json.dumps(results["mean_example"][1])) == protocol


def test_k_means_centres_are_the_clusters_of_the_training_set():
    numbers = np.random.default_rng(0)
    corners = np.array([[0.1, 0.1], [0.9, 0.9]])
    points = corners[np.arange(50) % 2] + numbers.normal(
        scale=0.01, size=(50, 2)
    )
    data = ArrayDataset(train=points, validation=points, test=points)
    data.to_unit = None
    evaluator = Parzen(50, num_k_means_centres=2, min_sigma=0.01, max_sigma=0.1)
    results = {name: value for name, value, _ in evaluator.baselines(data)}
    direct = [
        direct_log_likelihoods(
            points, [points[0::2].mean(0), points[1::2].mean(0)], sigma
        ).mean()
        for sigma in np.geomspace(0.01, 0.1, 10)
    ]
    assert results["k_means_centres"] == pytest.approx(max(direct), abs=1e-4)


def test_finer_grid_holds_the_coarse_one_and_scores_no_worse():
    model, data = ArrayModel(images(80, 9)), dataset()
    _, coarse = evaluate(Parzen(80), model, data)
    _, fine = evaluate(Parzen(80, num_sigmas=91), model, data)
    np.testing.assert_allclose(fine["sigmas"][::10], coarse["sigmas"])
    best = [
        max(likelihood for _, likelihood in protocol["validation_curve"])
        for protocol in (coarse, fine)
    ]
    assert best[1] > best[0]


def test_one_sigma_is_fixed_and_no_edge():
    evaluator = Parzen(80, num_sigmas=1, min_sigma=0.05, max_sigma=0.05)
    _, protocol = evaluate(evaluator, ArrayModel(images(80, 9)), dataset())
    assert protocol["sigma"] == 0.05
    assert not protocol["sigma_on_grid_edge"]
    assert "warnings" not in protocol


def test_missing_split_is_the_data_sets_own_error():
    data = ArrayDataset(train=images(10, 1), validation=images(10, 2))
    with pytest.raises(DataError, match=re.escape("No split 'test'.")):
        evaluate(Parzen(80), ArrayModel(images(80, 9)), data)


def test_a_single_test_example_has_no_standard_error():
    message = (
        "A standard error needs at least two examples or folds. Received: 1. "
        "Evaluate on a larger test split."
    )
    with pytest.raises(DataError, match=re.escape(message)):
        evaluate(Parzen(80), ArrayModel(images(80, 9)), dataset(num_test=1))


def test_too_few_samples_are_an_error():
    with pytest.raises(DataError, match=re.escape("must be 10000 in number")):
        evaluate(Parzen(), ArrayModel(images(80, 9)), dataset())


@pytest.mark.parametrize(
    "name",
    ["num_samples", "num_validation", "num_sigmas", "num_k_means_centres"],
)
def test_counts_must_be_positive(name):
    message = f"`{name}` must be at least 1. Received: {name}=0."
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        Parzen(**{name: 0})


@pytest.mark.parametrize(
    "grid",
    [
        {"min_sigma": 0.0},
        {"min_sigma": -1.0},
        {"min_sigma": 1.0},
        {"min_sigma": float("nan")},
        {"num_sigmas": 1},
    ],
)
def test_grid_must_make_sense(grid):
    settings = {"min_sigma": 0.1, "max_sigma": 1.0, "num_sigmas": 10} | grid
    message = (
        "`min_sigma` must be positive and less than `max_sigma`, or equal to "
        "it where `num_sigmas` is 1. Received: "
        + ", ".join(f"{name}={value}" for name, value in settings.items())
        + "."
    )
    with pytest.raises(ConfigurationError, match=f"^{re.escape(message)}$"):
        Parzen(**grid)


def test_another_split_is_refused():
    message = (
        '`split` must be "test" or "validation". Received: split=\'train\'.'
    )
    with pytest.raises(ConfigurationError, match=f"^{re.escape(message)}$"):
        Parzen(split="train")


@pytest.mark.slow
def test_real_training_images_score_what_others_measured():
    # A separate script of the same protocol gave 243.6 +- 2.1; Theis et al.
    # 2016 report 243.
    mnist = Mnist(data_dir=tfds_folder("mnist"))
    model = ArrayModel(mnist.examples("train")[:10_000], batch_size=500)
    value, protocol = evaluate(Parzen(), model, mnist)
    assert value == pytest.approx(243.6, abs=0.1)
    assert protocol["standard_error"] == pytest.approx(2.1, abs=0.05)
    assert protocol["sigma"] == pytest.approx(0.1668, abs=1e-4)
