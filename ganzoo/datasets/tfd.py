"""The Toronto Face Database, from the file that its owners hand out."""

import copy
import os
import pathlib
from typing import Any

import numpy as np
import scipy.io

from ganzoo.datasets import pixels, splits
from ganzoo.errors import ConfigurationError, DataError, did_you_mean

_NUM_FOLDS = 5
_KEYS = ("images", "folds", "labs_ex")
# What the numbers in `folds` stand for.
_CODES = {"unlabeled": (0,), "train": (1,), "full_train": (1, 2)}
_VALIDATION = (2,)
_TEST = (3,)


class TorontoFaces:
    """Toronto Face Database (TFD): grey faces, most of them without a label.

    Susskind, Anderson & Hinton 2010, "The Toronto Face Database". Not public:
    ask its authors for TFD_48x48.mat. Goodfellow et al. 2014 train on the
    unlabelled faces, and average Table 1 over the test sets of the five folds.

    Args:
        path: The .mat file, with `images` [N, height, width], values 0 to 255;
            `folds` [N, 5], codes 0 unlabelled, 1 train, 2 validation, 3 test;
            and `labs_ex` [N], expressions 1 to 7.
        fold: Which column of `folds` says what is validation and test, 0 to 4.
        train_on: What "train" is: "unlabeled", "train", or "full_train", which
            is train and validation together.
        value_range: What black and white become.
        conditional: Whether examples are (samples, labels).

    Samples: float32 [48, 48, 1] in `value_range`. Labels: int64, expressions 0
    to 6.

    Raises:
        ConfigurationError: If an argument is out of its range.
        DataError: If the file is missing, damaged or of another form.
    """

    num_classes = 7

    def __init__(
        self,
        path: str | os.PathLike,
        fold: int = 0,
        train_on: str = "unlabeled",
        value_range: tuple[float, float] = (0.0, 1.0),
        conditional: bool = False,
    ):
        if fold not in range(_NUM_FOLDS):
            raise ConfigurationError(
                f"`fold` must be 0, 1, 2, 3 or 4. Received: fold={fold!r}."
            )
        if train_on not in _CODES:
            raise ConfigurationError(
                f"`train_on` must be one of {', '.join(_CODES)}. Received: "
                f"{train_on!r}.{did_you_mean(str(train_on), _CODES)}"
            )
        if conditional and train_on == "unlabeled":
            raise ConfigurationError(
                "`conditional` needs labelled training faces. Received: "
                "train_on='unlabeled'. Set `train_on` to 'train' or "
                "'full_train'."
            )
        self.path = path
        self.fold = fold
        self.train_on = train_on
        self.value_range = pixels.check_range(value_range)
        self.conditional = conditional
        self._images, self._codes, self._expressions = _load(path)
        self.sample_shape = (*self._images.shape[1:], 1)

    def examples(self, split: str) -> Any:
        """Samples, or (samples, labels), of "train", "validation" or "test"."""
        images = self._images[self._rows(split)]
        samples = pixels.to_range(images[..., np.newaxis], self.value_range)
        return (samples, self.labels(split)) if self.conditional else samples

    def labels(self, split: str) -> np.ndarray:
        """The expression on each face, int64 [num], 0 to 6."""
        if split == "train" and self.train_on == "unlabeled":
            raise DataError(
                "`labels` of 'train' do not exist. Received: "
                "train_on='unlabeled'. Set `train_on` to 'train' or "
                "'full_train'."
            )
        expressions = self._expressions[self._rows(split)]
        if not np.isin(expressions, range(1, self.num_classes + 1)).all():
            raise DataError(
                f"`labs_ex` of {self.path} must be 1 to 7 for the split "
                f"{split!r}. Received: {np.unique(expressions).tolist()}. "
                "Check the file."
            )
        return expressions.astype(np.int64) - 1

    def folds(self) -> list["TorontoFaces"]:
        """The same data with each of the five folds."""
        folds = []
        for fold in range(_NUM_FOLDS):
            folds.append(copy.copy(self))  # Shares the images.
            folds[-1].fold = fold
        return folds

    def to_unit(self, samples: Any) -> Any:
        """Samples as float images in [0, 1]."""
        return pixels.range_to_unit(samples, self.value_range)

    def _rows(self, split: str) -> np.ndarray:
        splits.check(split)
        codes = {
            "train": _CODES[self.train_on],
            "validation": _VALIDATION,
            "test": _TEST,
        }[split]
        rows = np.flatnonzero(np.isin(self._codes[:, self.fold], codes))
        if not len(rows):
            raise DataError(
                f"`folds` of {self.path} must have faces for the split "
                f"{split!r}. Received: none with code {codes} in fold "
                f"{self.fold}. Check the file."
            )
        return rows


def _load(path: str | os.PathLike) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Images [N, height, width], codes [N, 5] and expressions [N] of a file."""
    if not pathlib.Path(path).expanduser().is_file():
        raise DataError(
            f"`path` must be the Toronto Face Database's .mat file. Received: "
            f"{path}, which is no file. It is not public: ask its authors for "
            "TFD_48x48.mat, and set `path` to where it is."
        )
    try:
        content = scipy.io.loadmat(pathlib.Path(path).expanduser())
    except Exception as error:  # scipy raises whatever the damage leads to.
        raise DataError(
            f"{path} could not be read as a .mat file (version 5). It may be "
            f"truncated: fetch it again. {type(error).__name__}: {error}"
        ) from error
    found = {
        key: np.shape(value)
        for key, value in content.items()
        if not key.startswith("__")
    }
    images, codes, expressions = (content.get(key) for key in _KEYS)
    if images is None or codes is None or expressions is None:
        raise DataError(
            f"{path} must have the keys {', '.join(_KEYS)}. Received: "
            f"{', '.join(sorted(found)) or 'none'}. It is another file."
        )
    num = len(images)
    if (
        images.ndim != 3
        or codes.shape != (num, _NUM_FOLDS)
        or expressions.size != num
    ):
        raise DataError(
            f"{path} must have images [N, height, width], folds [N, 5] and "
            f"labs_ex [N]. Received: {found}. It is another file."
        )
    if not (
        np.isin(codes, (0, 1, 2, 3)).all()
        and 0 <= images.min() <= images.max() <= 255
    ):
        raise DataError(
            f"{path} must have images of 0 to 255 and folds of 0 to 3. "
            f"Received: images of {images.min()} to {images.max()}, folds of "
            f"{np.unique(codes).tolist()}. It is another file."
        )
    return images, codes, expressions.reshape(-1)
