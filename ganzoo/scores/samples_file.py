"""Samples from anywhere, in a file: a model that can do nothing but sample."""

import os
import pathlib
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np

from ganzoo.errors import DataError

_BATCH_SIZE = 500
# Rounding apart, a file's values lie in the data set's range: this share of the
# range's width is forgiven, and this share of the values.
_TOLERANCE = 0.01


class SamplesFile:
    """The samples of a `.npy` or `.npz` file, as a model to evaluate.

    Asked for fewer than it holds, it gives a random choice by the seed.

    Args:
        path: `.npy`, or `.npz` that holds one array or one named "samples".
        dataset: What the samples imitate; says their shape and range.

    Raises:
        DataError: If the file holds no array, or not of floating-point samples
            of the data set's shape and in its range.
    """

    def __init__(self, path: str | os.PathLike, dataset: Any):
        self.path = pathlib.Path(path)
        self.samples = _load(self.path)
        shape = tuple(dataset.sample_shape)
        if self.samples.shape[1:] != shape or not len(self.samples):
            raise DataError(
                f"{self.path} must hold samples of shape {[None, *shape]}. "
                f"Received: shape {self.samples.shape}. Reshape them as the "
                "data set has them."
            )
        if not np.issubdtype(self.samples.dtype, np.floating):
            raise DataError(
                f"{self.path} must hold floating-point samples in the data "
                f"set's range {dataset.value_range}. Received: dtype "
                f"{self.samples.dtype}, values from {self.samples.min()} to "
                f"{self.samples.max()}. Bytes are rescaled from [0, 255]."
            )
        _require_range(self.path, self.samples, dataset.value_range)

    def sample(
        self, num: int, seed: int, condition: Any = None
    ) -> Iterator[np.ndarray]:
        """Yields arrays of samples, `num` in all or as many as there are."""
        chosen = np.arange(len(self.samples))
        if num < len(chosen):
            numbers = np.random.default_rng(seed)
            chosen = np.sort(numbers.choice(chosen, num, replace=False))
        for first in range(0, len(chosen), _BATCH_SIZE):
            yield self.samples[chosen[first : first + _BATCH_SIZE]]


def _load(path: pathlib.Path) -> np.ndarray:
    try:
        with open(path, "rb") as file:
            # Pickles are code: a file from anywhere must not run any.
            loaded = np.load(file, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                samples = loaded
            else:
                samples = _only_array(path, loaded)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{path} must be a .npy or .npz file of an array. Received: "
            f"{type(error).__name__}: {error}. Write it by `numpy.save`."
        ) from error
    if not samples.ndim or samples.dtype.kind not in "fiub":
        raise DataError(
            f"{path} must hold an array of numbers. Received: shape "
            f"{samples.shape}, dtype {samples.dtype}. Write samples by "
            "`numpy.save`."
        )
    return samples


def _only_array(path: pathlib.Path, archive: Any) -> np.ndarray:
    names = archive.files
    if len(names) != 1 and "samples" not in names:
        raise DataError(
            f"{path} must hold one array, or one named 'samples'. Received: "
            f"{', '.join(names) or 'none'}. Name the samples so."
        )
    return archive[names[0] if len(names) == 1 else "samples"]


def _require_range(
    path: pathlib.Path,
    samples: np.ndarray,
    value_range: tuple[float, float] | None,
) -> None:
    flat = samples.reshape(len(samples), -1)
    num_bad = len(flat) - np.count_nonzero(np.isfinite(flat).all(axis=1))
    if num_bad:
        raise DataError(
            f"{path} must hold finite samples. Received: {num_bad} of "
            f"{len(flat)} with NaN or infinity. Leave them out, or mend them."
        )
    if value_range is None:
        return
    low, high = value_range
    margin = _TOLERANCE * (high - low)
    strays = (samples < low - margin) | (samples > high + margin)
    if np.mean(strays) > _TOLERANCE:
        raise DataError(
            f"{path} must hold samples in the data set's range "
            f"[{low}, {high}]. Received: values from {samples.min()} to "
            f"{samples.max()}. Rescale them."
        )
