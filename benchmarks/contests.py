"""Contestants take turns, each in a process of its own; who else was busy."""

import contextlib
import importlib.util
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

HERE = pathlib.Path(__file__).parent
ALTERNATIVES = HERE / "alternatives"
BLOCK_SECONDS = 1.0
# Compilers take minutes; whoever says nothing for longer hangs.
PATIENCE_SECONDS = 600.0
# Of all processor time, for what neither contestants nor this process used.
MOST_OTHERS = 0.1
_TICKS = os.sysconf("SC_CLK_TCK")


class Contestant(NamedTuple):
    """Somebody who plays: a script, what it needs, arguments after the game."""

    name: str
    script: str
    module: str
    extra: tuple[str, ...] = ()


CONTESTANTS = (
    Contestant("ganzoo", "ganzoo_games.py", "ganzoo"),
    Contestant("Keras", "keras_games.py", "keras"),
    Contestant("PyTorch", "torch_games.py", "torch"),
    Contestant("PyTorch compiled", "torch_games.py", "torch", ("compiled",)),
    Contestant("JAX", "jax_games.py", "jax"),
)


def interpreter(module: str, environments: pathlib.Path) -> str | None:
    """The Python that has a module: an environment of its own, or this one.

    Where there is an environment it counts, even if it turns out to be broken.
    """
    own = environments / module
    if own.exists():
        return str(own / "bin" / "python")
    found = importlib.util.find_spec(module)
    return None if found is None else sys.executable


class Player:
    """A contestant's process, ready to be timed.

    Raises:
        RuntimeError: If it does not come up in `PATIENCE_SECONDS`; what it said
            last is in it.
    """

    def __init__(self, contestant: Contestant, python: str, what: list[str]):
        self.name = contestant.name
        script = str(ALTERNATIVES / contestant.script)
        # A file: nobody reads meanwhile, and a pipe that is full stops it.
        self._said = tempfile.TemporaryFile("w+", errors="replace")
        try:
            self.process = subprocess.Popen(
                [python, script, *what, *contestant.extra],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._said,
                text=True,
            )
        except OSError as error:
            self._said.close()
            raise RuntimeError(
                f"{self.name} failed: its Python: {error.strerror}"
            ) from None
        self.ready = self._read()["ready"]

    def seconds(self, num: int) -> float:
        """How long so many steps take it.

        Raises:
            RuntimeError: If it ended, or hung.
        """
        try:
            self.process.stdin.write(f"{num}\n")
            self.process.stdin.flush()
        except OSError:
            pass  # It has ended: there is nothing to read either.
        return self._read()

    def close(self) -> None:
        """Ends the process."""
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()
        self._said.close()

    def _read(self):
        timer = threading.Timer(PATIENCE_SECONDS, self.process.kill)
        timer.start()
        try:
            return json.loads(self.process.stdout.readline())
        except ValueError:
            self.process.kill()
            self.process.wait()
            self._said.seek(0)
            lines = self._said.read().strip().splitlines() or ["no word"]
            self.close()
            raise RuntimeError(f"{self.name} failed: {lines[-1]}") from None
        finally:
            timer.cancel()


def contest(
    players: list[Player], num_rounds: int
) -> tuple[dict[str, dict], float, dict[str, str]]:
    """Plays rounds in which each has its turn, of about `BLOCK_SECONDS`.

    Returns:
        By name {"median", "low", "high"} in milliseconds for a step; the share
        of the processors that others used meanwhile; and why a player that did
        not play to the end, which has no times, did not.
    """
    steps, failures = {}, {}
    times: dict[str, list[float]] = {player.name: [] for player in players}

    def play(player: Player, take_turn: Callable[[Player], None]) -> None:
        if player.name not in failures:
            try:
                take_turn(player)
            except RuntimeError as error:
                failures[player.name] = str(error)
                del times[player.name]

    def choose(player: Player) -> None:
        once = player.seconds(1)
        if once < BLOCK_SECONDS:  # The first may be slow: once more.
            once = player.seconds(2) / 2
        steps[player.name] = max(1, round(BLOCK_SECONDS / once))

    def measure(player: Player) -> None:
        num = steps[player.name]
        times[player.name].append(1e3 * player.seconds(num) / num)

    for player in players:
        play(player, choose)
    with Others([player.process.pid for player in players]) as others:
        for _ in range(num_rounds):
            for player in players:
                play(player, measure)
    summaries = {name: summary(values) for name, values in times.items()}
    return summaries, others.share, failures


def summary(values: list[float]) -> dict[str, float]:
    """Median and spread."""
    return {
        "median": round(statistics.median(values), 3),
        "low": round(min(values), 3),
        "high": round(max(values), 3),
    }


class Others:
    """What share of the processors anybody else used, stolen time included.

    Load averages say what was, for minutes; this says what is.

    Args:
        pids: Of processes that are ours, beside this one.
    """

    def __init__(self, pids: list[int] | None = None):
        self.pids = [os.getpid(), *(pids or [])]
        self.share = 1.0

    def __enter__(self) -> "Others":
        self.start = (time.monotonic(), _busy(), self._ours())
        return self

    def __exit__(self, *error: object) -> None:
        start, busy, ours = self.start
        seconds = time.monotonic() - start
        used = _busy() - busy - (self._ours() - ours)
        self.share = max(0.0, used / (seconds * os.cpu_count()))

    def _ours(self) -> float:
        children = os.times()
        total = children.children_user + children.children_system
        for pid in self.pids:
            try:
                text = pathlib.Path(f"/proc/{pid}/stat").read_text()
            except OSError:  # It has ended: one of the children, then.
                continue
            fields = text.rpartition(")")[2].split()
            total += sum(int(field) for field in fields[11:13]) / _TICKS
        return total


def _busy() -> float:
    """Seconds that all processors were at work, or given to other machines."""
    with open("/proc/stat") as file:
        fields = [int(field) for field in file.readline().split()[1:9]]
    idle = fields[3] + fields[4]
    return (sum(fields) - idle) / _TICKS
