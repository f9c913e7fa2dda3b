"""`--mode=sample`: any number of samples to each kind of file."""

import re
import tracemalloc
import zipfile

import exported_runs
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from ganzoo.errors import ConfigurationError, RunError
from ganzoo.pictures import figures
from ganzoo.run import run
from ganzoo.serving import sample_writer
from ganzoo.serving.endpoints import endpoints
from ganzoo.serving.exports import Export

NUM = 23


@pytest.fixture(scope="module")
def export(exported_run):
    return Export(exported_run / "export")


@pytest.fixture(scope="module")
def samples(export):
    """The samples of seed 5, asked for at once."""
    made = export.signatures["sample"](
        num=tf.constant(NUM), seed=tf.constant(5, tf.int64)
    )
    return made["samples"].numpy()


@pytest.fixture(scope="module")
def images(export):
    made = export.signatures["sample_images"](
        num=tf.constant(NUM), seed=tf.constant(5, tf.int64)
    )
    return made["images"].numpy()


def write(export, output, num=NUM, **options):
    sample_writer.write(
        export.signatures, num, 5, output, **{"batch_size": 10, **options}
    )
    return output


def examples(path):
    return [
        tf.train.Example.FromString(record.numpy()).features.feature
        for record in tf.data.TFRecordDataset(str(path))
    ]


def test_an_npz_holds_the_samples_of_the_seed(export, samples, tmp_path):
    with np.load(write(export, tmp_path / "x.npz")) as loaded:
        assert loaded.files == ["samples"]
        assert loaded["samples"].dtype == np.float32
        np.testing.assert_allclose(loaded["samples"], samples, 0, 1e-6)
    assert zipfile.ZipFile(tmp_path / "x.npz").testzip() is None


def test_a_png_is_one_grid(export, images, tmp_path):
    write(export, tmp_path / "x.png")
    figures.sample_grid(images / 255, tmp_path / "expected.png")
    found = np.asarray(Image.open(tmp_path / "x.png")).astype(int)
    expected = np.asarray(Image.open(tmp_path / "expected.png"))
    assert np.abs(found - expected).max() <= 1


def test_a_folder_holds_one_png_each(export, images, tmp_path):
    write(export, tmp_path / "x")
    paths = sorted((tmp_path / "x").iterdir())
    assert [path.name for path in paths] == [f"{i:08d}.png" for i in range(NUM)]
    for path, image in zip(paths, images, strict=True):
        found = np.asarray(Image.open(path)).astype(int)
        assert np.abs(found - image[..., 0]).max() <= 1


def test_a_tfrecord_holds_one_example_each(export, images, tmp_path):
    found = examples(write(export, tmp_path / "x.tfrecord"))
    assert len(found) == NUM
    for feature, image in zip(found, images, strict=True):
        assert sorted(feature) == ["image/encoded", "image/format"]
        (encoded,) = feature["image/encoded"].bytes_list.value
        decoded = tf.io.decode_png(encoded).numpy().astype(int)
        assert np.abs(decoded - image).max() <= 1


def test_classes_take_turns(tmp_path):
    gan, spec = exported_runs.labelled_game()
    table = endpoints(gan, exported_runs.LabelledImages(), spec)
    signatures = {name: point.compile() for name, point in table.items()}
    for name in ("x.npz", "x.tfrecord"):
        sample_writer.write(
            signatures,
            NUM,
            5,
            tmp_path / name,
            table["serving_default"].inputs[1:],
            num_classes=4,
            batch_size=10,
        )
    expected = np.arange(NUM) % 4
    with np.load(tmp_path / "x.npz") as loaded:
        np.testing.assert_array_equal(loaded["labels"], expected)
        z = signatures["latents"](
            num=tf.constant(NUM),
            seed=tf.constant(5, tf.int64),
            first_row=tf.constant(0, tf.int64),
        )["latents"]
        made = gan.generator([z, tf.constant(expected)], training=False)
        np.testing.assert_allclose(loaded["samples"], made, 1e-5, 1e-6)
    labels = [
        feature["image/class/label"].int64_list.value[0]
        for feature in examples(tmp_path / "x.tfrecord")
    ]
    np.testing.assert_array_equal(labels, expected)


