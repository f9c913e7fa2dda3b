"""What data sets promise."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from ganzoo import example_sets
from ganzoo.errors import DataError
from ganzoo.randomness import Draws, Segment
from ganzoo.testing.promises import (
    NOT_APPLICABLE,
    Broken,
    Check,
    name_of,
    require_finite,
    run_all,
)

_NUM = 16


def dataset_checks(
    factory: Callable[..., Any],
    splits: Sequence[str] = ("train", "validation", "test"),
    name: str | None = None,
    **arguments: Any,
) -> list[Check]:
    """The checks of a data set, one for each promise.

    Args:
        factory: What the entry point names, mostly a class.
        splits: Those that it has, or, where reading takes long, some of them.
        name: For messages. Default: module:name of the factory.
        **arguments: Of the factory, as a recipe would bind them.
    """
    kit = _Dataset(factory, splits, arguments)
    return [
        Check(name or name_of(factory), promise, getattr(kit, promise))
        for promise in _PROMISES
    ]


def check_dataset(*args: Any, **kwargs: Any) -> dict[str, str]:
    """Runs `dataset_checks`; returns promise -> outcome.

    Raises:
        ConformanceError: At the first promise that is broken.
    """
    return run_all(dataset_checks(*args, **kwargs))


_PROMISES = (
    "shapes",
    "dtypes",
    "finite",
    "range",
    "seed",
    "splits",
    "images",
    "conditions",
    "density",
    "augmentation",
)


class _Dataset:
    def __init__(
        self,
        factory: Callable[..., Any],
        splits: Sequence[str],
        arguments: dict[str, Any],
    ):
        self.factory = factory
        self.split_names = tuple(splits)
        self.arguments = arguments
        self._first: Any = None
        self._read: dict[str, tuple[np.ndarray, Any]] = {}

    @property
    def dataset(self) -> Any:
        """Made once; `seed` makes another."""
        if self._first is None:
            self._first = self.factory(**self.arguments)
        return self._first

    def parts(self, split: str) -> tuple[np.ndarray, Any]:
        """(samples, condition or None) of a split as arrays, read once."""
        if split not in self._read:
            self._read[split] = _read(self.dataset, split)
        return self._read[split]

    def shapes(self) -> str:
        """Samples have `sample_shape`."""
        wanted = tuple(self.dataset.sample_shape)
        for split in self.split_names:
            samples, _ = self.parts(split)
            if samples.shape[1:] != wanted or not len(samples):
                raise Broken(
                    f"{split!r} must hold samples of `sample_shape` {wanted}",
                    f"shape {samples.shape}",
                    "Make `examples` and `sample_shape` agree",
                )
        return "ok"

    def dtypes(self) -> str:
        """Samples are floats: nothing scales them after this."""
        for split in self.split_names:
            samples, _ = self.parts(split)
            if not np.issubdtype(samples.dtype, np.floating):
                raise Broken(
                    "samples must be floats, in the space that nets see",
                    samples.dtype,
                    "Scale pixels to `value_range` in `examples`",
                )
        return "ok"

    def finite(self) -> str:
        """No sample has a NaN or an infinity."""
        for split in self.split_names:
            require_finite(self.parts(split)[0], f"Samples of {split!r}")
        return "ok"

    def range(self) -> str:
        """Samples lie within `value_range`."""
        if self.dataset.value_range is None:
            return NOT_APPLICABLE
        low, high = self.dataset.value_range
        for split in self.split_names:
            samples, _ = self.parts(split)
            least, greatest = float(samples.min()), float(samples.max())
            margin = 1e-6 * (high - low)
            if least < low - margin or greatest > high + margin:
                raise Broken(
                    f"samples must lie within `value_range` {(low, high)}",
                    f"{least:g} to {greatest:g}",
                    "Scale them, or set `value_range = None`",
                )
        return "ok"

    def seed(self) -> str:
        """Examples are the same at every call, unshuffled."""
        split = self.split_names[-1]
        first = _arrays(self.parts(split))
        for source in (self.dataset, self.factory(**self.arguments)):
            again = _arrays(_read(source, split))
            if not all(map(_equal, first, again)):
                raise Broken(
                    "`examples` must give the same in the same order",
                    f"two different results for {split!r}",
                    "Do not shuffle: core does",
                )
        return "ok"

    def splits(self) -> str:
        """A split that there is not is a DataError."""
        try:
            self.dataset.examples("no_such_split")
        except DataError:
            return "ok"
        except ValueError:  # A package need not import ganzoo.
            return "ok"
        raise Broken(
            "a split that there is not must raise",
            "examples of 'no_such_split'",
            "Raise ganzoo.errors.DataError or ValueError",
        )

    def images(self) -> str:
        """`to_unit` gives floats in [0, 1], example by example."""
        to_unit = self.dataset.to_unit
        if to_unit is None:
            return NOT_APPLICABLE
        samples = tf.constant(self.parts(self.split_names[0])[0][:_NUM])
        # TensorFlow operations alone.
        images = tf.function(to_unit, autograph=False)(samples)
        if images.shape != samples.shape or not images.dtype.is_floating:
            raise Broken(
                f"`to_unit` must give floats of shape {tuple(samples.shape)}",
                f"{images.dtype.name} of shape {tuple(images.shape)}",
                "Return images, one for each sample",
            )
        if not (np.min(images) >= 0 and np.max(images) <= 1):
            raise Broken(
                "`to_unit` must give images in [0, 1]",
                f"{np.min(images):g} to {np.max(images):g}",
                "Map `value_range` to [0, 1], and clip",
            )
        alone = tf.concat([to_unit(samples[i : i + 1]) for i in (0, 1)], axis=0)
        if not np.allclose(alone, images[:2], rtol=0, atol=1e-5):
            raise Broken(
                "`to_unit` must treat each example by itself",
                "another image for a sample alone than in a batch",
                "Use constants of the data set, not statistics of the batch",
            )
        return "ok"

    def conditions(self) -> str:
        """Each sample has a condition; labels are below `num_classes`."""
        outcome = NOT_APPLICABLE
        for split in self.split_names:
            samples, condition = self.parts(split)
            if condition is None:
                continue
            outcome = "ok"
            for part in tf.nest.flatten(condition):
                if len(part) != len(samples):
                    raise Broken(
                        "each sample must have a condition",
                        f"{len(part)} for {len(samples)} of {split!r}",
                        "Return (samples, condition) of one length",
                    )
                is_label = np.ndim(part) == 1 and part.dtype.kind in "iu"
                num_classes = self.dataset.num_classes
                if is_label and not 0 <= part.min() <= part.max() < num_classes:
                    raise Broken(
                        f"labels must be 0 to `num_classes` - 1, of "
                        f"{num_classes}",
                        f"{part.min()} to {part.max()} in {split!r}",
                        "Count classes from zero",
                    )
        return outcome

    def density(self) -> str:
        """`sample` and `log_density` go together, [num]."""
        if not hasattr(self.dataset, "log_density"):
            return NOT_APPLICABLE
        one, again = (
            self.dataset.sample(_NUM, Draws(3, 0, [Segment("check")]))
            for _ in range(2)
        )
        densities = np.asarray(self.dataset.log_density(one))
        if densities.shape != (_NUM,):
            raise Broken(
                f"`log_density` must give shape {(_NUM,)}",
                f"shape {densities.shape}",
                "Sum over all but the first axis",
            )
        require_finite(densities, "`log_density` of the set's own samples")
        if not np.array_equal(one, again):
            raise Broken(
                "`sample` must be determined by its arguments",
                "two different draws",
                "Draw by `draws`",
            )
        return "ok"

    def augmentation(self) -> str:
        """`augment` keeps shape and dtype, and draws by `draws`."""
        if not hasattr(self.dataset, "augment"):
            return NOT_APPLICABLE
        samples = tf.constant(self.parts(self.split_names[0])[0][:_NUM])
        one, again = (
            self.dataset.augment(
                samples, Draws(3, 0, [Segment("check", 0, len(samples))])
            )
            for _ in range(2)
        )
        if one.shape != samples.shape or one.dtype != samples.dtype:
            raise Broken(
                f"`augment` must keep shape {tuple(samples.shape)} and dtype",
                f"{one.dtype.name} of shape {tuple(one.shape)}",
                "Crop and resize to the same size",
            )
        if not np.array_equal(one, again):
            raise Broken(
                "`augment` must be determined by its arguments",
                "two different results",
                "Draw by `draws`",
            )
        return "ok"


def _arrays(parts: tuple[np.ndarray, Any]) -> list[np.ndarray]:
    return [part for part in tf.nest.flatten(parts) if part is not None]


def _equal(one: np.ndarray, other: np.ndarray) -> bool:
    # NaNs are the business of `finite`.
    is_float = np.issubdtype(one.dtype, np.floating)
    return np.array_equal(one, other, equal_nan=is_float)


def _read(dataset: Any, split: str) -> tuple[np.ndarray, Any]:
    """(samples, condition or None) as arrays."""
    examples = dataset.examples(split)
    samples, condition = example_sets.first_examples(
        examples, example_sets.num_examples(examples)
    )
    if condition is not None:
        condition = tf.nest.map_structure(np.asarray, condition)
    return np.asarray(samples), condition
