"""Sets of images by name, through TensorFlow Datasets (TFDS)."""

import math
from typing import Any

import numpy as np
import tensorflow as tf

from ganzoo.datasets import pixels, splits, tfds_records
from ganzoo.errors import ConfigurationError, DataError

_READ_BATCH = 512


class TfdsImages:
    """Any set of images that TFDS knows, or that lies prepared in `data_dir`.

    Examples come in the order of the records on disk. They are one array where
    it takes no more than `max_bytes_in_memory`, else a tf.data.Dataset.

    Args:
        name: TFDS name, such as "mnist", "cifar10" or "mnist_corrupted/fog".
        train_split: What "train" is, in TFDS' notation, such as "train[:90%]".
        validation_split: What "validation" is, such as "train[90%:]", or None.
        test_split: What "test" is, or None.
        image_size: (height, width) that images are cropped to (the middle, with
            the new proportions) and resized to; None leaves them as they are.
        value_range: What black and white become; (0.0, 1.0) if None.
        contrast_normalization: Euclidean norm of an image, whose mean becomes
            0, in place of a `value_range`; the 2014 code used 55 for CIFAR-10.
        conditional: Whether examples are (samples, labels).
        image_key: Feature that holds the image.
        label_key: Feature that holds the class.
        data_dir: Folder of prepared sets. If None, the environment variable
            TFDS_DATA_DIR, and if that is unset, ~/tensorflow_datasets.
        max_bytes_in_memory: Of the samples of one split, as float32.

    Samples: float32 [height, width, channels] in `value_range`, or unbounded
    (and `value_range` None) with `contrast_normalization`. Labels: int64.

    Raises:
        ConfigurationError: If arguments contradict each other.
        DataError: If nobody knows `name`, or it holds no such images or labels.
            `examples` raises it where the data is missing or damaged.
    """

    def __init__(
        self,
        name: str,
        train_split: str | None = "train",
        validation_split: str | None = None,
        test_split: str | None = "test",
        image_size: tuple[int, int] | None = None,
        value_range: tuple[float, float] | None = None,
        contrast_normalization: float | None = None,
        conditional: bool = False,
        image_key: str = "image",
        label_key: str = "label",
        data_dir: str | None = None,
        max_bytes_in_memory: int = 2 * 2**30,
    ):
        self.name = name
        self.train_split = train_split
        self.validation_split = validation_split
        self.test_split = test_split
        self.image_size = pixels.check_size(image_size)
        self.value_range = _choose_range(value_range, contrast_normalization)
        self.contrast_normalization = contrast_normalization
        self.conditional = conditional
        self.image_key = image_key
        self.label_key = label_key
        self.data_dir = data_dir
        self.max_bytes_in_memory = max_bytes_in_memory
        self._builder = tfds_records.open_builder(name, data_dir)
        self.sample_shape = self._find_sample_shape()
        self.num_classes = getattr(
            self._feature(label_key), "num_classes", None
        )
        if conditional:
            self._require_labels()

    def examples(self, split: str) -> Any:
        """Samples, or (samples, labels), of "train", "validation" or "test"."""
        part, num = self._part(split)
        stream = tfds_records.read(self._builder, part)
        if self.image_size or not tfds_records.can_batch(stream):
            stream = stream.map(self._pick, tfds_records.PARALLEL_CALLS)
        if num * 4 * math.prod(self.sample_shape) > self.max_bytes_in_memory:
            prepared = stream.map(self._prepare, tf.data.AUTOTUNE)
            return prepared.apply(tf.data.experimental.assert_cardinality(num))
        return self._collect(
            stream.batch(_READ_BATCH).map(self._prepare), num, part
        )

    def labels(self, split: str) -> np.ndarray:
        """The class of each example, int64 [num]."""
        self._require_labels()
        part, num = self._part(split)
        stream = tfds_records.read(self._builder, part, (self.image_key,))
        picked = stream.map(lambda record: record[self.label_key])
        return self._collect(picked.batch(_READ_BATCH), num, part)

    def to_unit(self, samples: Any) -> Any:
        """Samples as float images in [0, 1].

        Of contrast-normalised ones the brightness is lost, and a constant of
        the set says what is white: see
        `ganzoo.datasets.pixels.contrast_to_unit`.
        """
        if self.value_range is not None:
            return pixels.range_to_unit(samples, self.value_range)
        return pixels.contrast_to_unit(samples, self.contrast_normalization)

    def _pick(self, record: dict[str, Any]) -> dict[str, Any]:
        """What is needed of a record, in one shape."""
        picked = {self.image_key: record[self.image_key]}
        if self.conditional:
            picked[self.label_key] = record[self.label_key]
        if self.image_size:
            picked[self.image_key] = pixels.crop_and_resize(
                record[self.image_key], self.image_size
            )
        return picked

    def _prepare(self, record: dict[str, Any]) -> Any:
        """What `examples` returns, of one record or of a batch."""
        images = record[self.image_key]
        if self.value_range is not None:
            low, high = self.value_range
            samples = tf.cast(images, tf.float32) / (255.0 / (high - low)) + low
        else:
            samples = pixels.normalize_contrast(
                images, self.contrast_normalization
            )
        return (
            (samples, record[self.label_key]) if self.conditional else samples
        )

    def _collect(self, batches: tf.data.Dataset, num: int, part: str) -> Any:
        source = f"Split {part!r} in {self._builder.data_path}"
        return tfds_records.collect(batches, num, source)

    def _part(self, split: str) -> tuple[str, int]:
        """What `split` is in TFDS' notation, and how many records it has."""
        splits.check(split)
        parameter = f"{split}_split"
        part = getattr(self, parameter)
        return part, tfds_records.num_records(self._builder, parameter, part)

    def _find_sample_shape(self) -> tuple[int, ...]:
        import tensorflow_datasets as tfds

        feature = self._feature(self.image_key)
        if not isinstance(feature, tfds.features.Image):
            raise self._feature_error("image_key", "an image")
        if feature.np_dtype != np.uint8:
            raise DataError(
                f"Images of data set {self.name!r} must be uint8. Received: "
                f"{np.dtype(feature.np_dtype).name}. ganzoo reads no others."
            )
        shape = (*(self.image_size or feature.shape[:2]), feature.shape[2])
        if None in shape:
            raise DataError(
                f"Images of data set {self.name!r} must have one size. "
                f"Received: shape {feature.shape}. Set `image_size` to "
                "(height, width)."
            )
        return shape

    def _feature(self, key: str) -> Any:
        features = self._builder.info.features
        return features[key] if key in features else None

    def _require_labels(self) -> None:
        if self.num_classes is None:
            raise self._feature_error("label_key", "a class label")

    def _feature_error(self, parameter: str, wanted: str) -> DataError:
        return DataError(
            f"`{parameter}` must name {wanted} of data set {self.name!r}. "
            f"Received: {getattr(self, parameter)!r}. Its features: "
            f"{', '.join(sorted(self._builder.info.features))}."
        )


