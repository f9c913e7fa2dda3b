"""Features of a model's samples and of real examples; distances in blocks."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from ganzoo.errors import DataError
from ganzoo.evaluators.samples import (
    draw_samples,
    require_finite,
    split_samples,
)

# Distances that are held at a time: 32 MiB in float64.
_BLOCK_SIZE = 2**22


class FeatureSets(NamedTuple):
    """Two sets to compare.

    Attributes:
        real: float64 [num_real, depth].
        fake: float64 [num_samples, depth].
        protocol: How they came about.
    """

    real: np.ndarray
    fake: np.ndarray
    protocol: dict[str, Any]


def feature_sets(
    model: Any,
    dataset: Any,
    extractor: Any,
    num_samples: int,
    split: str,
    seed: int,
) -> FeatureSets:
    """Features of `num_samples` samples and of at most as many real examples.

    Args:
        model: The source of samples.
        dataset: Of the real ones.
        extractor: See `ganzoo.features`.
        num_samples: Samples to draw.
        split: Of the real examples; the first ones are taken.
        seed: Of the samples.

    Raises:
        DataError: If samples or the split cannot be used.
    """
    samples = draw_samples(model, dataset, num_samples, seed)
    feature_map = extractor.fit(dataset)
    fake = as_features("`samples`", feature_map, samples)
    examples = split_samples(dataset, split, num_samples)
    real = as_features(f"The {split!r} split", feature_map, examples)
    return FeatureSets(
        real,
        fake,
        {
            "num_samples": len(fake),
            "num_real": len(real),
            "split": split,
            "seed": seed,
            "features": {**feature_map.about, "depth": real.shape[1]},
        },
    )


def as_features(name: str, feature_map: Any, samples: np.ndarray) -> np.ndarray:
    """Features in float64, all finite."""
    found = np.asarray(feature_map.features(samples), np.float64)
    require_finite(f"Features of {name}", found)
    return found


def require_more(count: int, least: int, rule: str) -> None:
    """Raises `DataError` if there are fewer than `least` examples."""
    if count < least:
        raise DataError(
            f"{rule} needs at least {least} examples on each side. Received: "
            f"{count}. Take more samples, another split, or fewer features."
        )


def name_of_distance(
    protocol: dict[str, Any], plain: str, inception: str
) -> str:
    """A name of the literature's belongs to Inception's features alone."""
    is_inception = protocol["features"]["name"] == "inception_v3"
    return inception if is_inception else plain


def squared_distances(
    points: np.ndarray, others: np.ndarray
) -> Iterator[tuple[slice, np.ndarray]]:
    """Yields (rows, squared distances of points[rows] to all others).

    By |x|^2 + |y|^2 - 2 x.y around the mean of `others`, in float64.
    """
    origin = others.mean(axis=0, dtype=np.float64)
    others = others - origin
    norms = np.einsum("ij,ij->i", others, others)
    num_rows = max(1, _BLOCK_SIZE // len(others))
    for first in range(0, len(points), num_rows):
        rows = slice(first, first + num_rows)
        block = points[rows] - origin
        distances = block @ (-2.0 * others.T)
        distances += norms
        distances += np.einsum("ij,ij->i", block, block)[:, None]
        yield rows, np.maximum(distances, 0.0, out=distances)
