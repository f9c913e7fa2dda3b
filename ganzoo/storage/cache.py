"""What is computed once per data set and kept: by what the data is, not named.

A key is a hash of all that a value depends on, the examples themselves
included, so nothing kept here can be stale. Deleting the folder is harmless.
"""

import contextlib
import hashlib
import json
import os
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from ganzoo.errors import DataError
from ganzoo.storage import whole_files

_READ_BATCH = 1_000


def folder() -> pathlib.Path:
    """GANZOO_CACHE, else `ganzoo` in XDG_CACHE_HOME, else ~/.cache/ganzoo."""
    if chosen := os.environ.get("GANZOO_CACHE"):
        return pathlib.Path(chosen)
    outer = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(outer) / "ganzoo"


def fingerprint(dataset: Any) -> str:
    """A hash of every example and label of every split that there is.

    Args:
        dataset: See `ganzoo.interfaces.Dataset`.

    Returns:
        32 hexadecimal digits.
    """
    digest = hashlib.blake2b(digest_size=16)
    for split in ("train", "validation", "test"):
        try:
            examples = dataset.examples(split)
        except DataError:  # A data set may have no such split.
            continue
        digest.update(split.encode())
        if isinstance(examples, tf.data.Dataset):
            batches = examples.batch(_READ_BATCH).as_numpy_iterator()
        else:
            batches = iter([examples])
        for batch in batches:
            for part in tf.nest.flatten(batch):
                _add(digest, part)
        if getattr(dataset, "num_classes", None) and hasattr(dataset, "labels"):
            with contextlib.suppress(DataError):  # Not every split has them.
                _add(digest, dataset.labels(split))
    return digest.hexdigest()


def key(*parts: Any) -> str:
    """A hash of JSON values and of arrays."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        if isinstance(part, np.ndarray):
            _add(digest, part)
        else:
            digest.update(json.dumps(part, sort_keys=True).encode() + b"\0")
    return digest.hexdigest()


def recall(name: str, compute: Callable[[], Any]) -> Any:
    """The JSON value kept under `name`, computed and kept if it is not there.

    Args:
        name: Of the file, without its ending; holds a `key`.
        compute: Gives the value.
    """
    path = folder() / f"{name}.json"
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):  # Not there, or damaged: computed anew.
        value = compute()
    whole_files.write(path, json.dumps(value, allow_nan=False))
    return value


def _add(digest: Any, part: Any) -> None:
    array = np.ascontiguousarray(part)
    digest.update(f"{array.dtype}{array.shape}".encode())
    digest.update(array.view(np.uint8) if array.size else b"")
