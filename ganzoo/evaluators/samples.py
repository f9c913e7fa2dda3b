"""What evaluators compare: checked samples of a model, examples of a split."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ganzoo import example_sets
from ganzoo.conditions import is_label
from ganzoo.errors import DataError

# Samples of an untrained net may leave the range a little; a share of values
# above this that leaves it by more than its own width is in other units.
_MAX_STRAY_SHARE = 0.01


def draw_samples(
    model: Any,
    dataset: Any,
    num_samples: int,
    seed: int,
    condition: Any = None,
) -> np.ndarray:
    """Draws exactly `num_samples` samples, in the data set's own space.

    Args:
        model: The source of samples, see `ganzoo.interfaces.Model`.
        dataset: Says which shape and range samples have.
        num_samples: Samples to draw.
        seed: Seed of the draw.
        condition: A row for each sample; None leaves it to the model.

    Returns:
        Float array [num_samples, *sample_shape].

    Raises:
        DataError: If there are fewer or more samples than asked for, or they
            have another shape, are not finite, or are in other units.
    """
    shape = tuple(dataset.sample_shape)
    given = (
        (num_samples, seed)
        if condition is None
        else (num_samples, seed, condition)
    )
    batches = [np.asarray(batch) for batch in model.sample(*given)]
    for batch in batches:
        if batch.shape[1:] != shape:
            raise DataError(
                f"`samples` must have the shape {[None, *shape]} of the data "
                f"set. Received: shape {batch.shape}. Evaluate them on the "
                "data set that they imitate."
            )
    num_drawn = sum(len(batch) for batch in batches)
    if num_drawn != num_samples:
        raise DataError(
            f"`samples` must be {num_samples} in number. Received: "
            f"{num_drawn}. Provide more, or bind a smaller `num_samples`."
        )
    samples = np.concatenate(batches)
    require_finite("`samples`", samples)
    _require_range(samples, dataset.value_range)
    return samples


def has_label_condition(dataset: Any) -> bool:
    """Whether the data set gives a label, and no more, with each sample."""
    spec = example_sets.condition_spec(dataset.examples("train"))
    return dataset.num_classes is not None and is_label(spec)


def split_vectors(
    dataset: Any, split: str, max_examples: int | None = None
) -> np.ndarray:
    """The examples of a split, in the space of comparison.

    Args:
        dataset: See `ganzoo.interfaces.Dataset`.
        split: "train", "validation" or "test".
        max_examples: Take the first so many; None takes all.

    Returns:
        Float array [num, dimensions].

    Raises:
        DataError: If the split is missing, empty or not finite.
    """
    return _joined(
        dataset, split, max_examples, lambda batch: to_vectors(dataset, batch)
    )


def split_samples(
    dataset: Any, split: str, max_examples: int | None = None
) -> np.ndarray:
    """The examples of a split as they are, [num, *sample_shape].

    Args and errors are those of `split_vectors`.
    """
    return _joined(dataset, split, max_examples, np.asarray)


def to_vectors(dataset: Any, samples: np.ndarray) -> np.ndarray:
    """Samples in the space of comparison, as rows.

    Images are compared as pixels in [0, 1] (`dataset.to_unit`), samples that
    are no images as they are.

    Args:
        dataset: See `ganzoo.interfaces.Dataset`.
        samples: Array [num, *sample_shape] in the data set's own space.

    Returns:
        Array [num, dimensions].
    """
    if dataset.to_unit is not None:
        samples = np.asarray(dataset.to_unit(samples))
    return np.reshape(samples, [len(samples), -1])


def comparison_space(dataset: Any) -> str:
    """How a protocol names the space of `to_vectors`: "[0, 1]" or "raw"."""
    return "raw" if dataset.to_unit is None else "[0, 1]"


def require_finite(name: str, examples: np.ndarray) -> None:
    """Raises `DataError` if any number is NaN or infinite.

    Args:
        name: What the message calls them.
        examples: Array [num, ...].
    """
    flat = np.reshape(examples, [len(examples), -1])
    num_bad = len(examples) - np.count_nonzero(np.isfinite(flat).all(axis=1))
    if num_bad:
        raise DataError(
            f"{name} must be finite. Received: {num_bad} of {len(examples)} "
            "with NaN or infinity. The model diverged, or the data is damaged."
        )


def _joined(
    dataset: Any,
    split: str,
    max_examples: int | None,
    convert: Callable[[np.ndarray], np.ndarray],
) -> np.ndarray:
    parts = [
        convert(batch)
        for batch in example_sets.sample_batches(
            dataset.examples(split), max_examples
        )
    ]
    if not parts:
        raise DataError(
            f"The {split!r} split of {type(dataset).__name__} must have "
            "examples. Received: none. Choose another way to split the data."
        )
    joined = np.concatenate(parts)
    require_finite(f"The {split!r} split", joined)
    return joined


def _require_range(
    samples: np.ndarray, value_range: tuple[float, float] | None
) -> None:
    if value_range is None:
        return
    low, high = value_range
    width = high - low
    strays = (samples < low - width) | (samples > high + width)
    if np.mean(strays) > _MAX_STRAY_SHARE:
        raise DataError(
            f"`samples` must lie in the data set's range [{low}, {high}]. "
            f"Received: values from {samples.min()} to {samples.max()}. "
            "Rescale them."
        )
