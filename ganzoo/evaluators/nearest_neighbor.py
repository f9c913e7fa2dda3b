"""Whether samples are copies of training examples."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from ganzoo.checks import check_counts
from ganzoo.evaluators.feature_sets import (
    as_features,
    feature_sets,
    squared_distances,
)
from ganzoo.evaluators.samples import split_samples
from ganzoo.features import Pixels

# Held-out examples this near to the training set are its nearest one per cent.
_NEAR_QUANTILE = 0.01
# Of samples, so many times that share are that near: no chance any more.
_SUSPICIOUS_SHARE = 0.1


class NearestNeighbor:
    """Distance to the nearest training example: of samples, of held-out data.

    Samples of a model that generalises are about as far from the training set
    as held-out examples are. Nearer ones are copies, or prototypes, which are
    near to everything; farther ones are no such data.

    Args:
        features: See `ganzoo.features`. None: pixels in [0, 1].
        num_samples: Samples, and at most as many held-out examples.
        split: The held-out one.
        seed: Of the samples.

    Yields:
        (name, value, protocol) of
            nearest_neighbor_distance  median distance of samples to training
                                       examples
            nearest_neighbor_ratio     that over the same of held-out examples;
                                       left out where the latter is 0
            nearest_neighbor_copies    share of samples nearer than all but 1 %
                                       of held-out examples; 0.01 by chance

    Raises:
        ConfigurationError: If `num_samples` is not positive.
        DataError: If samples or splits cannot be used.
    """

    def __init__(
        self,
        features: Any = None,
        num_samples: int = 1_000,
        split: str = "test",
        seed: int = 0,
    ):
        check_counts(num_samples=num_samples)
        self.features = features or Pixels()
        self.num_samples = num_samples
        self.split = split
        self.seed = seed

    def run(
        self, model: Any, dataset: Any
    ) -> Iterator[tuple[str, float, dict[str, Any]]]:
        """Compares samples of `model` with held-out examples."""
        real, fake, protocol = feature_sets(
            model,
            dataset,
            self.features,
            self.num_samples,
            self.split,
            self.seed,
        )
        train = as_features(
            "The 'train' split",
            self.features.fit(dataset),
            split_samples(dataset, "train"),
        )
        held_out = nearest_distances(real, train)
        made = nearest_distances(fake, train)
        near = float(np.quantile(held_out, _NEAR_QUANTILE))
        held_out_median = float(np.median(held_out))
        copies = float(np.mean(made < near))
        protocol |= {
            "num_train": len(train),
            "held_out_distance": held_out_median,
            "near_distance": near,
            "outcomes": ["held_out_distance", "near_distance"],
        }
        median = float(np.median(made))
        yield "nearest_neighbor_distance", median, dict(protocol)
        if held_out_median > 0:
            yield (
                "nearest_neighbor_ratio",
                median / held_out_median,
                dict(protocol),
            )
        if copies > _SUSPICIOUS_SHARE:
            protocol["warnings"] = [
                f"{copies:.0%} of samples are nearer to a training example "
                "than 99 % of held-out examples are: copies or prototypes. "
                "Look at the figure of samples beside their neighbours."
            ]
        yield "nearest_neighbor_copies", copies, {**protocol, "better": "lower"}


def nearest_distances(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Distance of each point to the nearest of `others`, [num_points]."""
    nearest = np.empty(len(points))
    for rows, distances in squared_distances(points, others):
        nearest[rows] = distances.min(axis=1)
    return np.sqrt(nearest)
