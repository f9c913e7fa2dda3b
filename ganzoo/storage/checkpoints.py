"""The checkpoints of a run: what of a game is kept, and which of them stay.

How one lies on the disk, and how damage is found, is `checkpoint_files`.
"""

import concurrent.futures
import json
import logging
import math
import pathlib
import re
import shutil
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from ganzoo.errors import CheckpointError, ComponentError
from ganzoo.gan import Gan
from ganzoo.storage import checkpoint_files, whole_files


def state(gan: Gan) -> dict[str, Any]:
    """Every variable that decides how a game goes on, by name.

    Random state and data position are not among them: both are functions of the
    seed and of `step`. Raises ComponentError where two groups have one name.
    """
    groups = {
        "generator_ema": gan.ema,
        "metrics": [v for metric in gan.metrics for v in metric.variables],
        "step": [gan.step],
    }
    for player, (network, optimizer) in gan.players.items():
        of_player = {
            player: network.weights,
            f"{player}_optimizer": optimizer.variables,
        }
        twice = sorted(groups.keys() & of_player)
        if twice:  # One would be kept for both, and resume go on wrongly.
            raise ComponentError(
                "Groups of a checkpoint must differ in name. Received: "
                f"{twice[0]!r} for two. Name the companion otherwise."
            )
        groups |= of_player
    return {
        _plain(f"{group}/{index:03d}/{variable.path.rsplit('/', 1)[-1]}"): (
            variable
        )
        for group, variables in groups.items()
        for index, variable in enumerate(variables)
    }


