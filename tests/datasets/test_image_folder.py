import re

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

from ganzoo.datasets.image_folder import ImageFolder
from ganzoo.errors import ConfigurationError, DataError


def _write(folder, num=20, size=(6, 5), mode="RGB", prefix="image"):
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(len(prefix))
    channels = () if mode == "L" else (len(mode),)
    for i in range(num):
        pixels = random.integers(0, 256, (*size, *channels)).astype(np.uint8)
        PIL.Image.fromarray(pixels).save(folder / f"{prefix}{i:02}.png")


def _images(dataset):
    parts = {s: dataset.examples(s) for s in ("train", "validation", "test")}
    return {split: list(samples) for split, samples in parts.items()}


def test_splits_cover_the_folder_once(tmp_path):
    _write(tmp_path / "deep" / "er", num=10)
    _write(tmp_path, num=10, prefix="other")
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / ".hidden.png").write_text("no image")
    dataset = ImageFolder(tmp_path, test_fraction=0.2)
    assert dataset.sample_shape == (6, 5, 3)
    assert dataset.num_classes is None
    parts = _images(dataset)
    assert [len(part) for part in parts.values()] == [14, 2, 4]
    samples = np.concatenate(list(parts.values()))
    assert samples.dtype == np.float32
    files = sorted(tmp_path.rglob("[!.]*.png"))
    expected = [np.asarray(PIL.Image.open(file)) for file in files]
    assert {np.round(s * 255).astype(np.uint8).tobytes() for s in samples} == {
        image.tobytes() for image in expected
    }


def test_what_is_hidden_is_neither_image_nor_class(tmp_path):
    _write(tmp_path / "a")
    _write(tmp_path / ".ipynb_checkpoints")
    _write(tmp_path / "a" / "deep" / ".thumbs")
    assert ImageFolder(tmp_path).num_classes is None
    _write(tmp_path / "b")
    (tmp_path / "b" / "folder.png").mkdir()
    dataset = ImageFolder(tmp_path, conditional=True)
    assert dataset.num_classes == 2
    assert sum(map(len, _images(ImageFolder(tmp_path)).values())) == 40
    # That the folder itself lies in a hidden one says nothing of it.
    _write(tmp_path / ".mine" / "x")
    ImageFolder(tmp_path / ".mine")


def test_what_is_transparent_is_shown_on_white(tmp_path):
    black, half = (0, 0, 0, 0), (100, 100, 100, 128)
    solid = (10, 20, 30, 255)
    pixels = np.array([[black, half, solid]], np.uint8)
    folders = {name: tmp_path / name for name in ("rgba", "grey", "palette")}
    for folder in folders.values():
        folder.mkdir()
    PIL.Image.fromarray(pixels).save(folders["rgba"] / "x.png")
    PIL.Image.fromarray(pixels[..., 2:]).save(folders["grey"] / "x.png")
    indexed = PIL.Image.fromarray(np.array([[0, 1, 1]], np.uint8), "L")
    indexed.putpalette([0, 0, 0, 10, 20, 30])
    indexed.save(folders["palette"] / "x.png", transparency=0)
    everything = {
        "channels": 3,
        "value_range": (0, 255),
        "validation_fraction": 0.0,
        "test_fraction": 0.0,
    }
    rgba, grey, palette = (
        ImageFolder(folder, **everything).examples("train")[0, 0]
        for folder in folders.values()
    )
    blended = 255 - round(155 * 128 / 255)
    assert rgba.tolist() == [[255] * 3, [blended] * 3, [10, 20, 30]]
    assert grey.tolist() == [[255] * 3, [blended] * 3, [30] * 3]
    assert palette.tolist() == [[255] * 3, [10, 20, 30], [10, 20, 30]]
    everything["channels"] = 1
    dataset = ImageFolder(folders["grey"], **everything)
    grey = dataset.examples("train")[0, 0]
    assert grey.ravel().tolist() == [255, blended, 30]


def test_every_copy_is_split_alike(tmp_path):
    _write(tmp_path / "one")
    _write(tmp_path / "two")
    one, two = (
        _images(ImageFolder(tmp_path / name)) for name in ("one", "two")
    )
    for split in one:
        np.testing.assert_array_equal(one[split], two[split])


def test_examples_are_sorted_by_path(tmp_path):
    _write(tmp_path, num=5)
    dataset = ImageFolder(
        tmp_path,
        validation_fraction=0.0,
        test_fraction=0.0,
        value_range=(0, 255),
    )
    samples = dataset.examples("train")
    expected = np.stack(
        [
            np.asarray(PIL.Image.open(file))
            for file in sorted(tmp_path.glob("*"))
        ]
    )
    np.testing.assert_array_equal(samples, expected)
    np.testing.assert_allclose(
        dataset.to_unit(samples), expected / 255, atol=1e-7
    )


def test_grey_images(tmp_path):
    _write(tmp_path, mode="L")
    dataset = ImageFolder(tmp_path)
    assert dataset.sample_shape == (6, 5, 1)
    assert dataset.examples("train").shape == (16, 6, 5, 1)


