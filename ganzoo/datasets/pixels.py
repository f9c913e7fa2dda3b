"""Between pixels and the space that nets are trained in."""

import math
from typing import Any

import numpy as np
import tensorflow as tf

from ganzoo.errors import ConfigurationError

# Contrast-normalised values this many deviations from grey are black and white.
_DEVIATIONS = 3.0


def check_range(value_range: tuple[float, float]) -> tuple[float, float]:
    """Returns `value_range` as floats, or raises `ConfigurationError`."""
    try:
        low, high = (float(bound) for bound in value_range)
    except (TypeError, ValueError) as error:
        raise _range_error(value_range) from error
    if not -math.inf < low < high < math.inf:
        raise _range_error(value_range)
    return low, high


def check_size(size: tuple[int, int] | None) -> tuple[int, int] | None:
    """Returns an image size as given, or raises `ConfigurationError`."""
    if size is None:
        return None
    if (
        not isinstance(size, (tuple, list))
        or len(size) != 2
        or not all(isinstance(pixels, int) and pixels > 0 for pixels in size)
    ):
        raise ConfigurationError(
            "`image_size` must be (height, width), in pixels. Received: "
            f"{size!r}. Write image_size = (64, 64), or None."
        )
    return size[0], size[1]


def to_range(
    pixels: np.ndarray, value_range: tuple[float, float], white: float = 255.0
) -> np.ndarray:
    """Pixels of 0 to `white` as float32 in [low, high]; any shape."""
    low, high = value_range
    samples = np.divide(pixels, white / (high - low), dtype=np.float32)
    samples += np.float32(low)
    return samples


def range_to_unit(samples: Any, value_range: tuple[float, float]) -> tf.Tensor:
    """Samples in [low, high] as floats in [0, 1], clipped; any shape."""
    low, high = value_range
    samples = tf.convert_to_tensor(samples)
    return tf.clip_by_value((samples - low) / (high - low), 0.0, 1.0)


def normalize_contrast(pixels: Any, norm: Any) -> tf.Tensor:
    """Images with mean 0 and Euclidean norm `norm` each.

    Global contrast normalisation as the 2014 code did it: over all pixels and
    channels of an image, subtract the mean; divide by the norm of what is left,
    over `norm`, or by 1 where that is below 1e-8.

    Args:
        pixels: [..., height, width, channels], 0 to 255.
        norm: The norm that an image is to have. The original uses 55.

    Returns:
        float32, of the same shape.
    """
    pixels = tf.cast(pixels, tf.float32)
    image = [-3, -2, -1]
    centred = pixels - tf.reduce_mean(pixels, image, keepdims=True)
    squared_norm = tf.reduce_sum(tf.square(centred), image, keepdims=True)
    divisor = tf.sqrt(squared_norm) / norm
    return centred / tf.where(divisor < 1e-8, 1.0, divisor)


def contrast_to_unit(samples: Any, norm: Any) -> tf.Tensor:
    """Contrast-normalised images as floats in [0, 1], clipped.

    An image's own mean and contrast are lost. Here 0 becomes mid-grey, and
    black and white are 3 deviations from it, where a deviation is that of every
    image so normalised, norm / sqrt(values in an image): one constant for a
    whole data set. Of CIFAR-10's values, 0.2 % lie beyond and are clipped.

    Args:
        samples: [..., height, width, channels].
        norm: As given to `normalize_contrast`.
    """
    samples = tf.convert_to_tensor(samples)
    bound = _DEVIATIONS * norm / math.sqrt(math.prod(samples.shape[-3:]))
    return range_to_unit(samples, (-bound, bound))


def crop_and_resize(image: Any, size: tuple[int, int]) -> tf.Tensor:
    """The middle of an image, in the proportions of `size`, resized to it.

    Args:
        image: uint8 [height, width, channels].
        size: (height, width) of the result.

    Returns:
        uint8 [*size, channels], interpolated linearly with antialiasing.
    """
    available = tf.shape(image)[:2]
    scale = tf.reduce_min(available / tf.constant(size))
    kept = tf.cast(tf.round(scale * tf.constant(size, tf.float64)), tf.int32)
    height, width = tf.unstack(tf.clip_by_value(kept, 1, available))
    cropped = tf.image.resize_with_crop_or_pad(image, height, width)
    resized = tf.image.resize(cropped, size, antialias=True)
    return tf.cast(tf.round(resized), tf.uint8)


def _range_error(value_range: Any) -> ConfigurationError:
    return ConfigurationError(
        "`value_range` must be two finite numbers, the lower first. "
        f"Received: {value_range!r}. Write (0.0, 1.0) or (-1.0, 1.0)."
    )
