"""A checkpoint on disk: whole or not there, and verified on reading.

A checkpoint is a folder of three files: `state.safetensors`, every array by
name; `manifest.json`, what it is of; `SHA256SUMS`, the check sums of both, as
`sha256sum --check` reads them. It is written beside, flushed to the disk and
renamed, so a process killed at any moment leaves the earlier ones as they were.
"""

import hashlib
import json
import os
import pathlib
import shutil
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy

from ganzoo.errors import CheckpointError

FORMAT = 1
_ARRAYS = "state.safetensors"
_MANIFEST = "manifest.json"
_SUMS = "SHA256SUMS"


class LaterFormatError(CheckpointError):
    """A checkpoint is whole, but of a later ganzoo."""


def write(
    path: pathlib.Path, arrays: dict[str, np.ndarray], manifest: dict[str, Any]
) -> None:
    """Writes a checkpoint; one that is whole already is left as it is.

    Args:
        path: The folder to be; those beside it are untouched.
        arrays: By name.
        manifest: JSON values; "format" is added.

    Raises:
        CheckpointError: If the disk is full or read-only.
    """
    beside = path.with_name(f".writing-{path.name}-{os.getpid()}")
    try:
        if is_whole(path):
            # A game at a step is one state, so there is nothing to replace.
            return
        beside.mkdir(parents=True)
        safetensors.numpy.save_file(arrays, beside / _ARRAYS)
        text = json.dumps({"format": FORMAT, **manifest}, indent=1)
        (beside / _MANIFEST).write_text(text)
        (beside / _SUMS).write_text(_sums(beside))
        for name in (_ARRAYS, _MANIFEST, _SUMS):
            _flush(beside / name)
        if path.exists():  # A damaged one.
            shutil.rmtree(path)
        beside.rename(path)
        _flush(path.parent)
    except (OSError, safetensors.SafetensorError) as error:
        shutil.rmtree(beside, ignore_errors=True)
        raise CheckpointError(
            f"No checkpoint could be written to {path}: {error}. The earlier "
            "ones are untouched. Make room or make the folder writable, then "
            "run the same command again: it goes on from the last of them."
        ) from error


def read(path: pathlib.Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays and manifest of one checkpoint.

    Raises:
        CheckpointError: If it is damaged.
        LaterFormatError: If it is whole, and of a later format than this.
    """
    try:
        manifest = json.loads((path / _MANIFEST).read_text())
        if (path / _SUMS).read_text() != _sums(path):
            raise CheckpointError(
                f"Checkpoint {path} is damaged: its check sum is not the one "
                "it was written with."
            )
        if manifest["format"] > FORMAT:
            raise LaterFormatError(
                f"Checkpoint {path} is of format {manifest['format']}; this "
                f"ganzoo reads up to {FORMAT}. Use the ganzoo that wrote it."
            )
        return safetensors.numpy.load_file(path / _ARRAYS), manifest
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        safetensors.SafetensorError,
    ) as error:
        raise CheckpointError(
            f"Checkpoint {path} is damaged: {type(error).__name__}: {error}."
        ) from error


def steps(folder: pathlib.Path) -> list[int]:
    """The steps of the checkpoints in a folder of them, ascending."""
    return sorted(
        int(path.name.removeprefix("step-"))
        for path in folder.glob("step-*")
        if path.name.removeprefix("step-").isdecimal()
    )


def best(folder: pathlib.Path) -> dict[str, Any] | None:
    """{"step": of the best, "score": its}, or None if none was scored."""
    try:
        return json.loads((folder / "best.json").read_text())
    except (OSError, ValueError):
        return None


def is_whole(path: pathlib.Path) -> bool:
    """Whether a checkpoint is there and passes its check sums."""
    try:
        return (path / _SUMS).read_text() == _sums(path)
    except (OSError, ValueError):
        return False


def _sums(path: pathlib.Path) -> str:
    return "".join(
        f"{_sha256(path / name)}  {name}\n" for name in (_ARRAYS, _MANIFEST)
    )


def _sha256(path: pathlib.Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _flush(path: pathlib.Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
