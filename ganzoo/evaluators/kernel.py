"""Kernel distance between features."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ganzoo.checks import check_counts
from ganzoo.evaluators.feature_sets import (
    feature_sets,
    name_of_distance,
    require_more,
)
from ganzoo.features import RandomConvolutions


class Kernel:
    """Kernel distance of features: squared maximum mean discrepancy.

    Kernel (x.y / d + 1)^3, unbiased estimate, mean over random subsets:
    Binkowski et al. 2018, https://arxiv.org/abs/1801.01401. Unlike the Fréchet
    distance it has no bias from the number of samples; near 0 it may be
    negative. It is called `kid` only on features of Inception.

    Args:
        features: See `ganzoo.features`. None: fixed random convolutions.
        num_samples: Samples, and at most as many real examples.
        num_subsets: Subsets that the value is the mean over.
        subset_size: Examples of each side in a subset.
        split: Of the real examples.
        seed: Of samples and subsets.

    Yields:
        ("kernel_distance" or "kid", value, protocol), with the standard error
        of the mean over subsets.

    Raises:
        ConfigurationError: If a count is less than 2.
        DataError: If there are fewer examples than in a subset.
    """

    def __init__(
        self,
        features: Any = None,
        num_samples: int = 10_000,
        num_subsets: int = 100,
        subset_size: int = 1_000,
        split: str = "test",
        seed: int = 0,
    ):
        check_counts(
            least=2,
            num_samples=num_samples,
            num_subsets=num_subsets,
            subset_size=subset_size,
        )
        self.features = features or RandomConvolutions()
        self.num_samples = num_samples
        self.num_subsets = num_subsets
        self.subset_size = subset_size
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
        count = min(len(real), len(fake))
        require_more(count, self.subset_size, "A subset of `kernel`")
        numbers = np.random.default_rng(self.seed)
        values = [
            squared_discrepancy(
                *(
                    side[numbers.choice(len(side), self.subset_size, False)]
                    for side in (real, fake)
                )
            )
            for _ in range(self.num_subsets)
        ]
        protocol |= {
            "num_subsets": self.num_subsets,
            "subset_size": self.subset_size,
            "standard_error": float(
                np.std(values, ddof=1) / math.sqrt(self.num_subsets)
            ),
            "better": "lower",
        }
        name = name_of_distance(protocol, "kernel_distance", "kid")
        yield name, float(np.mean(values)), protocol


def squared_discrepancy(real: np.ndarray, fake: np.ndarray) -> float:
    """Unbiased squared MMD of two sets [n, d], with the cubic kernel."""
    depth = real.shape[1]

    def kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return (x @ y.T / depth + 1.0) ** 3

    def mean_within(x: np.ndarray) -> float:
        values = kernel(x, x)
        return (values.sum() - np.trace(values)) / (len(x) * (len(x) - 1))

    across = kernel(real, fake).mean()
    return float(mean_within(real) + mean_within(fake) - 2.0 * across)