def test_memory_does_not_grow_with_the_number(export, tmp_path):
    def peak(num, name):
        tracemalloc.start()
        try:
            write(export, tmp_path / name, num, batch_size=100)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    for name in ("x.npz", "x.tfrecord"):
        peak(200, name)  # What the first call keeps is not counted.
        few, many = peak(500, name), peak(5_000, name)
        # 4,500 samples more would take 1.1 MB in memory.
        assert many < few + 200_000


def test_the_command_samples_a_run_and_an_export_alike(
    exported_run, samples, tmp_path, capsys
):
    flags = ["--mode=sample", f"--num_samples={NUM}", "--sample_seed=5"]
    for name, source in (
        ("run", f"--run_dir={exported_run}"),
        ("export", f"--export_dir={exported_run / 'export'}"),
    ):
        output = tmp_path / f"{name}.npz"
        assert run(["ganzoo", *flags, source, f"--output={output}"]) == 0
        said = capsys.readouterr()
        assert f"{NUM} samples of seed 5 are in {output}" in said.out
        assert "samples/s" in said.err  # The bar.
        with np.load(output) as loaded:
            np.testing.assert_allclose(loaded["samples"], samples, 0, 1e-6)


@pytest.mark.parametrize(
    ("num", "name", "error", "message"),
    [
        (
            0,
            "x.npz",
            ConfigurationError,
            "`--num_samples` must be at least 1. Received: --num_samples=0.",
        ),
        (
            1,
            "x.jpg",
            ConfigurationError,
            "`--output` must end in .png, .npz or .tfrecord, or be a folder. "
            "Received: --output=",
        ),
        (
            10_001,
            "x.png",
            ConfigurationError,
            "is one grid of at most 10,000 samples. Received: "
            "--num_samples=10001. Name a folder, .npz or .tfrecord.",
        ),
        (1, "", RunError, "is there already. Name a folder that is not"),
    ],
)
def test_what_cannot_be_written_says_so(
    num, name, error, message, export, tmp_path
):
    with pytest.raises(error, match=re.escape(message)):
        write(export, tmp_path / name, num)
    assert not list(tmp_path.iterdir())


def test_samples_that_are_no_images_make_no_png(export, tmp_path):
    signatures = {
        name: function
        for name, function in export.signatures.items()
        if name in ("latents", "serving_default")
    }
    message = "needs samples that are images. Received: a game of other data."
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        sample_writer.write(signatures, 1, 0, tmp_path / "x.png")
    sample_writer.write(signatures, 2, 0, tmp_path / "x.tfrecord")
    (first, _) = examples(tmp_path / "x.tfrecord")
    assert len(first["sample"].float_list.value) == 64


def test_another_condition_than_a_class_says_so(export, tmp_path):
    message = (
        "`--mode=sample` can choose classes, but no other condition. Received: "
        "a game conditioned on condition_0, condition_1."
    )
    with pytest.raises(RunError, match=re.escape(message)):
        write(
            export,
            tmp_path / "x.npz",
            condition=[
                tf.TensorSpec([None, 2], tf.float32, f"condition_{index}")
                for index in range(2)
            ],
        )


def test_an_interrupted_file_is_not_there(export, tmp_path):
    def stop(**inputs):
        raise KeyboardInterrupt

    signatures = {**export.signatures, "serving_default": stop}
    with pytest.raises(KeyboardInterrupt):
        sample_writer.write(signatures, 5, 0, tmp_path / "x.npz")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--mode=train", "--port=1"],
            "`--port` is for --mode=serve. Received: --mode=train. Leave it "
            "out, or change the mode.",
        ),
        (
            ["--mode=sample", "--run_dir=x"],
            "`--mode=sample` needs a file to write. Received: none. Add "
            "--output, such as --output=samples.png; see --help.",
        ),
        (
            ["--mode=train,serve", "--run_dir=x"],
            "A mode that works on an export stands alone. Received: "
            "--mode=train,serve. Use it in a call of its own.",
        ),
        (
            ["--mode=serve", "--run_dir=x"],
            "x/export holds no export. Make one with --mode=export and the "
            "--run_dir of a trained run, or give its folder as --export_dir.",
        ),
    ],
)
def test_flags_that_fit_no_mode_say_so(arguments, message, capsys):
    assert run(["ganzoo", *arguments]) == 2
    assert f"Error: {message}" in capsys.readouterr().err
