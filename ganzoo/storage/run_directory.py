"""A run's folder: one recipe, one process at a time, and what it wrote.

    config.gin operative_config.gin components.txt   what ran, to run it again
    metrics.jsonl events.*                           numbers; TensorBoard's form
    checkpoints/ samples/                            states; grids of samples
    evaluation.json figures/ report.html             numbers, pictures, a page

Of several workers, the chief alone holds it and writes to it.
"""

import contextlib
import importlib.metadata
import json
import os
import pathlib
import socket
import time
from collections.abc import Iterator
from typing import Any

import filelock

from ganzoo.distribution import workers
from ganzoo.errors import RunError
from ganzoo.storage import whole_files

# What may change when a run goes on: nothing here touches the weights' course,
# but for the order of sums where the strategy changes.
MAY_CHANGE = (
    "draw_figures.",
    "evaluate.",
    "features.",
    "experiment.strategy",
    "strategies.",
    "train.checkpoint_every_steps",
    "train.evaluate_every_steps",
    "train.evaluators",
    "train.keep_checkpoints",
    "train.log_every_steps",
    "train.max_rollbacks",
    "train.num_samples",
    "train.num_steps",
    "train.sample_every_steps",
)


_RECIPE = ("config.gin", "components.txt", "bindings.json")


class RunDirectory:
    """The folder of one run.

    Args:
        path: Made if it is not there.
    """

    def __init__(self, path: str | os.PathLike):
        self.path = pathlib.Path(path)
        self._recipe: dict[str, str] = {}

    @property
    def config_file(self) -> pathlib.Path:
        """The configuration that the run goes by, includes and params in it."""
        return self.path / "config.gin"

    def existing_config(self) -> pathlib.Path:
        """`config_file`, or RunError if no run began here."""
        if not self.config_file.exists():
            raise RunError(
                f"{self.path} holds no run: {self.config_file} is not there. "
                "Give the recipe with --gin_file."
            )
        return self.config_file

    def recorded_seed(self) -> int | None:
        """The seed that the run here began with, if one did."""
        record = self.path / "bindings.json"
        if not record.exists():
            return None
        return int(json.loads(record.read_text())["experiment.seed"])

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        """Keeps other processes out while this one works here.

        Raises:
            RunError: If another process holds the folder (it is named), or the
                folder cannot be made.
        """
        if not workers.this_worker().is_chief:
            yield
            return
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock = filelock.FileLock(self.path / ".lock", timeout=0)
            lock.acquire()
        except filelock.Timeout as error:
            raise RunError(
                f"{self.path} is held by {self._holder()}. Wait for it, stop "
                "it, "
                "or use another --run_dir."
            ) from error
        except OSError as error:
            raise RunError(
                f"{self.path} cannot be used as a run directory: {error}. "
                "Choose "
                "another --run_dir."
            ) from error
        try:
            holder = {
                "process": os.getpid(),
                "host": socket.gethostname(),
                "since": time.strftime("%Y-%m-%d %H:%M:%S"),
            }
            self.write("holder.json", json.dumps(holder))
            yield
        finally:
            (self.path / "holder.json").unlink(missing_ok=True)
            lock.release()

    def compare(self, configuration: Any) -> None:
        """Checks that this recipe may go on here; `remember` then writes it.

        Where no checkpoint is, nothing was begun that another would spoil.

        Args:
            configuration: A `ganzoo.configuration.Configuration`.

        Raises:
            RunError: If another recipe ran here; the differing bindings are
            named.
        """
        bindings = configuration.bindings()
        texts = (
            configuration.config_text(),
            configuration.components_text(),
            json.dumps(bindings, indent=1),
        )
        self._recipe = dict(zip(_RECIPE, texts, strict=True))
        if not self._saved():
            return
        record = self.path / "bindings.json"
        if record.exists():
            earlier = json.loads(record.read_text())
            differences = [
                f"{name} was {earlier.get(name, 'unset')}, is "
                f"{bindings.get(name, 'unset')}"
                for name in sorted(earlier.keys() | bindings.keys())
                if earlier.get(name) != bindings.get(name)
                and not _may_change(name)
            ]
            if differences:
                raise RunError(
                    f"{self.path} belongs to another recipe: "
                    + "; ".join(differences[:5])
                    + ". Use another --run_dir, or the settings it began with."
                )
        self._check_components(configuration.components_text())

    def remember(self) -> None:
        """Makes what was compared the recipe that later calls go by."""
        for name, text in self._recipe.items():
            self.write(name, text)

    @contextlib.contextmanager
    def unless_in_vain(self) -> Iterator[None]:
        """Takes back what is remembered within, if an error comes of it.

        Not once a checkpoint was saved under it: that one is of this recipe.
        """
        earlier = {
            path: path.read_text()
            for path in map(self.path.joinpath, _RECIPE)
            if path.exists()
        }
        saved = self._saved()
        try:
            yield
        except BaseException:
            if saved and self._saved() == saved:
                with contextlib.suppress(OSError):  # Which may be the error.
                    for path, text in earlier.items():
                        self.write(path.name, text)
            raise

    def set_aside(self, step: int) -> None:
        """Renames the numbers about an earlier step than this, the newest."""
        path = self.path / "evaluation.json"
        if not path.exists() or not workers.this_worker().is_chief:
            return
        with contextlib.suppress(
            IndexError, KeyError, OSError, TypeError, ValueError
        ):
            about = json.loads(path.read_text())[0]["protocol"]["step"]
            if about < step:
                path.replace(self.path / numbers_about(about))

    def record(self) -> dict[str, Any]:
        """What runs here, as JSON values: for the manifest of a checkpoint."""
        names = ("bindings.json", "components.txt")
        texts = [
            path.read_text() if (path := self.path / name).exists() else ""
            for name in names
        ]
        return {
            "bindings": json.loads(texts[0] or "{}"),
            "components": texts[1].splitlines(),
            "versions": {
                package: importlib.metadata.version(package)
                for package in ("ganzoo", "keras", "numpy", "tensorflow")
            },
        }

    def write(self, name: str, text: str) -> pathlib.Path:
        """Writes a file of the folder in one go: never half of it is seen."""
        path = self.path / name
        if not workers.this_worker().is_chief:
            return path
        whole_files.write(path, text)
        return path

    def _saved(self) -> list[str]:
        """The names of its checkpoints."""
        folder = self.path / "checkpoints"
        return sorted(path.name for path in folder.glob("step-*"))

    def _check_components(self, text: str) -> None:
        """Raises RunError if a component is not of the version it was.

        ganzoo's own may differ in the last part of the version.
        """
        record = self.path / "components.txt"
        if not record.exists():
            return
        earlier, now = _versions(record.read_text()), _versions(text)
        differences = [
            f"{name} was of {earlier[name]}, is of {now[name]}"
            for name in sorted(earlier.keys() & now.keys())
            if earlier[name] != now[name]
        ]
        if differences:
            raise RunError(
                f"{self.path} was begun with other versions: "
                + "; ".join(differences)
                + ". Install those, or use another --run_dir."
            )

    def _holder(self) -> str:
        try:
            holder = json.loads((self.path / "holder.json").read_text())
        except (OSError, ValueError):
            return "another process"
        return (
            f"process {holder['process']} on {holder['host']}, since "
            f"{holder['since']}"
        )


def numbers_about(step: int) -> str:
    """The file of numbers about another checkpoint than the newest."""
    return f"evaluation-step-{step:08d}.json"


def read_lines(path: pathlib.Path) -> list[dict[str, Any]]:
    """The lines of a metrics.jsonl, but one that was not finished."""
    lines = []
    for text in path.read_text().splitlines() if path.exists() else []:
        try:
            lines.append(json.loads(text))
        except ValueError:  # The line that a killed process was writing.
            continue
    return lines


def _versions(text: str) -> dict[str, str]:
    """Component -> "package version", from components.txt."""
    versions = {}
    for line in text.splitlines():
        name, package, version, _ = line.split("\t")
        if package == "ganzoo":
            version = ".".join(version.split(".")[:2])
        versions[name] = f"{package} {version}"
    return versions


def _may_change(binding: str) -> bool:
    """Whether `[scope/]name.parameter` may change when a run goes on."""
    name = binding.rsplit("/", 1)[-1]
    # A component's name begins with its package: ganzoo.evaluators.parzen.
    return name.startswith(MAY_CHANGE) or ".evaluators." in name
