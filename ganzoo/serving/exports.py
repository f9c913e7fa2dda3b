"""Exports on the disk: numbered SavedModels in one folder, as servers watch it.

    export/1/saved_model.pb variables/ assets.extra/

An export is whole or not there: it is written beside and then renamed. Reading
one needs TensorFlow alone: neither the game nor the components that made it.
"""

import json
import os
import pathlib
import shutil
from collections.abc import Callable, Mapping
from typing import Any

from ganzoo.errors import RunError

# SavedModel's folder for files that are not part of the graph.
RECORDS = "assets.extra"
PROVENANCE = "provenance.json"


def versions(folder: pathlib.Path) -> list[int]:
    """The versions in a folder, ascending."""
    return sorted(int(path.name) for path in folder.glob("[0-9]*"))


def newest(path: str | os.PathLike) -> pathlib.Path:
    """The export that a path means: itself, or the newest one in it.

    Raises:
        RunError: If there is none.
    """
    path = pathlib.Path(path)
    if (path / "saved_model.pb").exists():
        return path
    if not path.is_dir() or not versions(path):
        raise RunError(
            f"{path} holds no export. Make one with --mode=export and the "
            "--run_dir of a trained run, or give its folder as --export_dir."
        )
    return path / str(versions(path)[-1])


def add(
    folder: pathlib.Path, write: Callable[[str], None], records: Mapping
) -> pathlib.Path:
    """Adds an export to a folder, unless the newest has the same records.

    Args:
        folder: Made if it is not there; no other process may add to it.
        write: Writes a SavedModel to the path that it is given.
        records: {file name: text} of where it comes from.

    Returns:
        The folder of the version.
    """
    folder.mkdir(parents=True, exist_ok=True)
    number = max(versions(folder), default=0)
    latest = folder / str(number)
    if number and all(
        (latest / RECORDS / name).exists()
        and (latest / RECORDS / name).read_text() == text
        for name, text in records.items()
    ):
        return latest
    for left_behind in folder.glob(".*"):  # By a process that was killed.
        shutil.rmtree(left_behind)
    beside = folder / f".{number + 1}"
    write(str(beside))
    (beside / RECORDS).mkdir()
    for name, text in records.items():
        (beside / RECORDS / name).write_text(text)
    return beside.rename(folder / str(number + 1))


class Export:
    """An export, loaded.

    Args:
        path: Its folder, or that of its versions: then the newest counts.

    Attributes:
        version: Its number; 1 where the folder is called otherwise.
        provenance: Where it comes from: run, step, weights, numbers, ...
        signatures: {name: function of named tensors -> {name: tensor}}.
        signature_defs: The same as protocol messages, by name.

    Raises:
        RunError: If there is no export of a game.
    """

    def __init__(self, path: str | os.PathLike):
        import tensorflow as tf
        from tensorflow.core.protobuf import saved_model_pb2

        self.path = newest(path)
        record = self.path / RECORDS / PROVENANCE
        if not record.exists():
            raise RunError(
                f"{self.path} is no export of ganzoo: {record} is not there."
            )
        self.version = int(self.path.name) if self.path.name.isdigit() else 1
        self.provenance: dict[str, Any] = json.loads(record.read_text())
        self._model = tf.saved_model.load(str(self.path))
        self.signatures: Mapping[str, Any] = self._model.signatures
        message = saved_model_pb2.SavedModel.FromString(
            (self.path / "saved_model.pb").read_bytes()
        )
        self.signature_defs = {
            name: definition
            for name, definition in message.meta_graphs[0].signature_def.items()
            if not name.startswith("__")
        }
