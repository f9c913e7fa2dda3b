"""A table of runs, read from its file and checked before anything runs.

A table is a TOML file:

    page = "docs/results.md"    # between <!-- table: NAME --> and <!-- end -->
    params = ["train.num_steps = 12_500"]         # bindings of every row

    [[columns]]
    title = "averaged weights"
    name = "parzen_log_likelihood"                # as in evaluation.json
    weights = "ema"

    [[columns]]
    title = "diversity"
    metric = "sample_diversity"                   # of metrics.jsonl: the last
                                                  # up to the step scored
    [[figures]]
    image = "docs/images/diversity.png"
    metric = "sample_diversity"                   # over steps, a line a run

    [[rows]]
    title = "z of a Gaussian"
    recipe = "gin/mnist_mlp.gin"
    params = ["build_gan.latents = @latents.gaussian()"]
    seeds = [1, 2, 3]
    checkpoint = "best"                           # or a step; left out: newest

NAME is the file's, without .toml. Each run is an ordinary one in
runs/NAME/<row>/seed-N, so a table that was interrupted goes on where it was;
<row> is what its title has of a-z and digits.
"""

import pathlib
import re
import tomllib
from collections.abc import Callable, Iterator
from typing import Any

from ganzoo.errors import ConfigurationError, did_you_mean
from ganzoo.scores.reproducing import Run

_KEYS = {
    "the table": {"page", "params", "columns", "figures", "rows"},
    "a column": {"title", "name", "weights", "metric"},
    "a figure": {"image", "metric", "log_scale"},
    "a row": {"title", "recipe", "params", "seeds", "checkpoint"},
}
_OPTIONAL = {"params", "checkpoint", "figures", "log_scale"}


class Table:
    """A table as its file describes it.

    Args:
        path: A TOML file; see the top of this module.

    Attributes:
        name: The file's, without .toml.
        page: The Markdown file that it is written into.
        params: Bindings of every row.
        columns: As dicts, and so `figures` and `rows`.

    Raises:
        ConfigurationError: If the file cannot be read or says nonsense.
    """

    def __init__(self, path: str):
        self.path = pathlib.Path(path)
        try:
            found = tomllib.loads(self.path.read_text())
        except (OSError, ValueError) as error:
            raise ConfigurationError(
                f"`--table` must name a TOML file. Received: {path}: {error}. "
                "The tables of the docs are in tables/."
            ) from error
        self._check(found, "the table")
        self.name = self.path.stem
        self.page = pathlib.Path(found["page"])
        self.params = tuple(found.get("params", ()))
        self.columns = found["columns"]
        self.figures = found.get("figures", [])
        self.rows = found["rows"]
        for kind, entries in [
            ("a column", self.columns),
            ("a figure", self.figures),
            ("a row", self.rows),
        ]:
            for entry in entries:
                self._check(entry, kind)
        if self.page.is_dir():
            raise ConfigurationError(
                f"{self.path}: `page` must be a Markdown file. Received: the "
                f"folder {self.page}. Name a file in it."
            )
        self._check_folders()

    def runs(self, row: dict[str, Any]) -> Iterator[Run]:
        """The runs of a row, one for each seed."""
        checkpoint = row.get("checkpoint")
        for seed in row["seeds"]:
            yield Run(
                pathlib.Path(
                    "runs", self.name, _slug(row["title"]), f"seed-{seed}"
                ),
                row["recipe"],
                (*self.params, *row.get("params", ())),
                seed,
                None if checkpoint is None else str(checkpoint),
            )

    def all_runs(self) -> list[Run]:
        """The runs of all rows, in their order."""
        return [run for row in self.rows for run in self.runs(row)]

    def wanting(self, run: Run) -> Run | None:
        """A run of the table that this one begins from, if it is not done."""
        for other in self.all_runs():
            # Not that of seed 1 where seed 10 is named.
            named = re.compile(re.escape(str(other.path)) + r"(?!\d)")
            if any(map(named.search, run.params)) and other.results() is None:
                return other
        return None

    def _check(self, entry: dict[str, Any], kind: str) -> None:
        known = _KEYS[kind]
        for name in sorted(set(entry) - known):
            raise ConfigurationError(
                f"{self.path}: {kind} has no entry {name!r}."
                f"{did_you_mean(name, known)} There are: "
                f"{', '.join(sorted(known))}."
            )
        needed = known - _OPTIONAL
        if kind == "a column":  # A number of the evaluation, or of the log.
            other = {"metric"} if "metric" in entry else {"name", "weights"}
            needed = {"title"} | other
        for name in sorted(needed - set(entry)):
            raise ConfigurationError(
                f"{self.path}: {kind} needs an entry {name!r}. Received: "
                f"{entry}."
            )
        for name, value in entry.items():
            rule, is_good = _RULES.get(name, _TEXT)
            if not is_good(value):
                raise ConfigurationError(
                    f"{self.path}: `{name}` of {kind} must be {rule}. "
                    f"Received: {value!r}. Write it as in tables/mnist.toml."
                )
        if kind == "a column" and set(entry) > needed:
            raise ConfigurationError(
                f"{self.path}: a column must have either `metric`, or `name` "
                f"and `weights`. Received: {entry}. Make two columns of it."
            )

    def _check_folders(self) -> None:
        """Each row needs a folder of its own, which its title names."""
        titles: dict[str, str] = {}
        for row in self.rows:
            title = row["title"]
            slug = _slug(title)
            if not slug:
                raise ConfigurationError(
                    f"{self.path}: the title of a row must have a letter of "
                    "a-z or a digit, which its folder is called by. Received: "
                    f"{title!r}. Put one in."
                )
            if slug in titles:
                raise ConfigurationError(
                    f"{self.path}: titles of rows must differ in letters of "
                    "a-z or digits, which their folders are called by. "
                    f"Received: {titles[slug]!r} and {title!r}, both "
                    f"{slug!r}. Change one."
                )
            titles[slug] = title


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _are_tables(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(x, dict) for x in value)


def _are_seeds(value: Any) -> bool:
    return (
        isinstance(value, list)
        and all(type(seed) is int for seed in value)
        and 0 < len(set(value)) == len(value)
    )


def _is_checkpoint(value: Any) -> bool:
    if type(value) not in (int, str):
        return False
    return re.fullmatch("best|newest|[0-9]+", str(value)) is not None


_TEXT: tuple[str, Callable[[Any], bool]] = ("a text", _is_text)
_RULES: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "columns": ("[[columns]], once for each column", _are_tables),
    "figures": ("[[figures]], once for each figure", _are_tables),
    "rows": (
        "[[rows]], once for each row, at least one",
        lambda value: _are_tables(value) and bool(value),
    ),
    "params": ("a list of texts", _are_texts),
    "seeds": (
        "a list of different whole numbers, at least one",
        _are_seeds,
    ),
    "checkpoint": ('"best", "newest" or a step', _is_checkpoint),
    "log_scale": ("true or false", lambda value: isinstance(value, bool)),
}