class Mnist(TfdsImages):
    """MNIST, as Goodfellow et al. 2014 split it.

    Train is the first 50,000 training images, validation the last 10,000, test
    the test set.

    Args:
        value_range: What black and white become; (0.0, 1.0) if None.
        conditional: Whether examples are (samples, labels).
        data_dir: As for `TfdsImages`.

    Samples: float32 [28, 28, 1] in `value_range`. Labels: int64, 0 to 9.

    Raises:
        ConfigurationError: If `value_range` is no range.
    """

    def __init__(
        self,
        value_range: tuple[float, float] | None = None,
        conditional: bool = False,
        data_dir: str | None = None,
    ):
        super().__init__(
            "mnist",
            train_split="train[:50000]",
            validation_split="train[50000:]",
            value_range=value_range,
            conditional=conditional,
            data_dir=data_dir,
        )


class Cifar10(TfdsImages):
    """CIFAR-10, as Goodfellow et al. 2014 split it.

    Train is the first 40,000 training images, validation the last 10,000, test
    the test set.

    Args:
        value_range: What black and white become; (0.0, 1.0) if None.
        contrast_normalization: As for `TfdsImages`; the 2014 recipes use 55.
        conditional: Whether examples are (samples, labels).
        data_dir: As for `TfdsImages`.

    Samples: float32 [32, 32, 3] in `value_range`, or unbounded with
    `contrast_normalization`. Labels: int64, 0 to 9.

    Raises:
        ConfigurationError: If arguments contradict each other.
    """

    def __init__(
        self,
        value_range: tuple[float, float] | None = None,
        contrast_normalization: float | None = None,
        conditional: bool = False,
        data_dir: str | None = None,
    ):
        super().__init__(
            "cifar10",
            train_split="train[:40000]",
            validation_split="train[40000:]",
            value_range=value_range,
            contrast_normalization=contrast_normalization,
            conditional=conditional,
            data_dir=data_dir,
        )


def _choose_range(
    value_range: tuple[float, float] | None, norm: float | None
) -> tuple[float, float] | None:
    if norm is None:
        return pixels.check_range(
            (0.0, 1.0) if value_range is None else value_range
        )
    if value_range is not None:
        raise ConfigurationError(
            "`value_range` and `contrast_normalization` exclude each other. "
            f"Received: value_range={value_range!r}, "
            f"contrast_normalization={norm!r}. Set one of them."
        )
    if not norm > 0:
        raise ConfigurationError(
            "`contrast_normalization` must be positive. Received: "
            f"contrast_normalization={norm!r}."
        )
    return None
