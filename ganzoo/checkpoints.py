"""Checkpoints that can be trusted: whole or not there, and verified on reading.

A checkpoint is a folder `step-00001000/` with `state.safetensors` (every array
of the game by name) and `manifest.json` (the step, what it is of, and the
SHA-256 of the arrays). It is written beside, flushed to the disk and then
renamed, so a process killed at any moment leaves the earlier ones as they were.
"""

import hashlib
import json
import logging
import os
import pathlib
import shutil
from typing import Any

import keras
import numpy as np
import safetensors
import safetensors.numpy

from ganzoo.errors import CheckpointError
from ganzoo.gan import Gan

_ARRAYS = "state.safetensors"
_MANIFEST = "manifest.json"
_FORMAT = 1
_BLOCK_BYTES = 1 << 24


def state(gan: Gan) -> dict[str, Any]:
    """Every variable that decides how a game goes on, by name.

    Random state and data position are not among them: both are functions of the
    seed and of `step`.
    """
    groups = {
        "generator": gan.generator.weights,
        "discriminator": gan.discriminator.weights,
        "generator_ema": gan.ema,
        "metrics": [v for metric in gan.metrics for v in metric.variables],
        "step": [gan.step],
    }
    for player, (_, optimizer) in gan.players.items():
        groups[f"{player}_optimizer"] = optimizer.variables
    return {
        f"{group}/{index:03d}/{_name(variable)}": variable
        for group, variables in groups.items()
        for index, variable in enumerate(variables)
    }


def paths(gan: Gan) -> dict[str, str]:
    """The paths "layer/weight" that Keras gave the weights, by name."""
    groups = {
        "generator": gan.generator.weights,
        "discriminator": gan.discriminator.weights,
        "generator_ema": gan.generator.trainable_variables,
    }
    found = {
        f"{group}/{index:03d}": variable.path
        for group, variables in groups.items()
        for index, variable in enumerate(variables)
    }
    names = {name.rpartition("/")[0]: name for name in state(gan)}
    return {
        names[place]: path for place, path in found.items() if place in names
    }


def _name(variable: Any) -> str:
    # Keras numbers the layers of a process ("dense_7"), so only the last part
    # of a path says the same in the next one.
    return variable.path.rsplit("/", 1)[-1]


def arrays(gan: Gan) -> dict[str, np.ndarray]:
    """Copies of the values of `state`."""
    return {
        # A copy: `numpy()` may be a view of memory that the next step writes
        # to.
        name: np.array(keras.ops.convert_to_numpy(variable))
        for name, variable in state(gan).items()
    }


class Checkpoints:
    """The checkpoints of one run.

    Args:
        folder: Where they are.
        keep_last: How many of the newest stay.
    """

    def __init__(self, folder: pathlib.Path, keep_last: int = 3):
        self.folder = pathlib.Path(folder)
        self.keep_last = keep_last

    def save(self, gan: Gan, about: dict[str, Any]) -> pathlib.Path:
        """Writes the game as it stands.

        Args:
            gan: The game.
            about: JSON values that `restore` hands back, such as the seed.

        Raises:
            CheckpointError: If the disk is full or read-only; what was there
                before is untouched.
        """
        step = int(gan.step.numpy())
        final = self.folder / f"step-{step:08d}"
        beside = self.folder / f".writing-{step:08d}-{os.getpid()}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            beside.mkdir()
            safetensors.numpy.save_file(arrays(gan), beside / _ARRAYS)
            manifest = {
                "format": _FORMAT,
                "step": step,
                "sha256": _sha256(beside / _ARRAYS),
                "paths": paths(gan),
                "about": about,
            }
            (beside / _MANIFEST).write_text(json.dumps(manifest, indent=1))
            for name in (_ARRAYS, _MANIFEST):
                _flush(beside / name)
            if final.exists():  # The same step again, after a resume.
                shutil.rmtree(final)
            beside.rename(final)
            _flush(self.folder)
        except (OSError, safetensors.SafetensorError) as error:
            shutil.rmtree(beside, ignore_errors=True)
            raise CheckpointError(
                f"No checkpoint could be written to {self.folder}: {error}. "
                "The "
                "earlier ones are untouched. Make room or make the folder "
                "writable, then run the same command again: it goes on from "
                "the last of them."
            ) from error
        self._remove_old()
        return final

    def steps(self) -> list[int]:
        """The steps of the checkpoints that are there, ascending."""
        return sorted(
            int(path.name.removeprefix("step-"))
            for path in self.folder.glob("step-*")
            if path.name.removeprefix("step-").isdigit()
        )

    def restore(self, gan: Gan) -> dict[str, Any] | None:
        """Puts the newest whole checkpoint into the game.

        A damaged one is passed over, with a warning, for the one before.

        Returns:
            What `save` was told about it, or None if there is no checkpoint.

        Raises:
            CheckpointError: If there are checkpoints and all are damaged, or if
                the newest whole one is of another architecture.
        """
        loaded = self.load()
        if loaded is None:
            return None
        values, manifest = loaded
        variables = state(gan)
        check_same(values, variables, self.folder)
        for name, variable in variables.items():
            variable.assign(values[name])
        return manifest["about"]

    def load(self) -> tuple[dict[str, np.ndarray], dict[str, Any]] | None:
        """The newest whole checkpoint: its arrays and its manifest."""
        steps = self.steps()
        for step in reversed(steps):
            path = self.folder / f"step-{step:08d}"
            try:
                return read(path)
            except CheckpointError as error:
                logging.getLogger("ganzoo").warning(
                    "%s The one before it is used.", error
                )
        if steps:
            raise CheckpointError(
                f"All {len(steps)} checkpoints in {self.folder} are damaged. "
                "Remove the folder to begin anew."
            )
        return None

    def _remove_old(self) -> None:
        for step in self.steps()[: -self.keep_last]:
            shutil.rmtree(self.folder / f"step-{step:08d}")
        for path in self.folder.glob(".writing-*"):  # Left by a killed process.
            shutil.rmtree(path, ignore_errors=True)


def read(path: pathlib.Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays and manifest of one checkpoint, or CheckpointError if damaged."""
    try:
        manifest = json.loads((path / _MANIFEST).read_text())
        found = _sha256(path / _ARRAYS)
        if found != manifest["sha256"]:
            raise CheckpointError(
                f"Checkpoint {path} is damaged: its check sum is not the one "
                "it "
                "was written with."
            )
        return safetensors.numpy.load_file(path / _ARRAYS), manifest
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"Checkpoint {path} is damaged: {type(error).__name__}: {error}."
        ) from error
    except safetensors.SafetensorError as error:
        raise CheckpointError(
            f"Checkpoint {path} is damaged: {error}."
        ) from error


def check_same(
    values: dict[str, np.ndarray], variables: dict[str, Any], where: Any
) -> None:
    """Raises CheckpointError, naming the first differences, unless all fit."""
    found = {name: tuple(value.shape) for name, value in values.items()}
    wanted = {name: tuple(v.shape) for name, v in variables.items()}
    if found == wanted:
        return
    differences = [
        f"{name}: {found.get(name, 'none')} there, {wanted.get(name, 'none')} "
        "here"
        for name in sorted(found.keys() | wanted.keys())
        if found.get(name) != wanted.get(name)
    ]
    more = len(differences) - 3
    raise CheckpointError(
        f"The checkpoint in {where} is of another architecture: "
        + "; ".join(differences[:3])
        + (f"; and {more} more" if more > 0 else "")
        + ". Use another --run_dir, or the recipe and the versions that wrote "
        "it."
    )


def _sha256(path: pathlib.Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _flush(path: pathlib.Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