def test_subfolders_as_classes(tmp_path):
    _write(tmp_path / "dogs", size=(4, 4))
    _write(tmp_path / "cats", size=(4, 4), prefix="cat")
    dataset = ImageFolder(tmp_path, conditional=True)
    assert dataset.num_classes == 2
    samples, labels = dataset.examples("train")
    assert labels.dtype == np.int64
    cats = {
        np.asarray(PIL.Image.open(file)).tobytes()
        for file in (tmp_path / "cats").iterdir()
    }
    for sample, label in zip(samples, labels, strict=True):
        is_cat = np.round(sample * 255).astype(np.uint8).tobytes() in cats
        assert label == (0 if is_cat else 1)
    np.testing.assert_array_equal(labels, dataset.labels("train"))


@pytest.mark.parametrize("conditional", [False, True])
def test_stream_equals_arrays(tmp_path, conditional):
    _write(tmp_path / "a")
    _write(tmp_path / "b", prefix="more")
    stream = ImageFolder(
        tmp_path, conditional=conditional, max_bytes_in_memory=100
    ).examples("train")
    arrays = ImageFolder(tmp_path, conditional=conditional).examples("train")
    assert isinstance(stream, tf.data.Dataset)
    assert stream.cardinality() == 32
    streamed = next(stream.batch(100).as_numpy_iterator())
    tf.nest.map_structure(np.testing.assert_array_equal, streamed, arrays)


def test_sizes_and_colours_are_made_equal_on_request(tmp_path):
    _write(tmp_path, num=5, size=(8, 8))
    _write(tmp_path, num=5, size=(9, 7), mode="L", prefix="grey")
    _write(tmp_path, num=5, size=(20, 10), mode="RGBA", prefix="clear")
    for channels in (1, 3):
        dataset = ImageFolder(tmp_path, image_size=(4, 6), channels=channels)
        assert dataset.sample_shape == (4, 6, channels)
        assert dataset.examples("train").shape[1:] == (4, 6, channels)


def test_mixed_sizes(tmp_path):
    _write(tmp_path, num=2)
    _write(tmp_path, num=1, size=(7, 5), prefix="large")
    with pytest.raises(
        DataError,
        match=re.escape(
            f"Images of {tmp_path} must have one size. Received: (6, 5) in "
            "image00.png, (7, 5) in large00.png. Set `image_size`."
        ),
    ):
        ImageFolder(tmp_path)


def test_mixed_colours(tmp_path):
    _write(tmp_path, num=2)
    _write(tmp_path, num=1, mode="L", prefix="grey")
    with pytest.raises(
        DataError,
        match=re.escape(
            f"Images of {tmp_path} must have one PIL mode. Received: L in "
            "grey00.png, RGB in image00.png. Set `channels`."
        ),
    ):
        ImageFolder(tmp_path)


def test_transparent_images(tmp_path):
    _write(tmp_path, num=2, mode="RGBA")
    with pytest.raises(
        DataError,
        match=re.escape(
            f"Images of {tmp_path} must be grey (L) or RGB. Received: PIL mode "
            "'RGBA' in image00.png. Set `channels` to 1 or 3."
        ),
    ):
        ImageFolder(tmp_path)


def test_deep_pixels(tmp_path):
    PIL.Image.fromarray(np.full((4, 4), 60_000, np.uint16)).save(
        tmp_path / "a.png"
    )
    with pytest.raises(
        DataError,
        match=re.escape(f"{tmp_path / 'a.png'} must have 8 bits to a channel."),
    ):
        ImageFolder(tmp_path, channels=1)


def test_unreadable_files(tmp_path):
    _write(tmp_path)
    broken = tmp_path / "image07.png"
    whole = broken.read_bytes()
    broken.write_bytes(whole[:60])
    dataset = ImageFolder(tmp_path)
    with pytest.raises(
        DataError,
        match=re.escape(f"{broken} must be a whole image. Received: "),
    ):
        _images(dataset)
    broken.write_bytes(b"text")
    with pytest.raises(
        DataError,
        match=re.escape(f"{broken} must be a whole image. Received: "),
    ):
        ImageFolder(tmp_path)


def test_missing_and_empty_folders(tmp_path):
    with pytest.raises(
        DataError,
        match=re.escape(
            "`path` must be a folder of images. Received: "
            f"{tmp_path / 'none'}, which is no folder."
        ),
    ):
        ImageFolder(tmp_path / "none")
    with pytest.raises(
        DataError,
        match=re.escape(
            f"`path` must be a folder of images. Received: {tmp_path}, which "
            "has no file that ends in .png, "
        ),
    ):
        ImageFolder(tmp_path)


def test_empty_split(tmp_path):
    _write(tmp_path, num=3)
    with pytest.raises(
        DataError,
        match=re.escape(
            f"Split 'validation' of {tmp_path} must have images. Received: "
            "none of 3. Add images, or change its fraction."
        ),
    ):
        ImageFolder(tmp_path).examples("validation")


def test_labels_without_classes(tmp_path):
    _write(tmp_path)
    with pytest.raises(
        DataError,
        match=re.escape(
            f"{tmp_path} must have its images in two or more subfolders"
        ),
    ):
        ImageFolder(tmp_path, conditional=True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"channels": 2}, "`channels` must be 1 or 3. Received: channels=2."),
        (
            {"image_size": 64},
            "`image_size` must be (height, width), in pixels. Received: 64. "
            "Write image_size = (64, 64), or None.",
        ),
        (
            {"test_fraction": 0.9},
            "`validation_fraction` and `test_fraction` must leave images to "
            "train on. Received: 0.1 and 0.9.",
        ),
    ],
)
def test_bad_arguments(tmp_path, arguments, message):
    _write(tmp_path, num=1)
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        ImageFolder(tmp_path, **arguments)
