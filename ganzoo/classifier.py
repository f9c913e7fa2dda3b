"""A small convolutional classifier that ganzoo trains on the data's labels."""

import io
import zipfile
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import ganzoo
from ganzoo import example_sets
from ganzoo.errors import DataError
from ganzoo.features import (
    FeatureMap,
    image_signature,
    in_batches,
    unit_images,
)
from ganzoo.storage import cache, whole_files

_BATCH_SIZE = 100


class Classifier:
    """Features of a classifier, the last layer but one, and its classes.

    Two 3x3 convolutions with max pooling, one dense layer (the features) and a
    softmax, trained by Adam on the data set's training split. Its weights are
    kept from run to run, by the hash of the data and of these settings; two
    machines may come to different ones, which their hashes in the protocols
    tell apart.

    Args:
        depth: Number of features.
        num_epochs: Of training.
        seed: Of weights and order.

    Raises:
        DataError: If the data has no labels or is no images.
    """

    def __init__(self, depth: int = 128, num_epochs: int = 2, seed: int = 0):
        self.depth = depth
        self.num_epochs = num_epochs
        self.seed = seed

    def fit(self, dataset: Any) -> FeatureMap:
        """The map for a data set's samples; trains where nothing is kept."""
        to_unit = unit_images(dataset)
        if not (dataset.num_classes and hasattr(dataset, "labels")):
            raise DataError(
                "`features.classifier` needs a data set with labels. Received: "
                f"{type(dataset).__name__}, which has none. Bind "
                "@features.random_convolutions()."
            )
        network = self._network(dataset)
        key = cache.key(
            cache.fingerprint(dataset),
            [self.depth, self.num_epochs, self.seed],
            [ganzoo.__version__, keras.__version__],
        )
        path = cache.folder() / f"classifier-{key}.npz"
        try:
            with np.load(path) as kept:
                network.set_weights([kept[name] for name in kept.files])
        except (OSError, ValueError, zipfile.BadZipFile):
            self._train(network, dataset, to_unit)
            buffer = io.BytesIO()
            np.savez(buffer, *network.get_weights())
            whole_files.write(path, buffer.getvalue())
        layers = keras.Model(
            network.inputs, [network.layers[-2].output, network.output]
        )
        run = tf.function(
            lambda images: layers(images, training=False),
            input_signature=[image_signature(dataset)],
            autograph=False,
        )
        test, labels = _samples(dataset, "test"), dataset.labels("test")
        classes = in_batches(lambda x: run(to_unit(x))[1], test).argmax(axis=1)
        about = {
            "name": "classifier",
            "hash": cache.key(*network.get_weights()),
            "accuracy": float(np.mean(classes == labels)),
            "accuracy_split": "test",
            "num_epochs": self.num_epochs,
            "seed": self.seed,
        }
        return FeatureMap(
            about,
            lambda samples: run(to_unit(samples))[0],
            lambda samples: run(to_unit(samples))[1],
        )

    def _network(self, dataset: Any) -> keras.Model:
        """Untrained; in float32, whatever the policy of the game is."""
        seeds = iter(range(10 * self.seed, 10 * self.seed + 10))

        def settings(kind: str) -> dict[str, Any]:
            return {
                "dtype": "float32",
                "kernel_initializer": keras.initializers.HeNormal(next(seeds)),
                "activation": kind,
            }

        def convolution(width: int) -> keras.layers.Layer:
            return keras.layers.Conv2D(
                width, 3, padding="same", **settings("relu")
            )

        def pooling() -> keras.layers.Layer:
            return keras.layers.MaxPooling2D(dtype="float32")

        values = inputs = keras.Input(dataset.sample_shape, dtype="float32")
        for layer in (
            convolution(32),
            pooling(),
            convolution(64),
            pooling(),
            keras.layers.Flatten(dtype="float32"),
            keras.layers.Dense(self.depth, **settings("relu")),
            keras.layers.Dense(dataset.num_classes, **settings("softmax")),
        ):
            values = layer(values)
        return keras.Model(inputs, values)

    def _train(self, network: keras.Model, dataset: Any, to_unit: Any) -> None:
        network.compile(
            keras.optimizers.Adam(1e-3),
            "sparse_categorical_crossentropy",
            jit_compile=False,
        )
        samples = _samples(dataset, "train")
        labels = np.asarray(dataset.labels("train"))
        numbers = np.random.default_rng(self.seed)
        size = min(_BATCH_SIZE, len(samples))
        for _ in range(self.num_epochs):
            order = numbers.permutation(len(samples))
            for first in range(0, len(order) - size + 1, size):
                rows = order[first : first + size]
                network.train_on_batch(to_unit(samples[rows]), labels[rows])


def _samples(dataset: Any, split: str) -> np.ndarray:
    """All samples of a split, without conditions."""
    examples = dataset.examples(split)
    return np.concatenate(list(example_sets.sample_batches(examples)))
