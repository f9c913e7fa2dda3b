"""Reading what TensorFlow Datasets (TFDS) has prepared, and nothing else.

Nothing here downloads: where a set is missing, the error says how to get it.
"""

import os
import pathlib
from typing import Any

import numpy as np
import tensorflow as tf

from ganzoo.errors import DataError, did_you_mean

# With so many in flight, records come four times as fast as with TFDS' default.
PARALLEL_CALLS = 64


def open_builder(name: str, data_dir: str | None) -> Any:
    """The TFDS builder of a set: what is known about it, with or without data.

    Args:
        name: TFDS name.
        data_dir: Folder of prepared sets. If None, the environment variable
            TFDS_DATA_DIR, and if that is unset, ~/tensorflow_datasets.

    Raises:
        DataError: If there is no such set, or it cannot be opened.
    """
    import tensorflow_datasets as tfds

    # Asked for here: TFDS itself reads the variable once, when it is imported.
    folder = data_dir or os.environ.get("TFDS_DATA_DIR")
    folder = os.path.expanduser(folder or "~/tensorflow_datasets")
    plain_name, colon, version = name.partition(":")
    if colon and not version[:1].isdigit():
        raise DataError(
            f"`name` must be a data set of TFDS' own. Received: {name!r}, "
            "which needs the network. Prepare it first, and use the name it "
            "then has."
        )
    try:
        return tfds.builder(name, data_dir=folder)
    except tfds.core.DatasetNotFoundError as error:
        known = tfds.list_builders(with_community_datasets=False)
        known += [entry.name for entry in pathlib.Path(folder).glob("[!.]*/")]
        raise DataError(
            "`name` must be a data set that TFDS knows or that is prepared in "
            f"{folder}. Received: {name!r}.{did_you_mean(plain_name, known)}"
        ) from error
    except Exception as error:  # AssertionError, KeyError, ParseError, ...
        reason = str(error).partition("\n")[0]
        raise DataError(
            "`name` could not be opened as a TFDS data set. Received: "
            f"{name!r}, looked for in {folder}. {type(error).__name__}: "
            f"{reason}"
        ) from error


def num_records(builder: Any, parameter: str, part: str | None) -> int:
    """How many records a part of a set has.

    Args:
        builder: As `open_builder` returned it.
        parameter: What a user calls the part, for messages.
        part: In TFDS' notation, such as "train[:90%]".

    Raises:
        DataError: If the set is not prepared, or `part` is None, unknown or
            empty.
    """
    info = builder.info
    if not info.splits:
        root = builder.data_path.parents[info.full_name.count("/")]
        name = info.full_name.rpartition("/")[0]
        raise DataError(
            f"Data set {name!r} is not prepared. Looked in: "
            f"{builder.data_path}. Set TFDS_DATA_DIR or `data_dir` to the "
            "folder that has it, or download it: "
            'python -c "import tensorflow_datasets as tfds; tfds.builder('
            f'{name!r}, data_dir={str(root)!r}).download_and_prepare()"'
        )
    try:
        num = info.splits[part].num_examples if part else 0
    except (KeyError, ValueError) as error:
        raise _part_error(info, parameter, part) from error
    if not num:
        raise _part_error(info, parameter, part)
    return num


def read(
    builder: Any, part: str, skip_decoding: tuple[str, ...] = ()
) -> tf.data.Dataset:
    """Records in the order they have on disk, as dicts of features.

    Args:
        builder: As `open_builder` returned it.
        part: In TFDS' notation.
        skip_decoding: Features to leave as they are stored.
    """
    import tensorflow_datasets as tfds

    return builder.as_dataset(
        split=part,
        shuffle_files=False,
        decoders={key: tfds.decode.SkipDecoding() for key in skip_decoding},
        read_config=tfds.ReadConfig(
            interleave_cycle_length=1,  # One file after the other.
            num_parallel_calls_for_decode=PARALLEL_CALLS,
            try_autocache=False,
        ),
    )


def can_batch(records: tf.data.Dataset) -> bool:
    """Whether every feature has one shape in all records."""
    return all(
        isinstance(spec, tf.TensorSpec) and spec.shape.is_fully_defined()
        for spec in tf.nest.flatten(records.element_spec)
    )


def collect(batches: tf.data.Dataset, num: int, source: str) -> Any:
    """All of a stream as arrays [num, ...], in the structure of its elements.

    Raises:
        DataError: If `source` does not give `num` records.
    """
    arrays = tf.nest.map_structure(
        lambda spec: np.empty(
            (num, *spec.shape[1:]), spec.dtype.as_numpy_dtype
        ),
        batches.element_spec,
    )
    first = 0
    cause = None
    try:
        for batch in batches.prefetch(1):
            last = first + len(tf.nest.flatten(batch)[0])
            for array, values in zip(
                tf.nest.flatten(arrays), tf.nest.flatten(batch), strict=True
            ):
                array[first:last] = values.numpy()
            first = last
    except tf.errors.OpError as error:
        cause = error
    if first != num:
        raise DataError(
            f"{source} must have {num:,} whole records. Received: {first:,}. "
            "Some of its files are missing or damaged: prepare it again."
        ) from cause
    return arrays


def _part_error(info: Any, parameter: str, part: str | None) -> DataError:
    known = ", ".join(
        f"{name} ({split.num_examples:,})"
        for name, split in info.splits.items()
    )
    return DataError(
        f"`{parameter}` must be a part of data set {info.full_name!r}. "
        f"Received: {part!r}. It has: {known}; a part is written like "
        "'train[90%:]'."
    )
