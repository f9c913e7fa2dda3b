"""A folder of images, of the user's own."""

import hashlib
import math
import os
import pathlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import PIL.Image
import tensorflow as tf

from ganzoo.datasets import pixels, splits
from ganzoo.errors import ConfigurationError, DataError

_ENDINGS = (
    *(".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff"),
    *(".ppm", ".pgm"),
)
_MODES = {1: "L", 3: "RGB"}


class ImageFolder:
    """Every image under a folder, in the order of their paths.

    An image is a file whose name ends in .png, .jpg, .jpeg, .bmp, .gif, .webp,
    .tif, .tiff, .ppm or .pgm; other files are left out, and so is what is
    hidden or in a hidden subfolder. A hash of its path under the folder decides
    which split an image is in, so every copy of the folder is split alike.
    Where all images lie in two or more subfolders, these are the classes, in
    alphabetical order. What is transparent is shown on white.

    Examples are one array where it takes no more than `max_bytes_in_memory`,
    else a tf.data.Dataset.

    Args:
        path: The folder.
        image_size: (height, width) that images are cropped to (the middle, with
            the new proportions) and resized to. None: all have one size
            already.
        channels: 1 makes all images grey, 3 makes them RGB, those with an alpha
            channel too. None: all are grey, or all are RGB, already.
        value_range: What black and white become.
        validation_fraction: Share of images in "validation".
        test_fraction: Share of images in "test"; "train" has the rest.
        conditional: Whether examples are (samples, labels).
        max_bytes_in_memory: Of the samples of one split, as float32.

    Samples: float32 [height, width, channels] in `value_range`. Labels: int64.

    Raises:
        ConfigurationError: If an argument is out of its range.
        DataError: If the folder is missing or empty, an image cannot be read,
            or images differ in size or colour.
    """

    def __init__(
        self,
        path: str | os.PathLike,
        image_size: tuple[int, int] | None = None,
        channels: int | None = None,
        value_range: tuple[float, float] = (0.0, 1.0),
        validation_fraction: float = 0.1,
        test_fraction: float = 0.1,
        conditional: bool = False,
        max_bytes_in_memory: int = 2 * 2**30,
    ):
        if channels not in (None, *_MODES):
            raise ConfigurationError(
                f"`channels` must be 1 or 3. Received: channels={channels!r}."
            )
        if not (
            validation_fraction >= 0
            and test_fraction >= 0
            and validation_fraction + test_fraction < 1
        ):
            raise ConfigurationError(
                "`validation_fraction` and `test_fraction` must leave images "
                f"to train on. Received: {validation_fraction!r} and "
                f"{test_fraction!r}."
            )
        self.path = path
        self.image_size = pixels.check_size(image_size)
        self.channels = channels
        self.value_range = pixels.check_range(value_range)
        self.validation_fraction = validation_fraction
        self.test_fraction = test_fraction
        self.conditional = conditional
        self.max_bytes_in_memory = max_bytes_in_memory
        self._folder = pathlib.Path(path).expanduser()
        self._files = _find_images(self._folder)
        self.sample_shape = self._find_sample_shape()
        self._classes = _find_classes(self._files)
        self.num_classes = len(self._classes) or None
        if conditional:
            self._require_classes()

    def examples(self, split: str) -> Any:
        """Samples, or (samples, labels), of "train", "validation" or "test"."""
        files = self._members(split)
        if (
            len(files) * 4 * math.prod(self.sample_shape)
            > self.max_bytes_in_memory
        ):
            return self._stream(split)
        samples = np.empty((len(files), *self.sample_shape), np.float32)
        for row, file in enumerate(files):
            samples[row] = self._read(file)
        return (samples, self.labels(split)) if self.conditional else samples

    def labels(self, split: str) -> np.ndarray:
        """The class of each example, int64 [num]."""
        self._require_classes()
        names = [file.parts[0] for file in self._members(split)]
        return np.array([self._classes.index(name) for name in names], np.int64)

    def to_unit(self, samples: Any) -> Any:
        """Samples as float images in [0, 1]."""
        return pixels.range_to_unit(samples, self.value_range)

    def _members(self, split: str) -> list[pathlib.PurePath]:
        splits.check(split)
        by_hash = sorted(self._files, key=_hash)
        num_validation = round(self.validation_fraction * len(by_hash))
        num_test = round(self.test_fraction * len(by_hash))
        last = num_validation + num_test
        members = {
            "validation": by_hash[:num_validation],
            "test": by_hash[num_validation:last],
            "train": by_hash[last:],
        }[split]
        if not members:
            raise DataError(
                f"Split {split!r} of {self.path} must have images. Received: "
                f"none of {len(self._files)}. Add images, or change its "
                "fraction."
            )
        return sorted(members)

    def _stream(self, split: str) -> tf.data.Dataset:
        files = self._members(split)
        spec: Any = tf.TensorSpec(self.sample_shape, tf.float32)
        if self.conditional:
            spec = (spec, tf.TensorSpec((), tf.int64))
        labels = self.labels(split) if self.conditional else None

        def read_all() -> Iterator:
            for row, file in enumerate(files):
                sample = self._read(file)
                yield sample if labels is None else (sample, labels[row])

        stream = tf.data.Dataset.from_generator(read_all, output_signature=spec)
        return stream.apply(tf.data.experimental.assert_cardinality(len(files)))

    def _read(self, file: pathlib.PurePath) -> np.ndarray:
        channels = self.sample_shape[-1]
        with self._open(file) as image:
            try:
                plain = _on_white(image).convert(_MODES[channels])
                image_pixels = np.asarray(plain)
            except (OSError, ValueError, SyntaxError) as error:
                raise self._unreadable(file, error) from error
        image_pixels = image_pixels.reshape(*image_pixels.shape[:2], channels)
        if self.image_size:
            image_pixels = np.asarray(
                pixels.crop_and_resize(image_pixels, self.image_size)
            )
        return pixels.to_range(image_pixels, self.value_range)

    def _open(self, file: pathlib.PurePath) -> PIL.Image.Image:
        try:
            return PIL.Image.open(self._folder / file)
        except (OSError, ValueError, SyntaxError) as error:
            raise self._unreadable(file, error) from error

    def _unreadable(
        self, file: pathlib.PurePath, error: Exception
    ) -> DataError:
        return DataError(
            f"{self._folder / file} must be a whole image. Received: "
            f"{type(error).__name__}: {error}. Replace or remove it."
        )

    def _find_sample_shape(self) -> tuple[int, int, int]:
        """From the headers of all images, which must agree."""
        first: dict[str, tuple[Any, pathlib.PurePath]] = {}
        for file in self._files:
            with self._open(file) as image:
                size, mode = (image.height, image.width), image.mode
            if mode.startswith(("I", "F")):
                raise DataError(
                    f"{self._folder / file} must have 8 bits to a channel. "
                    f"Received: PIL mode {mode!r}. Convert or remove it."
                )
            for name, value, parameter, fixed in (
                ("size", size, "image_size", self.image_size),
                ("PIL mode", mode, "channels", self.channels),
            ):
                known, witness = first.setdefault(name, (value, file))
                if fixed is None and value != known:
                    raise DataError(
                        f"Images of {self.path} must have one {name}. "
                        f"Received: {known} in {witness}, {value} in {file}. "
                        f"Set `{parameter}`."
                    )
        mode, witness = first["PIL mode"]
        if self.channels is None and mode not in _MODES.values():
            raise DataError(
                f"Images of {self.path} must be grey (L) or RGB. Received: PIL "
                f"mode {mode!r} in {witness}. Set `channels` to 1 or 3."
            )
        height, width = self.image_size or first["size"][0]
        return height, width, self.channels or (1 if mode == "L" else 3)

    def _require_classes(self) -> None:
        if not self._classes:
            raise DataError(
                f"{self.path} must have its images in two or more subfolders, "
                "one for each class. Received: images outside of one, or a "
                "single subfolder. Move them, or set `conditional` to False."
            )


