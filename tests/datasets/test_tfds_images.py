import io
import re
import shutil
import socket
import time

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf
from real_data import tfds_folder

from ganzoo.datasets.tfds_images import Cifar10, Mnist, TfdsImages
from ganzoo.errors import ConfigurationError, DataError

SPLITS = ("train", "validation", "test")


@pytest.fixture(scope="module")
def mnist():
    return Mnist(data_dir=tfds_folder("mnist"))


@pytest.fixture(scope="module")
def cifar10_folder():
    return tfds_folder("cifar10")


def _records(name, split, rows):
    """Images and labels as the files have them, read without TFDS."""
    (file,) = tf.io.gfile.glob(
        f"{tfds_folder(name)}/{name}/*/*{split}.tfrecord*"
    )
    images, labels = [], []
    stream = tf.data.TFRecordDataset(file)
    for row in rows:
        record = next(stream.skip(row).take(1).as_numpy_iterator())
        feature = tf.train.Example.FromString(record).features.feature
        encoded = feature["image"].bytes_list.value[0]
        images.append(np.asarray(PIL.Image.open(io.BytesIO(encoded))))
        labels.append(feature["label"].int64_list.value[0])
    images = np.stack(images)
    return images.reshape(*images.shape[:3], -1), labels


def test_mnist_is_split_as_the_paper_did(mnist):
    assert mnist.sample_shape == (28, 28, 1)
    assert mnist.num_classes == 10
    assert mnist.value_range == (0.0, 1.0)
    train = mnist.examples("train")
    assert train.shape == (50_000, 28, 28, 1)
    assert train.dtype == np.float32
    assert (train.min(), train.max()) == (0.0, 1.0)
    rows = [0, 1, 511, 512, 49_999]
    images, labels = _records("mnist", "train", rows)
    np.testing.assert_array_equal(np.round(train[rows] * 255), images)
    np.testing.assert_array_equal(mnist.labels("train")[rows], labels)


def test_mnist_validation_and_test(mnist):
    for split, file, first in (
        ("validation", "train", 50_000),
        ("test", "test", 0),
    ):
        samples = mnist.examples(split)
        assert samples.shape == (10_000, 28, 28, 1)
        images, labels = _records("mnist", file, [first, first + 9_999])
        np.testing.assert_array_equal(np.round(samples[[0, -1]] * 255), images)
        np.testing.assert_array_equal(mnist.labels(split)[[0, -1]], labels)


def test_mnist_classes_are_those_of_the_set(mnist):
    labels = np.concatenate([mnist.labels("train"), mnist.labels("validation")])
    assert labels.dtype == np.int64
    assert np.bincount(labels).tolist() == [
        *(5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949),
    ]


def test_cifar10_contrast(cifar10_folder):
    dataset = Cifar10(contrast_normalization=55.0, data_dir=cifar10_folder)
    assert dataset.sample_shape == (32, 32, 3)
    assert dataset.value_range is None
    samples = dataset.examples("test")
    assert samples.shape == (10_000, 32, 32, 3)
    flat = samples.reshape(10_000, -1).astype(np.float64)
    np.testing.assert_allclose(flat.mean(axis=1), 0.0, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(flat, axis=1), 55.0, rtol=1e-5)
    rows = [0, 4321, 9_999]
    images, _ = _records("cifar10", "test", rows)
    raw = images.reshape(3, -1).astype(np.float64)
    raw -= raw.mean(axis=1, keepdims=True)
    raw *= 55 / np.linalg.norm(raw, axis=1, keepdims=True)
    np.testing.assert_allclose(flat[rows], raw, atol=1e-5)
    unit = dataset.to_unit(samples[:1000]).numpy()
    assert (unit.min(), unit.max()) == (0.0, 1.0)
    assert np.mean((unit == 0) | (unit == 1)) < 0.01
    np.testing.assert_array_equal(dataset.to_unit(samples[:1]), unit[:1])


