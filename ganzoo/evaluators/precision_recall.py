"""Precision, recall, density and coverage: quality apart from variety."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from ganzoo.checks import check_counts
from ganzoo.evaluators.feature_sets import (
    feature_sets,
    require_more,
    squared_distances,
)
from ganzoo.features import RandomConvolutions


class PrecisionRecall:
    """Precision, recall, density and coverage by nearest neighbours.

    A set's manifold is the union of balls around its points that reach to the
    k-th nearest other point. Precision: share of samples in the manifold of the
    real examples; recall: the other way round (Kynkaanniemi et al. 2019,
    https://arxiv.org/abs/1904.06991). Density: balls of real examples that a
    sample lies in, over k; coverage: share of real examples whose ball holds a
    sample (Naeem et al. 2020, https://arxiv.org/abs/2002.09797).

    Args:
        features: See `ganzoo.features`. None: fixed random convolutions.
        num_samples: Samples, and at most as many real examples.
        num_neighbors: k.
        split: Of the real examples.
        seed: Of the samples.

    Yields:
        (name, value, protocol) of precision, recall, density and coverage.

    Raises:
        ConfigurationError: If a count is not positive.
        DataError: If there are no more than `num_neighbors` examples.
    """

    def __init__(
        self,
        features: Any = None,
        num_samples: int = 10_000,
        num_neighbors: int = 5,
        split: str = "test",
        seed: int = 0,
    ):
        check_counts(num_samples=num_samples, num_neighbors=num_neighbors)
        self.features = features or RandomConvolutions()
        self.num_samples = num_samples
        self.num_neighbors = num_neighbors
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
        least = self.num_neighbors + 1
        require_more(min(len(real), len(fake)), least, "`precision_recall`")
        found = precision_recall(real, fake, self.num_neighbors)
        protocol |= {"num_neighbors": self.num_neighbors, "better": "higher"}
        for name, value in found.items():
            yield name, value, dict(protocol)


def precision_recall(
    real: np.ndarray, fake: np.ndarray, num_neighbors: int
) -> dict[str, float]:
    """Precision, recall, density, coverage of features [n, d] and [m, d]."""
    real_radii = _radii(real, num_neighbors)
    fake_radii = _radii(fake, num_neighbors)
    balls = np.zeros(len(fake))
    is_recalled = np.zeros(len(real), bool)
    is_covered = np.zeros(len(real), bool)
    for rows, distances in squared_distances(real, fake):
        balls += np.sum(distances < real_radii[rows, None], axis=0)
        is_recalled[rows] = np.any(distances < fake_radii, axis=1)
        is_covered[rows] = distances.min(axis=1) < real_radii[rows]
    return {
        "precision": float(np.mean(balls > 0)),
        "recall": float(is_recalled.mean()),
        "density": float(balls.mean() / num_neighbors),
        "coverage": float(is_covered.mean()),
    }


def _radii(points: np.ndarray, num_neighbors: int) -> np.ndarray:
    """Squared distance to the k-th nearest other point, [n]."""
    radii = np.empty(len(points))
    for rows, distances in squared_distances(points, points):
        # The nearest of all is the point itself.
        radii[rows] = np.partition(distances, num_neighbors, axis=1)[
            :, num_neighbors
        ]
    return radii