def _find_images(folder: pathlib.Path) -> list[pathlib.PurePath]:
    """Paths of the images under `folder`, relative to it, sorted."""
    if not folder.is_dir():
        raise DataError(
            f"`path` must be a folder of images. Received: {folder}, which is "
            "no folder."
        )
    files = [
        file.relative_to(folder)
        for file in folder.rglob("*")
        if file.suffix.lower() in _ENDINGS and file.is_file()
    ]
    # Such as `.ipynb_checkpoints`, which has copies.
    files = [
        file
        for file in files
        if not any(part.startswith(".") for part in file.parts)
    ]
    if not files:
        raise DataError(
            f"`path` must be a folder of images. Received: {folder}, which has "
            f"no file that ends in {', '.join(_ENDINGS)}."
        )
    return sorted(files)


def _on_white(image: PIL.Image.Image) -> PIL.Image.Image:
    """An image without transparency; under it may lie any colour."""
    if "A" not in image.getbands() and "transparency" not in image.info:
        return image
    image = image.convert("RGBA")
    white = PIL.Image.new("RGBA", image.size, "white")
    return PIL.Image.alpha_composite(white, image)


def _find_classes(files: list[pathlib.PurePath]) -> list[str]:
    """Names of the top subfolders, or none where they are no classes."""
    names = {file.parts[0] for file in files}
    nested = all(len(file.parts) > 1 for file in files)
    return sorted(names) if nested and len(names) > 1 else []


def _hash(file: pathlib.PurePath) -> bytes:
    return hashlib.blake2b(file.as_posix().encode()).digest()
