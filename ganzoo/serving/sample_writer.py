"""Any number of samples to files, in the memory that one batch takes."""

import functools
import os
import pathlib
import shutil
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
import tqdm

from ganzoo.errors import ConfigurationError, RunError
from ganzoo.pictures import figures
from ganzoo.serving.exports import Export

# A grid is drawn in memory, and nobody looks at a larger one.
_MOST_IN_A_GRID = 10_000


class Batch(NamedTuple):
    """Successive samples.

    Attributes:
        values: As the format wants them: samples, images or encoded PNGs.
        labels: The class of each; None where there are no classes.
    """

    values: np.ndarray
    labels: np.ndarray | None


def sample_export(
    path: str | os.PathLike,
    num: int,
    seed: int,
    output: str,
    classes: Sequence[str] | None = None,
) -> None:
    """As `write`, from an export: neither game nor plugins are needed."""
    export = Export(path)
    about = export.provenance
    _, specs = export.signatures["serving_default"].structured_input_signature
    write(
        export.signatures,
        num,
        seed,
        output,
        [specs[name] for name in about["condition"]],
        about["num_classes"],
        classes,
    )


def write(
    signatures: Mapping[str, Callable],
    num: int,
    seed: int,
    output: str | os.PathLike,
    condition: Sequence[tf.TensorSpec] = (),
    num_classes: int | None = None,
    classes: Sequence[str] | None = None,
    batch_size: int = 500,
) -> None:
    """Writes samples in the format that the name of `output` says.

        x.png       one grid of images
        x/          a folder of images: 00000000.png and so on
        x.npz       `samples`, in the data's own space; `labels`
        x.tfrecord  a tf.train.Example each: image/encoded (PNG) or sample
                    (floats); image/class/label

    Sample i depends on the seed and on i alone; of a model that takes classes,
    samples are of all of them, or of those named, in turn. A file appears when
    it is whole.

    Args:
        signatures: See `endpoints.endpoints`.
        num: Samples.
        seed: Of the latents.
        output: File, or folder that is not there yet.
        condition: Inputs that samples are conditioned on.
        num_classes: Of the data, or None.
        classes: Those wanted, as --classes has them; None: all.
        batch_size: Samples at a time.

    Raises:
        ConfigurationError: If the number, the format or a class is wrong, or
            samples are no images and the format is for images.
        RunError: If the output is there and would be mixed, or the condition is
            something else than a class.
    """
    output = pathlib.Path(output)
    if num < 1:
        raise ConfigurationError(
            "`--num_samples` must be at least 1. Received: "
            f"--num_samples={num}."
        )
    kind, writer = _format(output, num, "images" in signatures)
    draw = functools.partial(
        _batches,
        signatures,
        kind,
        num,
        seed,
        _turns(condition, num_classes, classes),
        batch_size,
    )
    output.parent.mkdir(parents=True, exist_ok=True)
    beside = output.with_name(f".{output.name}.{os.getpid()}")
    try:
        writer(draw, num, beside)
        beside.replace(output)
    finally:
        if beside.is_dir():
            shutil.rmtree(beside)
        else:
            beside.unlink(missing_ok=True)
    print(f"{num:,} samples of seed {seed} are in {output}")


def _format(
    output: pathlib.Path, num: int, are_images: bool
) -> tuple[str, Callable]:
    """The endpoint that a format is made of, and what writes it."""
    formats = {
        ".png": ("images", _write_grid),
        "": ("png", _write_files),
        ".npz": ("serving_default", _write_npz),
        ".tfrecord": (
            "png" if are_images else "serving_default",
            _write_tfrecord,
        ),
    }
    if output.suffix not in formats:
        raise ConfigurationError(
            "`--output` must end in .png, .npz or .tfrecord, or be a folder. "
            f"Received: --output={output}."
        )
    kind, writer = formats[output.suffix]
    if kind != "serving_default" and not are_images:
        raise ConfigurationError(
            f"`--output={output}` needs samples that are images. Received: a "
            "game of other data. Write .npz or .tfrecord."
        )
    if writer is _write_grid and num > _MOST_IN_A_GRID:
        raise ConfigurationError(
            f"`--output={output}` is one grid of at most {_MOST_IN_A_GRID:,} "
            f"samples. Received: --num_samples={num}. Name a folder, .npz or "
            ".tfrecord."
        )
    if output.is_dir():
        raise RunError(
            f"{output} is there already. Name a folder that is not, so that "
            "samples of two calls do not mix."
        )
    return kind, writer


