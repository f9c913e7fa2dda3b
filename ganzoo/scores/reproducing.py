"""A run that is trained and scored by a command, unless it was already."""

import itertools
import json
import pathlib
import shlex
import statistics
import subprocess
import sys
from typing import Any, NamedTuple

from ganzoo.distribution.launching import handing_on
from ganzoo.errors import RunError
from ganzoo.scores.comparing import read
from ganzoo.storage import whole_files
from ganzoo.storage.run_directory import read_lines


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
        bindings = [*self.params, f"experiment.seed = {self.seed}"]
        train = [
            "--mode=train",
            f"--gin_file={self.recipe}",
            *(f"--gin_param={binding}" for binding in bindings),
            f"--run_dir={self.path}",
        ]
        score = [
            "--mode=evaluate,figures,report",
            f"--run_dir={self.path}",
            *([f"--checkpoint={self.checkpoint}"] if self.checkpoint else []),
        ]
        return [train, score]

    @property
    def record(self) -> pathlib.Path:
        """What the finished run was asked for, and its numbers."""
        return self.path / "reproduced.json"

    def results(self) -> list[dict[str, Any]] | None:
        """The numbers, or None unless it was done as is asked for now."""
        try:
            found = json.loads(self.record.read_text())
        except (OSError, ValueError):
            return None
        return found["results"] if found["asked"] == self.commands() else None

    def play(self) -> str | None:
        """Trains and scores it; what went wrong, or None.

        Raises:
            RunError: If it was stopped by a signal, and saved.
        """
        for arguments in self.commands():
            print(f"python -m ganzoo.run {shlex.join(arguments)}", flush=True)
            code, message = _call(
                [sys.executable, "-m", "ganzoo.run", *arguments]
            )
            if code > 128:
                raise RunError(
                    f"{self.path} was stopped, and saved. Give the same "
                    "command to go on."
                )
            if code:
                return message
        text = {"asked": self.commands(), "results": read(self.path)}
        whole_files.write(self.record, json.dumps(text))
        return None

    def log(self) -> list[dict[str, Any]]:
        """The lines of its metrics.jsonl."""
        return read_lines(self.path / "metrics.jsonl")


def minutes_of(log: list[dict[str, Any]]) -> float:
    """Time of a training: steps times the median time of one."""
    # Numbers that were evaluated on the way are lines of their own.
    clock = {line["step"]: line["wall_time"] for line in log}
    # Not the sum, which would count what lay between two sessions.
    times = [
        (clock[late] - clock[early]) / (late - early)
        for early, late in itertools.pairwise(clock)
    ]
    return max(clock) * statistics.median(times or [0.0]) / 60


def _call(command: list[str]) -> tuple[int, str]:
    """Exit status of a command and its last line of errors.

    It is told of signals by us alone, whoever else they reach: a second one
    would stop it before it has saved.
    """
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    with handing_on([process]):
        _, errors = process.communicate()
    if process.returncode < 0:
        return 128 - process.returncode, ""
    return process.returncode, (errors.strip() or "no message").splitlines()[-1]
