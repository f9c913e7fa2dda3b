"""Feature maps: fixed, batch by batch, and recorded for what they are."""

import math
import re

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

from ganzoo import classifier
from ganzoo.classifier import Classifier
from ganzoo.datasets.densities import GaussianRing
from ganzoo.datasets.digits import Digits
from ganzoo.errors import ConfigurationError, DataError
from ganzoo.evaluators.modes import Modes
from ganzoo.features import Inception, Pixels, RandomConvolutions
from ganzoo.storage import cache

DIGITS = Digits()
TRAIN = DIGITS.examples("train")


@pytest.fixture(scope="module")
def trained():
    return Classifier(depth=16, num_epochs=8).fit(DIGITS)


def test_pixels_are_what_they_are_in_any_range():
    stretched = Digits((-1.0, 1.0))
    found = Pixels().fit(stretched).features(stretched.examples("train")[:600])
    np.testing.assert_allclose(found, TRAIN[:600].reshape(600, 64), atol=1e-6)


def test_random_convolutions_are_those_of_numpy():
    feature_map = RandomConvolutions((2, 3), seed=4).fit(DIGITS)
    found = feature_map.features(TRAIN[:5])
    numbers = np.random.default_rng(4)
    layer, expected = 2 * TRAIN[:5].astype(np.float64) - 1, []
    for width in (2, 3):
        channels = layer.shape[-1]
        scale = math.sqrt(2 / (9 * channels))
        kernel = numbers.normal(scale=scale, size=(3, 3, channels, width))
        size = layer.shape[1] // 2
        padded = np.pad(layer, [(0, 0), (0, 1), (0, 1), (0, 0)])
        rows = [
            np.einsum(
                "bhwc,hwcd->bd",
                padded[:, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3],
                kernel,
            )
            for i in range(size)
            for j in range(size)
        ]
        layer = np.maximum(np.stack(rows, axis=1), 0)
        expected.append(layer.mean(axis=1))
        layer = layer.reshape(5, size, size, width)
    np.testing.assert_allclose(found, np.concatenate(expected, 1), atol=1e-5)


def test_random_convolutions_are_recorded_by_their_weights():
    hashes = [
        RandomConvolutions((2,), seed).fit(DIGITS).about["hash"]
        for seed in (0, 0, 1)
    ]
    assert hashes[0] == hashes[1] != hashes[2]


def test_the_classifier_learns_and_records_its_accuracy(trained):
    assert trained.about["accuracy"] > 0.85
    probabilities = trained.probabilities(DIGITS.examples("test"))
    labels = DIGITS.labels("test")
    accuracy = np.mean(probabilities.argmax(axis=1) == labels)
    assert trained.about["accuracy"] == pytest.approx(accuracy)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert trained.features(TRAIN[:7]).shape == (7, 16)


def test_the_classifier_is_kept_and_mended(trained, monkeypatch):
    def refuse(*_):
        raise AssertionError("It is trained already.")

    monkeypatch.setattr(Classifier, "_train", refuse)
    settings = {"depth": 16, "num_epochs": 8}
    assert Classifier(**settings).fit(DIGITS).about == trained.about
    with pytest.raises(AssertionError):  # Other data, another classifier.
        Classifier(**settings).fit(Digits((-1.0, 1.0)))
    paths = list(cache.folder().glob("classifier-*.npz"))
    newest = max(paths, key=lambda path: path.stat().st_mtime)
    newest.write_bytes(b"damaged")
    with pytest.raises(AssertionError):
        Classifier(**settings).fit(DIGITS)


def test_the_classifier_reads_streams_and_conditions():
    class Streamed(Digits):
        def examples(self, split):
            return tf.data.Dataset.from_tensor_slices(super().examples(split))

    streamed = Streamed(conditional=True)
    np.testing.assert_array_equal(classifier._samples(streamed, "train"), TRAIN)


def test_classes_of_samples(trained):
    class Trained:
        def fit(self, dataset):
            return trained

    class Repeated:
        """Digits of the test set that show a 0 or a 1."""

        def sample(self, num, seed):
            is_low = DIGITS.labels("test") < 2
            yield np.resize(DIGITS.examples("test")[is_low], (num, 8, 8, 1))

    evaluator = Modes(num_samples=300, min_share=0.1, features=Trained())
    results = {
        name: (value, protocol)
        for name, value, protocol in evaluator.run(Repeated(), DIGITS)
    }
    assert results["classes_found"][0] == 2
    entropy, protocol = results["class_entropy"]
    shares = np.array(protocol["histogram"])
    shares = shares[shares > 0]
    assert entropy == pytest.approx(-np.sum(shares * np.log(shares)))
    (warning,) = protocol["warnings"]
    assert warning.endswith("modes are lost.")
    labels = np.bincount(DIGITS.labels("train")) / len(TRAIN)
    histogram = np.array(protocol["histogram"])
    present = histogram > 0
    assert results["class_kl_divergence"][0] == pytest.approx(
        np.sum(
            histogram[present] * np.log(histogram[present] / labels[present])
        )
    )
    assert 0.1 < results["class_mean_confidence"][0] <= 1
    assert protocol["features"]["accuracy"] == trained.about["accuracy"]


def test_pixels_do_not_classify():
    message = (
        "`features` must classify. Received: 'pixels'. Bind "
        "@features.classifier()."
    )
    with pytest.raises(ConfigurationError, match=f"^{re.escape(message)}$"):
        Pixels().fit(DIGITS).probabilities(TRAIN[:3])


def test_a_classifier_needs_labels():
    class Unlabelled:
        sample_shape, num_classes = (8, 8, 1), None
        to_unit = staticmethod(lambda samples: samples)

    with pytest.raises(DataError, match="needs a data set with labels."):
        Classifier().fit(Unlabelled())
    with pytest.raises(DataError, match="needs a data set of images."):
        Classifier().fit(GaussianRing())


def test_inception_without_weights_says_where_they_go(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    message = (
        "`features.inception` needs a file of weights. Received: "
        f"{tmp_path}/models/inception_v3_weights_tf_dim_ordering_tf_kernels_"
        "notop.h5, which is not there."
    )
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        Inception().fit(DIGITS)


def write_as_keras_applications_do(network, path):
    """The layout of the published file: a group of arrays for each layer."""
    layers = [layer for layer in network.layers if layer.weights]
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.name.encode() for layer in layers]
        file.attrs["backend"] = b"tensorflow"
        file.attrs["keras_version"] = b"2.0.0"
        for layer in layers:
            group = file.create_group(layer.name)
            names = [f"{layer.name}/{w.name}:0" for w in layer.weights]
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name, weight in zip(names, layer.weights, strict=True):
                group[name] = weight.numpy()


@pytest.mark.slow
def test_inception_takes_grey_images_through_the_weights_of_its_file(
    tmp_path, monkeypatch
):
    network = keras.applications.InceptionV3(
        include_top=False,
        weights=None,
        pooling="avg",
        input_shape=(299, 299, 3),
    )
    (tmp_path / "models").mkdir()
    name = "inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5"
    write_as_keras_applications_do(network, tmp_path / "models" / name)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    feature_map = Inception().fit(DIGITS)
    found = feature_map.features(TRAIN[:2])
    images = tf.image.resize(TRAIN[:2], [299, 299], antialias=True)
    images = 2 * np.repeat(images, 3, axis=-1) - 1
    np.testing.assert_allclose(found, network(images), rtol=1e-3, atol=1e-5)
    assert feature_map.about["name"] == "inception_v3"
    assert len(feature_map.about["hash"]) == 32
