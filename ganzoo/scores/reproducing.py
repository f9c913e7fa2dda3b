"""A run that is trained and scored by a command, unless it was already."""

import contextlib
import itertools
import json
import pathlib
import shlex
import signal
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import filelock

from ganzoo.distribution.launching import handing_on
from ganzoo.errors import RunError
from ganzoo.scores.comparing import read
from ganzoo.storage import checkpoint_files, whole_files
from ganzoo.storage.run_directory import RunDirectory, read_lines

# Of a training that was told to stop: it has saved before it says so.
_SAVED = (128 + signal.SIGINT, 128 + signal.SIGTERM)


class Busy(Exception):
    """Another process works on the run."""


class Stopped(Exception):
    """A signal ended the run.

    Attributes:
        signal_number: Its number.
    """

    def __init__(self, message: str, signal_number: int):
        super().__init__(message)
        self.signal_number = signal_number


class Run(NamedTuple):
    """One training of a row.

    Attributes:
        path: The run directory.
        recipe: Its gin file.
        params: Bindings, but for the seed.
        seed: Of everything random.
        checkpoint: What is scored: "best", a step, or None for the newest.
    """

    path: pathlib.Path
    recipe: str
    params: tuple[str, ...]
    seed: int
    checkpoint: str | None

    def commands(self) -> list[list[str]]:
        """Arguments of `python -m ganzoo.run` that train it and score it."""
        train = [
            "--mode=train",
            f"--gin_file={self.recipe}",
            *(f"--gin_param={binding}" for binding in self.bindings),
            f"--run_dir={self.path}",
        ]
        score = [
            "--mode=evaluate,figures,report",
            f"--run_dir={self.path}",
            *([f"--checkpoint={self.checkpoint}"] if self.checkpoint else []),
        ]
        return [train, score]

    @property
    def bindings(self) -> list[str]:
        """All that it binds, the seed included."""
        return [*self.params, f"experiment.seed = {self.seed}"]

    @property
    def record(self) -> pathlib.Path:
        """What the finished run was asked for, and its numbers."""
        return self.path / "reproduced.json"

    def results(self) -> list[dict[str, Any]] | None:
        """The numbers, or None unless it was done as is asked for now.

        All are of one step.
        """
        try:
            found = json.loads(self.record.read_text())
            if found["asked"] != self.commands():
                return None
            results = found["results"]
            # Records once held the numbers of all steps that were scored.
            steps = {result["protocol"]["step"] for result in results}
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if len(steps) > 1:
            results = _of_step(results, self.scored_step())
        return results or None

    def is_done(self, bound: Mapping[str, str]) -> bool:
        """Whether it has its numbers, and its recipe is what it was.

        Args:
            bound: Name -> text of the value, of recipe and bindings together.
        """
        if self.results() is None:
            return False
        try:
            trained_by = (self.path / "bindings.json").read_text()
            return json.loads(trained_by) == bound
        except (OSError, ValueError):
            return True  # Nothing speaks against it.

    def scored_step(self) -> int | None:
        """The step of the checkpoint that is to be scored, if it is there."""
        folder = self.path / "checkpoints"
        if self.checkpoint == "best":
            best = checkpoint_files.best(folder)
            return best["step"] if best else None
        if self.checkpoint in (None, "newest"):
            return max(checkpoint_files.steps(folder), default=None)
        return int(self.checkpoint)

    def objection(self, bound: Mapping[str, str]) -> str | None:
        """Why it cannot become what is asked for, if that is seen at once.

        Args:
            bound: Name -> text of the value, of recipe and bindings together.
        """
        newest = max(
            checkpoint_files.steps(self.path / "checkpoints"), default=0
        )
        num_steps = bound.get("train.num_steps", "")
        with contextlib.suppress(ValueError):
            if newest > int(num_steps):
                return (
                    "`train.num_steps` must not be less than the run has "
                    f"behind it. Received: {num_steps}, and {self.path} is at "
                    f"step {newest}. Delete that folder to begin anew, or "
                    "raise train.num_steps."
                )
        evaluators = bound.get("train.evaluators", "[]")
        if self.checkpoint == "best" and evaluators in ("[]", "()"):
            return (
                '`checkpoint = "best"` needs scores on the way. Received: no '
                "`train.evaluators`. Bind some, or leave `checkpoint` out."
            )
        return None

    def play(self, bound: Mapping[str, str]) -> str | None:
        """Trains and scores it, unless it is done; what went wrong, or None.

        Args:
            bound: As in `is_done`.

        Raises:
            Busy: If another process works on it.
            Stopped: If a signal came.
        """
        try:
            with self._alone():
                # Another process may have done it since this one looked.
                if self.is_done(bound):
                    return None
                # Numbers of another recipe are none of this one.
                self.record.unlink(missing_ok=True)
                return self._play()
        except RunError as error:
            return str(error)

    def log(self) -> list[dict[str, Any]]:
        """The lines of its metrics.jsonl."""
        return read_lines(self.path / "metrics.jsonl")

    def _play(self) -> str | None:
        for arguments in self.commands():
            print(f"python -m ganzoo.run {shlex.join(arguments)}", flush=True)
            code, message, received = _call(
                [sys.executable, "-m", "ganzoo.run", *arguments]
            )
            if received or code in _SAVED:
                is_saved = ", and saved" if code in _SAVED else ""
                raise Stopped(
                    f"{self.path} was stopped{is_saved}. Give the same command "
                    "to go on.",
                    received[0] if received else code - 128,
                )
            if code:
                self._require_free()  # Whoever holds it may have come since.
                return message
        step, everything = self.scored_step(), read(self.path)
        results = _of_step(everything, step)
        if not results:
            raise RunError(
                f"{self.path} must have numbers of step {step}, which was "
                "scored. Received: numbers of "
                f"{sorted({str(_step(one)) for one in everything}) or 'none'}. "
                "Bind `evaluate.evaluators`."
            )
        text = {"asked": self.commands(), "results": results}
        whole_files.write(self.record, json.dumps(text))
        return None

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Keeps other tables away from it, between its two commands too."""
        # Beside the folder, which may be deleted to begin anew.
        path = self.path.with_name(f".{self.path.name}.lock")
        lock = filelock.FileLock(path, timeout=0)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except filelock.Timeout as error:
            raise Busy("another process of this table is at it.") from error
        except OSError as error:
            raise RunError(
                f"{path} cannot be written: {error}. Make its folder writable."
            ) from error
        try:
            self._require_free()
            yield
        finally:
            lock.release()

    def _require_free(self) -> None:
        """Raises Busy if a process is at work there, such as one left over."""
        try:
            with RunDirectory(self.path).hold():
                pass
        except RunError as error:
            if isinstance(error.__cause__, filelock.Timeout):
                raise Busy(str(error)) from error
            raise


def minutes_of(log: list[dict[str, Any]]) -> float:
    """Time of a training: steps times the median time of one."""
    # Numbers that were evaluated on the way are lines of their own: the steps
    # go on from the last line of a step, and come to the first of the next.
    ends = {line["step"]: line["wall_time"] for line in reversed(log)}
    begins = {line["step"]: line["wall_time"] for line in log}
    # Not the sum, which would count what lay between two sessions.
    times = [
        (ends[late] - begins[early]) / (late - early)
        for early, late in itertools.pairwise(begins)
    ]
    return max(begins, default=0) * statistics.median(times or [0.0]) / 60


def _step(result: dict[str, Any]) -> int | None:
    return result["protocol"].get("step")


def _of_step(
    results: list[dict[str, Any]], step: int | None
) -> list[dict[str, Any]]:
    return [one for one in results if step is not None and _step(one) == step]


def _call(command: list[str]) -> tuple[int, str, list[int]]:
    """Exit status of a command, what it died of, and signals that came.

    It is told of signals by us alone, whoever else they reach: a second one
    would stop it before it has saved.
    """
    processes: list[subprocess.Popen] = []
    with handing_on(processes) as received:
        process = subprocess.Popen(
            command, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        processes.append(process)
        for number in received[:1]:  # It came before there was a process.
            process.send_signal(number)
        _, errors = process.communicate()
    code = process.returncode
    if code < 0:
        name = {number.value: number.name for number in signal.Signals}.get(
            -code, f"signal {-code}"
        )
        hint = ", as where memory runs out" if name == "SIGKILL" else ""
        return code, f"ended by {name}{hint}", received
    lines = errors.strip().splitlines() or ["no message"]
    return code, lines[-1], received
