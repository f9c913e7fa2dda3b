"""What evaluators compare instead of samples: features of images.

A *feature extractor* has `fit(dataset)`, which gives a `FeatureMap` for the
data set's samples. A distance between features means something only together
with the map that made them, so `about` goes into each protocol.
"""

import hashlib
import os
import pathlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from ganzoo.conditions import map_condition
from ganzoo.errors import ConfigurationError, DataError
from ganzoo.storage import cache

# Samples that go through a network at a time. Fixed, so that no number depends
# on the batches in which a model gives its samples.
_BATCH_SIZE = 500
_INCEPTION_FILE = "inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5"


class FeatureMap(NamedTuple):
    """A function of samples, with what has to be known about it.

    Attributes:
        about: JSON values; "name", and "hash" of what it was made from.
        function: Samples [B, *sample_shape] in the data set's space to float
            [B, depth].
        classify: Samples to probabilities [B, num_classes], or None.
    """

    about: dict[str, Any]
    function: Callable[[np.ndarray], Any]
    classify: Callable[[np.ndarray], Any] | None = None

    def features(self, samples: np.ndarray) -> np.ndarray:
        """Features of all samples, float [num, depth]."""
        return in_batches(self.function, samples)

    def probabilities(self, samples: np.ndarray) -> np.ndarray:
        """Probabilities of classes, float [num, num_classes].

        Raises:
            ConfigurationError: If the map does not classify.
        """
        if self.classify is None:
            raise ConfigurationError(
                "`features` must classify. Received: "
                f"{self.about['name']!r}. Bind @features.classifier()."
            )
        return in_batches(self.classify, samples)


def in_batches(
    function: Callable, samples: np.ndarray, *conditions: Any
) -> np.ndarray:
    """`function` of all samples, applied to batches of one fixed size.

    Conditions, each an array, arrays in a dict or None, are cut as samples are.
    """

    def batch(first: int) -> list[Any]:
        rows = slice(first, first + _BATCH_SIZE)
        return [
            map_condition(lambda part: part[rows], values)
            for values in (samples, *conditions)
        ]

    return np.concatenate(
        [
            np.asarray(function(*batch(first)))
            for first in range(0, len(samples), _BATCH_SIZE)
        ]
    )


def unit_images(dataset: Any) -> Callable[[np.ndarray], tf.Tensor]:
    """The data set's `to_unit` as float32 [B, height, width, channels].

    Raises:
        DataError: If its samples are no images.
    """
    if dataset.to_unit is None:
        raise DataError(
            "`features` needs a data set of images. Received: "
            f"{type(dataset).__name__}. Bind @features.pixels(), which takes "
            "samples as they are."
        )
    return lambda samples: tf.cast(dataset.to_unit(samples), tf.float32)


def image_signature(dataset: Any) -> tf.TensorSpec:
    """Of `unit_images`: one trace serves batches of every size."""
    return tf.TensorSpec([None, *dataset.sample_shape], tf.float32)


class Pixels:
    """No features: pixels in [0, 1], or samples as they are if no images."""

    def fit(self, dataset: Any) -> FeatureMap:
        """The map for a data set's samples."""
        to_unit = dataset.to_unit

        def flatten(samples: np.ndarray) -> np.ndarray:
            values = (
                samples if to_unit is None else np.asarray(to_unit(samples))
            )
            return np.reshape(values, [len(values), -1])

        name = "raw" if to_unit is None else "pixels"
        return FeatureMap({"name": name}, flatten)


class RandomConvolutions:
    """Fixed random convolutions: needs no labels, no training and no download.

    Three rectified 3x3 convolutions with strides of 2 and weights from
    N(0, 2 / fan in); the features are the means over places of each layer's
    channels. They see texture and strokes, not classes.

    Args:
        widths: Channels of each layer.
        seed: Of the weights.
    """

    def __init__(self, widths: tuple[int, ...] = (32, 64, 128), seed: int = 0):
        self.widths = tuple(widths)
        self.seed = seed

    def fit(self, dataset: Any) -> FeatureMap:
        """The map for a data set's samples."""
        to_unit = unit_images(dataset)
        numbers = np.random.default_rng(self.seed)
        channels = dataset.sample_shape[-1]
        kernels = []
        for width in self.widths:
            scale = np.sqrt(2 / (9 * channels))
            kernel = numbers.normal(scale=scale, size=(3, 3, channels, width))
            kernels.append(kernel.astype(np.float32))
            channels = width

        @tf.function(
            input_signature=[image_signature(dataset)], autograph=False
        )
        def convolve(images: tf.Tensor) -> tf.Tensor:
            layer, means = 2.0 * images - 1.0, []
            for kernel in kernels:
                layer = tf.nn.relu(tf.nn.conv2d(layer, kernel, 2, "SAME"))
                means.append(tf.reduce_mean(layer, axis=[1, 2]))
            return tf.concat(means, axis=1)

        about = {"name": "random_convolutions", "hash": cache.key(*kernels)}
        return FeatureMap(about, lambda samples: convolve(to_unit(samples)))


class Inception:
    """Keras' InceptionV3 with ImageNet weights, pooled: 2,048 features.

    Images are resized to 299 x 299 (bilinear, antialiased). These are Keras'
    weights, not the ones of 2015 that published FIDs rest on, and so is the
    resizing: compare with nothing but the same hash. Never downloads.

    Args:
        weights_file: Keras' file of weights without the top. If None,
            ~/.keras/models holds it, where Keras itself keeps it.

    Raises:
        ConfigurationError: If there is no such file.
    """

    def __init__(self, weights_file: str | None = None):
        self.weights_file = weights_file

    def fit(self, dataset: Any) -> FeatureMap:
        """The map for a data set's samples."""
        import keras

        to_unit = unit_images(dataset)
        home = os.environ.get("KERAS_HOME") or pathlib.Path.home() / ".keras"
        path = pathlib.Path(
            self.weights_file or pathlib.Path(home, "models", _INCEPTION_FILE)
        )
        if not path.is_file():
            raise ConfigurationError(
                "`features.inception` needs a file of weights. Received: "
                f"{path}, which is not there. Get {_INCEPTION_FILE} of "
                "keras.applications, or bind `features.inception.weights_file`."
            )
        network = keras.applications.InceptionV3(
            include_top=False,
            weights=str(path),
            pooling="avg",
            input_shape=(299, 299, 3),
        )

        @tf.function(
            input_signature=[image_signature(dataset)], autograph=False
        )
        def embed(images: tf.Tensor) -> tf.Tensor:
            if images.shape[-1] == 1:
                images = tf.image.grayscale_to_rgb(images)
            images = tf.image.resize(images, [299, 299], antialias=True)
            return network(2.0 * images - 1.0, training=False)

        digest = hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
        about = {"name": "inception_v3", "hash": digest}
        return FeatureMap(about, lambda samples: embed(to_unit(samples)))