def test_cifar10_splits_and_range(cifar10_folder):
    dataset = Cifar10(
        value_range=(-1.0, 1.0), conditional=True, data_dir=cifar10_folder
    )
    samples, labels = dataset.examples("validation")
    assert samples.shape == (10_000, 32, 32, 3)
    images, classes = _records("cifar10", "train", [40_000, 49_999])
    np.testing.assert_allclose(
        samples[[0, -1]], images / 127.5 - 1.0, atol=1e-6
    )
    assert labels[[0, -1]].tolist() == classes
    np.testing.assert_allclose(
        dataset.to_unit(samples[:1]), images[:1] / 255, atol=1e-6
    )
    assert len(dataset.labels("train")) == 40_000


def test_stream_equals_arrays(cifar10_folder):
    arguments = {
        "name": "cifar10",
        "test_split": "test[-40:]",
        "conditional": True,
        "contrast_normalization": 10.0,
        "data_dir": cifar10_folder,
    }
    stream = TfdsImages(max_bytes_in_memory=1000, **arguments).examples("test")
    assert isinstance(stream, tf.data.Dataset)
    assert stream.cardinality() == 40
    streamed = next(stream.batch(99).as_numpy_iterator())
    samples, labels = TfdsImages(**arguments).examples("test")
    np.testing.assert_allclose(streamed[0], samples, atol=1e-6)
    np.testing.assert_array_equal(streamed[1], labels)


def test_images_are_resized(mnist):
    dataset = TfdsImages(
        "mnist",
        test_split="test[:10]",
        image_size=(14, 14),
        data_dir=mnist.data_dir,
    )
    assert dataset.sample_shape == (14, 14, 1)
    samples = dataset.examples("test")
    images, _ = _records("mnist", "test", range(10))
    resized = [
        PIL.Image.fromarray(image[..., 0]).resize(
            (14, 14), PIL.Image.Resampling.BILINEAR
        )
        for image in images
    ]
    np.testing.assert_allclose(
        samples[..., 0] * 255, np.stack(resized), atol=1.01
    )


def test_images_of_varying_size(tmp_path):
    import tensorflow_datasets as tfds

    class VariedImages(tfds.core.GeneratorBasedBuilder):
        VERSION = tfds.core.Version("1.0.0")

        def _info(self):
            return tfds.core.DatasetInfo(
                builder=self,
                features=tfds.features.FeaturesDict(
                    {
                        "picture": tfds.features.Image(shape=(None, None, 3)),
                        "boxes": tfds.features.Sequence(np.int64),
                    }
                ),
                disable_shuffling=True,
            )

        def _split_generators(self, dl_manager):
            return {"train": self._generate_examples()}

        def _generate_examples(self):
            for i in range(7):
                image = np.full((10 + i, 20 - i, 3), 30 * i, np.uint8)
                yield i, {"picture": image, "boxes": [1] * i}

    VariedImages(data_dir=tmp_path).download_and_prepare()
    arguments = {"image_key": "picture", "data_dir": str(tmp_path)}
    with pytest.raises(
        DataError,
        match=re.escape(
            "Images of data set 'varied_images' must have one size. Received: "
            "shape (None, None, 3). Set `image_size` to (height, width)."
        ),
    ):
        TfdsImages("varied_images", **arguments)
    dataset = TfdsImages("varied_images", image_size=(8, 4), **arguments)
    samples = dataset.examples("train")
    assert samples.shape == (7, 8, 4, 3)
    np.testing.assert_allclose(
        samples[:, 0, 0, 0], np.arange(7) * 30 / 255, atol=1e-6
    )
    assert dataset.num_classes is None
    with pytest.raises(
        DataError,
        match=re.escape(
            "`label_key` must name a class label of data set 'varied_images'. "
            "Received: 'label'. Its features: boxes, picture."
        ),
    ):
        dataset.labels("train")