def _turns(
    condition: Sequence[tf.TensorSpec],
    num_classes: int | None,
    classes: Sequence[str] | None,
) -> np.ndarray | None:
    """The classes that samples take turns in; None where there are none."""
    if not condition:
        if classes:
            raise ConfigurationError(
                "`--classes` needs a game that is conditioned on classes. "
                f"Received: --classes={','.join(classes)} for one that is not. "
                "Leave it out."
            )
        return None
    names = [spec.name for spec in condition]
    if names != ["labels"] or num_classes is None:
        raise RunError(
            "`--mode=sample` can choose classes, but no other condition. "
            f"Received: a game conditioned on {', '.join(names)}. Call the "
            "signatures of an export with it."
        )
    known = [str(label) for label in range(num_classes)]
    for label in classes or ():
        if label not in known:
            raise ConfigurationError(
                f"`--classes` must be of 0 to {num_classes - 1}. Received: "
                f"{label!r}. Write --classes=3 or --classes=1,7."
            )
    dtype = condition[0].dtype.as_numpy_dtype  # The data's own.
    return np.array([int(label) for label in classes or known], dtype)


def _batches(
    signatures: Mapping[str, Callable],
    kind: str,
    num: int,
    seed: int,
    turns: np.ndarray | None,
    batch_size: int,
) -> Iterator[Batch]:
    with tqdm.tqdm(total=num, unit=" samples") as bar:
        for first in range(0, num, batch_size):
            size = min(batch_size, num - first)
            drawn = signatures["latents"](
                num=tf.constant(size),
                seed=tf.constant(seed, tf.int64),
                first_row=tf.constant(first, tf.int64),
            )
            labels = None
            if turns is not None:
                labels = turns[np.arange(first, first + size) % len(turns)]
                drawn["labels"] = tf.constant(labels)
            (values,) = signatures[kind](**drawn).values()
            yield Batch(values.numpy(), labels)
            bar.update(size)


def _write_grid(draw: Callable, num: int, path: pathlib.Path) -> None:
    pixels = np.concatenate([batch.values for batch in draw()])
    figures.sample_grid(pixels / 255, path)


def _write_files(draw: Callable, num: int, path: pathlib.Path) -> None:
    path.mkdir()
    index = 0
    for batch in draw():
        for encoded in batch.values:
            (path / f"{index:08d}.png").write_bytes(encoded)
            index += 1


def _write_npz(draw: Callable, num: int, path: pathlib.Path) -> None:
    """As `numpy.savez`, which wants all at once."""
    with zipfile.ZipFile(path, "w") as archive:
        label_parts = []
        with archive.open("samples.npy", "w", force_zip64=True) as file:
            for index, batch in enumerate(draw()):
                if index == 0:
                    _write_header(file, batch.values, num)
                file.write(np.ascontiguousarray(batch.values).data)
                if batch.labels is not None:
                    label_parts.append(batch.labels)
        if label_parts:
            with archive.open("labels.npy", "w", force_zip64=True) as file:
                _write_header(file, label_parts[0], num)
                for labels in label_parts:
                    file.write(labels.data)


def _write_header(file: Any, values: np.ndarray, num: int) -> None:
    header = {
        "descr": np.lib.format.dtype_to_descr(values.dtype),
        "fortran_order": False,
        "shape": (num, *values.shape[1:]),
    }
    np.lib.format.write_array_header_1_0(file, header)


def _write_tfrecord(draw: Callable, num: int, path: pathlib.Path) -> None:
    with tf.io.TFRecordWriter(str(path)) as writer:
        for batch in draw():
            for index, value in enumerate(batch.values):
                label = None if batch.labels is None else batch.labels[index]
                writer.write(
                    _example(value, label).SerializeToString(deterministic=True)
                )


def _example(value: Any, label: Any) -> tf.train.Example:
    if isinstance(value, bytes):
        feature = {
            "image/encoded": _bytes(value),
            "image/format": _bytes(b"PNG"),
        }
    else:
        feature = {
            "sample": tf.train.Feature(
                float_list=tf.train.FloatList(value=np.ravel(value))
            )
        }
    if label is not None:
        feature["image/class/label"] = tf.train.Feature(
            int64_list=tf.train.Int64List(value=[label])
        )
    return tf.train.Example(features=tf.train.Features(feature=feature))


def _bytes(value: bytes) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
