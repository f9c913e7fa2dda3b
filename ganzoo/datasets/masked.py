"""Images of which a mask hides a part, for a generator to complete."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from ganzoo.errors import ConfigurationError, DataError
from ganzoo.randomness import Draws, Segment

_NUM_AT_ONCE = 10_000


class Masked:
    """Another data set, its samples conditioned on their visible part.

    For models of p(x_S | x_not S), S being what the mask hides: Goodfellow et
    al. 2014, section 7, extension 3. Examples are (samples, {"mask",
    "visible"}): `mask` is 1 where a sample is visible and 0 where it is hidden,
    `visible` the sample there and 0 elsewhere. Example i of a split has the
    same mask at every call, drawn from (`seed`, split, i).

    Args:
        dataset: Of images; without condition, and without `augment`, which
            would change the sample and not what is visible of it.
        mask: Of `ganzoo.masks`, or like one.
        seed: Of the masks.

    Samples: those of `dataset`. Mask: float32 [height, width, 1]. Visible:
    of shape and dtype of a sample.

    Raises:
        ConfigurationError: If `dataset` cannot be masked. `examples` raises
            DataError where a mask is of another form or hides nothing.
    """

    def __init__(self, dataset: Any, mask: Callable, seed: int = 0):
        name = type(dataset).__name__
        if len(dataset.sample_shape) != 3:
            raise ConfigurationError(
                "`datasets.masked` needs images (height, width, channels). "
                f"Received: {name} with samples of shape "
                f"{tuple(dataset.sample_shape)}."
            )
        if hasattr(dataset, "augment"):
            raise ConfigurationError(
                "`datasets.masked` needs a data set without `augment`. "
                f"Received: {name}, which has it. Mask the plain data."
            )
        self.dataset = dataset
        self.mask = mask
        self.seed = seed
        self.sample_shape = tuple(dataset.sample_shape)
        self.value_range = dataset.value_range
        self.num_classes = dataset.num_classes
        if hasattr(dataset, "labels"):
            self.labels = dataset.labels

    @property
    def to_unit(self) -> Any:
        """The data set's own: samples as float images in [0, 1]."""
        return self.dataset.to_unit

    def examples(self, split: str) -> Any:
        """(samples, {"mask", "visible"}) of a split."""
        samples = self.dataset.examples(split)
        if isinstance(samples, tf.data.Dataset):
            self._check_plain(samples.element_spec)
            return samples.enumerate().map(
                lambda row, sample: self._hide_one(split, row, sample),
                tf.data.AUTOTUNE,
            )
        self._check_plain(samples)
        masks = np.empty((*samples.shape[:3], 1), np.float32)
        for first in range(0, len(samples), _NUM_AT_ONCE):
            part = masks[first : first + _NUM_AT_ONCE]
            part[:] = self._draw(split, first, len(part))
        self._check_hides(split, masks)
        visible = np.where(masks > 0, samples, np.zeros_like(samples[:1]))
        return samples, {"mask": masks, "visible": visible}

    def _draw(self, split: str, first_row: Any, num: int) -> tf.Tensor:
        """Masks of examples `first_row` and up: bool [num, h, w, 1]."""
        height, width, _ = self.sample_shape
        draws = Draws(self.seed, 0, [Segment(f"mask/{split}", first_row, num)])
        mask = tf.convert_to_tensor(self.mask(draws, num, (height, width)))
        wanted = [num, height, width, 1]
        if mask.shape != wanted or mask.dtype != tf.bool:
            raise DataError(
                f"`mask` must give bool of shape {wanted} for samples of shape "
                f"{self.sample_shape}. Received: {mask.dtype.name} of shape "
                f"{mask.shape.as_list()} from {type(self.mask).__name__}."
            )
        return mask

    def _hide_one(self, split: str, row: Any, sample: Any) -> Any:
        mask = self._draw(split, row, 1)[0]
        check = tf.debugging.Assert(
            tf.reduce_any(~mask), [f"`mask` hides nothing of {split!r}", row]
        )
        with tf.control_dependencies([check]):
            visible = tf.where(mask, sample, tf.zeros_like(sample))
        return sample, {"mask": tf.cast(mask, tf.float32), "visible": visible}

    def _check_plain(self, samples: Any) -> None:
        if isinstance(samples, tuple):
            raise ConfigurationError(
                "`datasets.masked` needs a data set without condition. "
                f"Received: {type(self.dataset).__name__}, which gives one "
                "with each sample. Leave out its `conditional`."
            )

    def _check_hides(self, split: str, masks: np.ndarray) -> None:
        whole = masks.all(axis=(1, 2, 3))
        if whole.any():
            raise DataError(
                "`mask` must hide something of each example. Received: "
                f"{type(self.mask).__name__}, which hides nothing of "
                f"{whole.sum()} of {len(masks)} in {split!r}, first of example "
                f"{whole.argmax()}. Hide more."
            )