def test_missing_data_is_said_at_once_and_without_the_network(
    tmp_path, monkeypatch
):
    def refuse(*arguments, **keywords):
        raise RuntimeError("used the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    # Set after TFDS was imported, which TFDS itself would not notice.
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    start = time.monotonic()
    with pytest.raises(DataError) as caught:
        Mnist().examples("train")
    assert time.monotonic() - start < 5
    assert str(caught.value) == (
        f"Data set 'mnist' is not prepared. Looked in: {tmp_path}/mnist/3.0.1. "
        "Set TFDS_DATA_DIR or `data_dir` to the folder that has it, or "
        'download it: python -c "import tensorflow_datasets as tfds; '
        f"tfds.builder('mnist', data_dir='{tmp_path}').download_and_prepare()\""
    )


def test_the_argument_goes_before_the_variable(tmp_path, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", "elsewhere")
    with pytest.raises(
        DataError, match=re.escape(f"Looked in: {tmp_path}/mnist/3.0.1.")
    ):
        Mnist(data_dir=str(tmp_path)).labels("test")


@pytest.mark.parametrize("damage", ["truncated", "missing"])
def test_damaged_files(mnist, tmp_path, damage):
    folder = tmp_path / "mnist" / "3.0.1"
    shutil.copytree(
        f"{mnist.data_dir}/mnist/3.0.1",
        folder,
        ignore=shutil.ignore_patterns("*train*"),
    )
    (file,) = folder.glob("*test.tfrecord*")
    if damage == "missing":
        file.unlink()
        received = "0"
    else:
        file.write_bytes(file.read_bytes()[:50_000])
        received = r"\d+"
    with pytest.raises(
        DataError,
        match=f"^Split 'test' in {folder} must have 10,000 whole records. "
        f"Received: {received}. Some of its files are missing or damaged",
    ):
        Mnist(data_dir=str(tmp_path)).examples("test")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "mnits",
            "`name` must be a data set that TFDS knows or that is prepared in "
            "{folder}. Received: 'mnits'. Did you mean 'mnist'?",
        ),
        (
            "my_own_set",
            "Received: 'my_own_set'. Did you mean 'my_own_sets'?",
        ),
        (
            "huggingface:mnist",
            "`name` must be a data set of TFDS' own. Received: "
            "'huggingface:mnist', which needs the network. Prepare it first, "
            "and use the name it then has.",
        ),
        (
            "mnist/none",
            "`name` could not be opened as a TFDS data set. Received: "
            "'mnist/none', looked for in {folder}. ValueError: ",
        ),
        (
            "imdb_reviews",
            "`image_key` must name an image of data set 'imdb_reviews'. "
            "Received: 'image'. Its features: label, text.",
        ),
    ],
)
def test_bad_names(tmp_path, name, message):
    (tmp_path / "my_own_sets").mkdir()
    with pytest.raises(
        DataError, match=re.escape(message.format(folder=tmp_path))
    ) as caught:
        TfdsImages(name, data_dir=str(tmp_path))
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("part", [None, "tset", "test[:0]", "test[20000:]"])
def test_bad_parts(mnist, part):
    dataset = TfdsImages("mnist", test_split=part, data_dir=mnist.data_dir)
    with pytest.raises(
        DataError,
        match=re.escape(
            "`test_split` must be a part of data set 'mnist/3.0.1'. Received: "
            f"{part!r}. It has: train (60,000), test (10,000); a part is "
            "written like 'train[90%:]'."
        ),
    ):
        dataset.examples("test")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"value_range": (0.0, 1.0), "contrast_normalization": 55.0},
            "`value_range` and `contrast_normalization` exclude each other. "
            "Received: value_range=(0.0, 1.0), contrast_normalization=55.0. "
            "Set one of them.",
        ),
        (
            {"contrast_normalization": 0.0},
            "`contrast_normalization` must be positive. Received: "
            "contrast_normalization=0.0.",
        ),
    ],
)
def test_contradictions(tmp_path, arguments, message):
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        Cifar10(data_dir=str(tmp_path), **arguments)
