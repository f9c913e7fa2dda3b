"""Fréchet distance between Gaussians fitted to features."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import linalg

from ganzoo.checks import check_counts
from ganzoo.evaluators.feature_sets import (
    feature_sets,
    name_of_distance,
    require_more,
)
from ganzoo.features import RandomConvolutions


class Frechet:
    """Fréchet distance of features: 0 for equal means and covariances.

    |m - m_r|^2 + Tr(S + S_r - 2 (S S_r)^(1/2)), the squared distance of two
    Gaussians: Heusel et al. 2017, https://arxiv.org/abs/1706.08500. Means and
    covariances in float64. The value falls as the number of samples grows, and
    means nothing without its features: it is called `fid` only on those of
    Inception.

    Args:
        features: See `ganzoo.features`. None: fixed random convolutions.
        num_samples: Samples, and at most as many real examples.
        split: Of the real examples.
        seed: Of the samples.

    Yields:
        ("frechet_distance" or "fid", value, protocol).

    Raises:
        ConfigurationError: If `num_samples` is not positive.
        DataError: If there are no more examples than features.
    """

    def __init__(
        self,
        features: Any = None,
        num_samples: int = 10_000,
        split: str = "test",
        seed: int = 0,
    ):
        check_counts(num_samples=num_samples)
        self.features = features or RandomConvolutions()
        self.num_samples = num_samples
        self.split = split
        self.seed = seed

    def run(
        self, model: Any, dataset: Any
    ) -> Iterator[tuple[str, float, dict[str, Any]]]:
        """Compares samples of `model` with real examples."""
        real, fake, protocol = feature_sets(
            model,
            dataset,
            self.features,
            self.num_samples,
            self.split,
            self.seed,
        )
        least = real.shape[1] + 1
        require_more(min(len(real), len(fake)), least, "A Fréchet distance")
        value = frechet_distance(*moments(real), *moments(fake))
        name = name_of_distance(protocol, "frechet_distance", "fid")
        yield name, value, {**protocol, "better": "lower"}


def moments(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean [d] and unbiased covariance [d, d], in float64."""
    mean = features.mean(axis=0, dtype=np.float64)
    centred = features - mean
    return mean, centred.T @ centred / (len(features) - 1)


def frechet_distance(
    mean: np.ndarray,
    covariance: np.ndarray,
    other_mean: np.ndarray,
    other_covariance: np.ndarray,
) -> float:
    """Squared Fréchet distance of two Gaussians.

    Tr (S S_r)^(1/2) is the sum of the singular values of S^(1/2) S_r^(1/2): no
    square root of a matrix that is not symmetric, no imaginary rest.
    """
    difference = mean - other_mean
    roots = _square_root(covariance) @ _square_root(other_covariance)
    cross = linalg.svdvals(roots).sum()
    value = (
        difference @ difference
        + np.trace(covariance)
        + np.trace(other_covariance)
        - 2.0 * cross
    )
    return math.fabs(float(value))  # Rounding may leave a little below zero.


def _square_root(covariance: np.ndarray) -> np.ndarray:
    values, vectors = linalg.eigh(covariance)
    return (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
