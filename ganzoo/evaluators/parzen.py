"""Log-likelihood under a Gaussian Parzen window, as in the 2014 paper."""

import math
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from ganzoo.errors import ConfigurationError, DataError
from ganzoo.evaluators.samples import (
    comparison_space,
    draw_samples,
    require_finite,
    split_vectors,
    to_vectors,
)

# Distances that are held at a time: 32 MiB in float64.
_BLOCK_SIZE = 2**22


class Parzen:
    """Log-likelihood of the test set under a Parzen window of samples, in nats.

    log p(x) = log mean_j exp(-|x - g_j|^2 / (2 sigma^2))
               - d log(sigma sqrt(2 pi)),

    with the samples g_j as centres: Goodfellow et al. 2014, section 5, after
    Breuleux et al. 2011. Sigma is the one of a logarithmic grid under which the
    validation set is likeliest. Higher is better, with a grain of salt: the
    value depends on every entry of the protocol, and centres that are
    prototypes (k-means) exceed real images as centres (Theis et al. 2016).

    The value is the mean over the test set, its standard error
    std / sqrt(num_test). Where the data set has `folds()`, sigma is chosen for
    each fold on the whole of its validation split, the value is the mean of the
    folds' means, and the standard error is across the folds (Table 1).

    The default grid is the original code's. `num_sigmas=91` is the finer one:
    it splits each of its intervals into ten.

    Args:
        num_samples: Centres to draw from the model.
        num_validation: Sigma is chosen on at most so many validation examples,
            the first ones. Without effect on folds.
        num_sigmas: Entries of the grid. 1 fixes sigma.
        min_sigma: Least sigma, in units of the space of comparison.
        max_sigma: Greatest sigma.
        seed: Seed of the samples.

    Yields:
        ("parzen_log_likelihood", value in nats, protocol), with the protocol's
            standard_error         in nats
            sigma                  the one chosen
            sigma_on_grid_edge     True if a wider grid might have done better
            sigmas                 the grid
            validation_curve       [[sigma, mean log-likelihood], ...]
            num_samples, num_validation, num_test, seed
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
        seed: int = 0,
    ):
        for name, count in [
            ("num_samples", num_samples),
            ("num_validation", num_validation),
            ("num_sigmas", num_sigmas),
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
        self.num_samples = num_samples
        self.num_validation = num_validation
        self.num_sigmas = num_sigmas
        self.min_sigma = min_sigma
        self.max_sigma = max_sigma
        self.seed = seed

    def run(
        self, model: Any, dataset: Any
    ) -> Iterator[tuple[str, float, dict[str, Any]]]:
        """Scores `model` on the test split, or on each fold's."""
        samples = draw_samples(model, dataset, self.num_samples, self.seed)
        centres = to_vectors(dataset, samples)
        protocol = {
            "num_samples": self.num_samples,
            "seed": self.seed,
            "split": "test",
            "sigma_split": "validation",
            "space": comparison_space(dataset),
            "dimensions": centres.shape[1],
            "sigmas": self._sigmas().tolist(),
        }
        if not hasattr(dataset, "folds"):
            values, choice = self._score(centres, dataset, self.num_validation)
            protocol |= choice
        else:
            scores = [
                self._score(centres, fold, None) for fold in dataset.folds()
            ]
            values = np.array([np.mean(values) for values, _ in scores])
            for key in scores[0][1]:
                protocol[key] = [choice[key] for _, choice in scores]
            protocol["fold_log_likelihoods"] = values.tolist()
        protocol["standard_error"] = _standard_error(values)
        yield "parzen_log_likelihood", float(np.mean(values)), protocol

    def _sigmas(self) -> np.ndarray:
        return np.geomspace(self.min_sigma, self.max_sigma, self.num_sigmas)

    def _score(
        self, centres: np.ndarray, dataset: Any, num_validation: int | None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Log-likelihood of each test example, and how sigma was chosen."""
        sigmas = self._sigmas()
        validation = split_vectors(dataset, "validation", num_validation)
        curve = log_likelihoods(validation, centres, sigmas).mean(axis=1)
        best = int(np.argmax(curve))
        is_on_edge = len(sigmas) > 1 and best in (0, len(sigmas) - 1)
        if is_on_edge:
            warnings.warn(
                f"`parzen` chose sigma={sigmas[best]:.3g} on the edge of its "
                f"grid [{self.min_sigma}, {self.max_sigma}]. Widen the grid, "
                "or read the value as a lower bound.",
                stacklevel=2,
            )
        test = split_vectors(dataset, "test")
        values = log_likelihoods(test, centres, sigmas[[best]])[0]
        return values, {
            "sigma": float(sigmas[best]),
            "sigma_on_grid_edge": is_on_edge,
            "validation_curve": np.stack([sigmas, curve], axis=1).tolist(),
            "num_validation": len(validation),
            "num_test": len(test),
        }


def log_likelihoods(
    points: np.ndarray, centres: np.ndarray, sigmas: npt.ArrayLike
) -> np.ndarray:
    """Log-density at `points` of Parzen windows around `centres`.

    One matrix of distances, made block by block, serves every sigma.

    Args:
        points: Array [num_points, d].
        centres: Array [num_centres, d].
        sigmas: Standard deviations of the windows.

    Returns:
        float64 [num_sigmas, num_points], in nats.

    Raises:
        DataError: If an array is not finite or the shapes do not agree.
    """
    points, centres = np.asarray(points), np.asarray(centres)
    if (
        points.ndim != 2
        or centres.ndim != 2
        or points.shape[1] != centres.shape[1]
        or not len(centres)
    ):
        raise DataError(
            "`points` and `centres` must be rows of one length. Received: "
            f"shapes {points.shape} and {centres.shape}. Flatten examples."
        )
    require_finite("`points`", points)
    require_finite("`centres`", centres)
    origin = centres.mean(axis=0, dtype=np.float64)
    # With |g|^2 as one more coordinate, the product alone gives
    # |g|^2 - 2 x.g = |x - g|^2 - |x|^2: no further pass over the block.
    extended = np.empty([len(centres), centres.shape[1] + 1])
    shifted = extended[:, :-1]
    np.subtract(centres, origin, out=shifted)
    extended[:, -1] = np.einsum("ij,ij->i", shifted, shifted)
    shifted *= -2.0
    sigmas = np.asarray(sigmas, np.float64)
    values = np.empty([len(sigmas), len(points)])
    num_rows = max(1, _BLOCK_SIZE // len(centres))
    for first in range(0, len(points), num_rows):
        rows = slice(first, first + num_rows)
        values[:, rows] = _block_log_sums(
            points[rows] - origin, extended, sigmas
        )
    log_sigmas = np.log(sigmas * math.sqrt(2 * math.pi))
    dimensions = points.shape[1]
    return values - (math.log(len(centres)) + dimensions * log_sigmas)[:, None]


def _block_log_sums(
    points: np.ndarray, extended_centres: np.ndarray, sigmas: np.ndarray
) -> np.ndarray:
    """Returns log sum_j exp(-|x - g_j|^2 / (2 sigma^2)), [sigmas, points].

    The nearest centre is nearest under every sigma, so its distance is taken
    out once, in float64. What is left to `exp` is at most 0 and its sum at
    least 1: float32 is exact enough for that, and five times as fast.
    """
    ones = np.ones([len(points), 1])
    distances = np.hstack([points, ones]) @ extended_centres.T
    nearest = distances.min(axis=1, keepdims=True)
    distances -= nearest
    excess = distances.astype(np.float32)
    nearest = np.maximum(nearest[:, 0] + np.sum(points**2, axis=1), 0.0)
    terms = np.empty_like(excess)
    log_sums = np.empty([len(sigmas), len(points)])
    for index, sigma in enumerate(sigmas):
        rate = 1 / (2 * sigma**2)
        np.multiply(excess, np.float32(-rate), out=terms)
        np.exp(terms, out=terms)
        log_sums[index] = np.log(terms.sum(axis=1)) - rate * nearest
    return log_sums


def _standard_error(values: np.ndarray) -> float:
    if len(values) < 2:
        raise DataError(
            "A standard error needs at least two examples or folds. Received: "
            f"{len(values)}. Evaluate on a larger test split."
        )
    return float(np.std(values, ddof=1) / math.sqrt(len(values)))
