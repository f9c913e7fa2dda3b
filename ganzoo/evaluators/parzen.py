"""Log-likelihood under a Gaussian Parzen window, as in the 2014 paper."""

import math
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from ganzoo.errors import ConfigurationError, DataError
from ganzoo.evaluators.samples import (
    comparison_space,
    draw_samples,
    split_vectors,
    to_vectors,
)
from ganzoo.evaluators.windows import log_likelihoods

# Share of the mean in training examples that stand for pale samples.
_FADING = 0.2
# Entries of the protocol that are found, not chosen.
_OUTCOMES = (
    "sigma",
    "sigma_on_grid_edge",
    "validation_curve",
    "fold_log_likelihoods",
)


class Parzen:
    """Log-likelihood of held-out data under Parzen windows of samples, in nats.

    log p(x) = log mean_j exp(-|x - g_j|^2 / (2 sigma^2))
               - d log(sigma sqrt(2 pi)),

    with the samples g_j as centres: Goodfellow et al. 2014, section 5, after
    Breuleux et al. 2011. Sigma is the one of a logarithmic grid under which the
    validation set is likeliest. Higher is better, with a grain of salt: the
    value depends on every entry of the protocol, and centres that are
    prototypes (k-means) exceed real images as centres (Theis et al. 2016).

    The value is the mean over the split, its standard error
    std / sqrt(number). Where the data set has `folds()`, sigma is chosen for
    each fold on the whole of its validation split, the value is the mean of the
    folds' means, and the standard error is across the folds (Table 1).

    The default grid is the original code's. `num_sigmas=91` is the finer one:
    it splits each of its intervals into ten.

    Whatever chooses among checkpoints must not see the test set: for that,
    `split="validation"` scores the validation examples that chose sigma.

    Beside the value stand those of four other sets of centres: as many training
    examples, the same moved by a fifth towards their mean (faded), k-means
    centres of the training set, and its mean, a single one with the spread
    around it as sigma. A model above the training examples has prototypes for
    samples, or paler ones, not better ones.

    Args:
        num_samples: Centres to draw from the model.
        num_validation: Sigma is chosen on at most so many validation examples,
            the first ones. Without effect on folds.
        num_sigmas: Entries of the grid. 1 fixes sigma.
        min_sigma: Least sigma, in units of the space of comparison.
        max_sigma: Greatest sigma.
        num_k_means_centres: Of the baseline; at most one for every five
            training examples.
        seed: Seed of the samples.
        split: "test", or "validation" to choose among checkpoints by.

    Yields:
        ("parzen_log_likelihood", value in nats, protocol), with the protocol's
            standard_error         in nats
            better                 "higher"
            outcomes               those of the following that are found
            sigma                  the one chosen
            sigma_on_grid_edge     True if a wider grid might have done better
            sigmas                 the grid
            validation_curve       [[sigma, mean log-likelihood], ...]
            num_samples, num_validation, seed
            num_test               if the test split was scored
            split, sigma_split     what was scored, what chose sigma
            space                  "[0, 1]" for images, else "raw"
            dimensions             numbers in one example
        With folds, sigma, sigma_on_grid_edge, validation_curve, num_validation
        and num_test are lists, one entry per fold, and fold_log_likelihoods
        are the folds' means.

    Raises:
        ConfigurationError: If a count or the grid makes no sense.
        DataError: If samples or splits cannot be used.
    """

    def __init__(
        self,
        num_samples: int = 10_000,
        num_validation: int = 1_000,
        num_sigmas: int = 10,
        min_sigma: float = 0.1,
        max_sigma: float = 1.0,
        num_k_means_centres: int = 1_000,
        seed: int = 0,
        split: str = "test",
    ):
        for name, count in [
            ("num_samples", num_samples),
            ("num_validation", num_validation),
            ("num_sigmas", num_sigmas),
            ("num_k_means_centres", num_k_means_centres),
        ]:
            if count < 1:
                raise ConfigurationError(
                    f"`{name}` must be at least 1. Received: {name}={count}."
                )
        is_point = num_sigmas == 1 and min_sigma == max_sigma
        is_grid = num_sigmas > 1 and min_sigma < max_sigma
        if not (min_sigma > 0 and (is_point or is_grid)):
            raise ConfigurationError(
                "`min_sigma` must be positive and less than `max_sigma`, or "
                "equal to it where `num_sigmas` is 1. Received: "
                f"min_sigma={min_sigma}, max_sigma={max_sigma}, "
                f"num_sigmas={num_sigmas}."
            )
        if split not in ("test", "validation"):
            raise ConfigurationError(
                '`split` must be "test" or "validation". Received: '
                f"split={split!r}."
            )
        self.num_samples = num_samples
        self.num_validation = num_validation
        self.num_sigmas = num_sigmas
        self.min_sigma = min_sigma
        self.max_sigma = max_sigma
        self.num_k_means_centres = num_k_means_centres
        self.seed = seed
        self.split = split

    def run(
        self, model: Any, dataset: Any
    ) -> Iterator[tuple[str, float, dict[str, Any]]]:
        """Scores `model` on its split, or on each fold's."""
        samples = draw_samples(model, dataset, self.num_samples, self.seed)
        value, protocol = self._evaluate(to_vectors(dataset, samples), dataset)
        if np.any(protocol["sigma_on_grid_edge"]):
            protocol["warnings"] = [
                f"`parzen` chose sigma={_text(protocol['sigma'])} on the edge "
                f"of its grid [{self.min_sigma}, {self.max_sigma}]. Widen the "
                "grid, or read the value as a lower bound."
            ]
        yield "parzen_log_likelihood", value, {**protocol, "better": "higher"}

    def baselines(
        self, dataset: Any
    ) -> Iterator[tuple[str, float, dict[str, Any]]]:
        """The same about sets of centres that no model made."""
        from sklearn.cluster import KMeans  # Takes a second.

        train = split_vectors(dataset, "train")
        numbers = np.random.default_rng(self.seed)
        num = min(self.num_samples, len(train))
        chosen = train[np.sort(numbers.choice(len(train), num, replace=False))]
        k = max(1, min(self.num_k_means_centres, len(train) // 5))
        k_means = KMeans(
            k, init="random", n_init=1, max_iter=20, random_state=self.seed
        )
        with warnings.catch_warnings():  # Twenty rounds are enough here.
            warnings.simplefilter("ignore")
            centres = k_means.fit(train).cluster_centers_
        mean = train.mean(axis=0, dtype=np.float64)
        spread = math.sqrt(np.mean(np.square(train - mean)))
        of = {"of": "parzen_log_likelihood"}
        value, protocol = self._evaluate(chosen, dataset)
        if_exceeded = (
            "It exceeds real training examples as centres "
            f"({value:.1f}): its samples are prototypes, smoother than data. "
            "That is no better quality."
        )
        yield (
            "training_examples",
            value,
            {**protocol, **of, "if_exceeded": if_exceeded},
        )
        faded = chosen + _FADING * (mean - chosen)
        for name, points, sigmas in [
            ("faded_training_examples", faded, None),
            ("k_means_centres", centres, None),
            ("mean_example", mean[None], np.array([spread])),
        ]:
            value, protocol = self._evaluate(points, dataset, sigmas)
            yield name, value, {**protocol, **of}

    def _evaluate(
        self, centres: np.ndarray, dataset: Any, sigmas: Any = None
    ) -> tuple[float, dict[str, Any]]:
        """Mean log-likelihood under windows around `centres`, and protocol."""
        sigmas = self._sigmas() if sigmas is None else sigmas
        protocol = {
            "num_samples": len(centres),
            "seed": self.seed,
            "split": self.split,
            "sigma_split": "validation",
            "space": comparison_space(dataset),
            "dimensions": centres.shape[1],
            "sigmas": sigmas.tolist(),
        }
        if not hasattr(dataset, "folds"):
            values, choice = _score(
                centres, dataset, sigmas, self.num_validation, self.split
            )
            protocol |= choice
        else:
            scores = [
                _score(centres, fold, sigmas, None, self.split)
                for fold in dataset.folds()
            ]
            values = np.array([np.mean(values) for values, _ in scores])
            for key in scores[0][1]:
                protocol[key] = [choice[key] for _, choice in scores]
            protocol["fold_log_likelihoods"] = values.tolist()
        protocol["standard_error"] = _standard_error(values)
        protocol["outcomes"] = [name for name in _OUTCOMES if name in protocol]
        return float(np.mean(values)), protocol

    def _sigmas(self) -> np.ndarray:
        return np.geomspace(self.min_sigma, self.max_sigma, self.num_sigmas)


def _score(
    centres: np.ndarray,
    dataset: Any,
    sigmas: np.ndarray,
    num_validation: int | None,
    split: str,
) -> tuple[np.ndarray, dict[str, Any]]:
    """Log-likelihood of each example of the split, and how sigma was chosen."""
    validation = split_vectors(dataset, "validation", num_validation)
    likelihoods = log_likelihoods(validation, centres, sigmas)
    curve = likelihoods.mean(axis=1)
    best = int(np.argmax(curve))
    choice = {
        "sigma": float(sigmas[best]),
        "sigma_on_grid_edge": (
            len(sigmas) > 1 and best in (0, len(sigmas) - 1)
        ),
        "validation_curve": np.stack([sigmas, curve], axis=1).tolist(),
        "num_validation": len(validation),
    }
    if split == "validation":
        return likelihoods[best], choice
    test = split_vectors(dataset, "test")
    values = log_likelihoods(test, centres, sigmas[[best]])[0]
    return values, {**choice, "num_test": len(test)}


def _text(sigma: float | list[float]) -> str:
    return ", ".join(f"{value:.3g}" for value in np.atleast_1d(sigma))


def _standard_error(values: np.ndarray) -> float:
    if len(values) < 2:
        raise DataError(
            "A standard error needs at least two examples or folds. Received: "
            f"{len(values)}. Evaluate on a larger test split."
        )
    return float(np.std(values, ddof=1) / math.sqrt(len(values)))