def paths(gan: Gan) -> dict[str, str]:
    """The paths "layer/weight" that Keras gave the weights, by name."""
    groups = {
        "generator_ema": gan.generator.trainable_variables,
        **{name: net.weights for name, (net, _) in gan.players.items()},
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


def _plain(name: str) -> str:
    # Keras numbers the unnamed layers of a process ("dense_7_kernel"), which
    # would not be the same in the next one.
    place, _, last = name.rpartition("/")
    return f"{place}/{re.sub(r'_[0-9]+(?=_|$)', '', last)}"


def _plainly(
    values: dict[str, np.ndarray], manifest: dict[str, Any]
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    paths = {_plain(name): path for name, path in manifest["paths"].items()}
    plain = {_plain(name): value for name, value in values.items()}
    return plain, {**manifest, "paths": paths}


def arrays(gan: Gan) -> dict[str, np.ndarray]:
    """Copies of the values of `state`."""
    return {
        # A copy: `numpy()` may be a view of what the next step writes to.
        name: np.array(tf.convert_to_tensor(variable).numpy())
        for name, variable in state(gan).items()
    }


class Checkpoints:
    """The checkpoints of one run: `step-00001000/` and so on.

    Args:
        folder: Where they are.
        keep_last: How many of the newest stay, beside the best.
        saved: Called with the step of each, once it is on the disk.
    """

    def __init__(
        self,
        folder: pathlib.Path,
        keep_last: int = 3,
        saved: Callable[[int], None] = lambda step: None,
    ):
        self.folder = pathlib.Path(folder)
        self.keep_last = keep_last
        self.saved = saved
        self._writer = concurrent.futures.ThreadPoolExecutor(max_workers=1)
        self._pending: concurrent.futures.Future | None = None

    def save(self, gan: Gan, about: dict[str, Any]) -> None:
        """Keeps the game as it stands; the disk is written while it plays on.

        Args:
            gan: The game.
            about: JSON values that `restore` hands back.

        Raises:
            CheckpointError: As `wait` does, about the one before.
        """
        self.wait()
        step = int(gan.step.numpy())
        manifest = {"step": step, "paths": paths(gan), "about": about}
        self._pending = self._writer.submit(
            self._write, step, arrays(gan), manifest
        )

    def score(self, step: int, score: float) -> None:
        """Scores a checkpoint that was saved; the one with the highest stays.

        NaN is no score. Raises CheckpointError as `wait` does.
        """
        self.wait()
        best = self.best()
        if math.isnan(score) or (best is not None and score <= best["score"]):
            return
        self._tidy(step, {"step": step, "score": score})

    def wait(self) -> None:
        """Returns when the last `save` is on the disk.

        Raises:
            CheckpointError: If the disk is full or read-only; what was there
                before is untouched.
        """
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.result()

    def path(self, step: int) -> pathlib.Path:
        """Where the checkpoint of a step is."""
        return self.folder / f"step-{step:08d}"

    def steps(self) -> list[int]:
        """The steps of the checkpoints that are there, ascending."""
        return checkpoint_files.steps(self.folder)

    def best(self) -> dict[str, Any] | None:
        """{"step": of the best, "score": its}, or None if none was scored."""
        return checkpoint_files.best(self.folder)

    def find(self, name: str) -> int | None:
        """The step of the checkpoint "best" or "12500"; None for "newest".

        Raises:
            CheckpointError: If there is none of that name.
        """
        steps, best = self.steps(), self.best()
        if name == "newest":
            return None
        if name == "best" and best is not None:
            return best["step"]
        if name.isdecimal() and int(name) in steps:
            return int(name)
        there = ", ".join(map(str, steps)) or "none"
        which = "none was scored" if best is None else str(best["step"])
        raise CheckpointError(
            '`--checkpoint` must be "newest", "best" or the step of a '
            f"checkpoint in {self.folder}. Received: {name}. There are: "
            f"{there}; best: {which}."
        )

    def restore(
        self, gan: Gan, step: int | None = None
    ) -> dict[str, Any] | None:
        """Puts a checkpoint into the game, by default the newest whole one.

        A damaged one is passed over, with a warning, for the one before, unless
        it is asked for.

        Returns:
            What `save` was told about it, or None if there is no checkpoint.

        Raises:
            CheckpointError: If there are checkpoints and all are damaged, or
                the one of `step`; if it is of another architecture.
        """
        loaded = self.load(step)
        if loaded is None:
            return None
        values, manifest = loaded
        variables = state(gan)
        check_same(values, variables, self.folder)
        for name, variable in variables.items():
            variable.assign(values[name])
        return manifest["about"]

    def load(
        self, step: int | None = None
    ) -> tuple[dict[str, np.ndarray], dict[str, Any]] | None:
        """Arrays and manifest of a checkpoint; see `restore`."""
        if step is not None:
            return _plainly(*checkpoint_files.read(self.path(step)))
        steps = self.steps()
        for step in reversed(steps):
            try:
                values, manifest = checkpoint_files.read(self.path(step))
            except checkpoint_files.LaterFormatError:
                raise  # Whole: what is before it is not what was asked for.
            except CheckpointError as error:
                logging.getLogger("ganzoo").warning(
                    "%s The one before it is used.", error
                )
                continue
            return _plainly(values, manifest)
        if steps:
            raise CheckpointError(
                f"All {len(steps)} checkpoints in {self.folder} are damaged. "
                "Remove the folder to begin anew."
            )
        return None

    def discard_after(self, step: int) -> None:
        """Removes those of later steps, from which the run turns away."""
        self.wait()
        for later in self.steps():
            if later > step:
                shutil.rmtree(self.path(later))
        best = self.best()
        if best is not None and best["step"] > step:
            (self.folder / "best.json").unlink()

    def _write(self, step: int, values: dict, manifest: dict) -> None:
        checkpoint_files.write(self.path(step), values, manifest)
        self.saved(step)
        self._tidy(step, self.best())

    def _tidy(self, step: int, best: dict[str, Any] | None) -> None:
        try:
            if best != self.best():
                whole_files.write(self.folder / "best.json", json.dumps(best))
            self._remove_old(step, best["step"] if best else step)
        except OSError as error:
            raise CheckpointError(
                f"{self.path(step)} is written, but {self.folder} cannot be "
                f"tidied: {error}. Make room or make it writable."
            ) from error

    def _remove_old(self, step: int, best_step: int) -> None:
        # A later one lies there because it is damaged, and must not count.
        earlier = [other for other in self.steps() if other <= step]
        for other in earlier[: -self.keep_last]:
            if other != best_step:
                shutil.rmtree(self.path(other))
        for path in self.folder.glob(".writing-*"):  # Left by a killed process.
            shutil.rmtree(path)


def check_same(
    values: dict[str, np.ndarray], variables: dict[str, Any], where: Any
) -> None:
    """Raises CheckpointError, naming the first differences, unless all fit."""
    found = {name: _form(value) for name, value in values.items()}
    wanted = {name: _form(variable) for name, variable in variables.items()}
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
        + ". Use another --run_dir, or the recipe and versions that wrote it."
    )


def _form(array: Any) -> str:
    return f"{tf.as_dtype(array.dtype).name} {list(array.shape)}"
