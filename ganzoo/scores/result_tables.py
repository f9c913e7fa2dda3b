"""A table of runs, trained one after the other and written into a page.

A table is a TOML file:

    page = "docs/results.md"    # between <!-- table: NAME --> and <!-- end -->
    params = ["train.num_steps = 12_500"]         # bindings of every row

    [[columns]]
    title = "averaged weights"
    name = "parzen_log_likelihood"                # as in evaluation.json
    weights = "ema"

    [[columns]]
    title = "diversity"
    metric = "sample_diversity"                   # last in metrics.jsonl

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
runs/NAME/<row>/seed-N, so a table that was interrupted goes on where it was.
"""

import pathlib
import re
import statistics
import sys
import tomllib
from collections.abc import Iterator, Sequence
from typing import Any

from matplotlib.figure import Figure

from ganzoo.errors import ConfigurationError, RunError, did_you_mean
from ganzoo.scores.reproducing import Run, minutes_of
from ganzoo.storage import whole_files

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

    Raises:
        ConfigurationError: If the file cannot be read or says nonsense.
    """

    def __init__(self, path: str):
        self.path = pathlib.Path(path)
        try:
            found = tomllib.loads(self.path.read_text())
        except (OSError, tomllib.TOMLDecodeError) as error:
            raise ConfigurationError(
                f"`--table` must name a TOML file. Received: {path}: {error}. "
                "The tables of the docs are in tables/."
            ) from error
        self._check(found, "the table")
        self.figures = found.get("figures", [])
        for kind, name in [
            ("a column", "columns"),
            ("a figure", "figures"),
            ("a row", "rows"),
        ]:
            for entry in found.get(name, []):
                self._check(entry, kind)
        self.page = pathlib.Path(found["page"])
        self.params = tuple(found.get("params", ()))
        self.columns = found["columns"]
        self.rows = found["rows"]
        self.failures: dict[pathlib.Path, str] = {}

    def reproduce(self) -> bool:
        """Does what is not done yet, a run at a time; whether all is done."""
        self.write()  # A page without the marks is found out at once.
        for row in self.rows:
            for run in self.runs(row):
                if run.results() is not None:
                    continue
                failure = run.play()
                if failure is not None:
                    self.failures[run.path] = failure
                    print(f"{run.path} failed: {failure}", file=sys.stderr)
                self.write()
        for figure in self.figures:
            self.draw(**figure)
        return not self.failures

    def runs(self, row: dict[str, Any]) -> Iterator[Run]:
        """The runs of a row, one for each seed."""
        slug = re.sub(r"[^a-z0-9]+", "-", row["title"].lower()).strip("-")
        checkpoint = row.get("checkpoint")
        for seed in row["seeds"]:
            yield Run(
                pathlib.Path("runs", self.path.stem, slug, f"seed-{seed}"),
                row["recipe"],
                (*self.params, *row.get("params", ())),
                seed,
                None if checkpoint is None else str(checkpoint),
            )

    def write(self) -> None:
        """Puts the table into its page, in place of the one there.

        Raises:
            RunError: If the page has no place for it.
        """
        begin, end = f"<!-- table: {self.path.stem} -->", "<!-- end -->"
        text = self.page.read_text() if self.page.exists() else ""
        before, mark, rest = text.partition(begin)
        _, end_mark, after = rest.partition(end)
        if not mark or not end_mark:
            raise RunError(
                f"{self.page} must hold {begin} and, after it, {end}. "
                "Received: a page without. Add the two lines where the table "
                "is to stand."
            )
        whole_files.write(
            self.page, f"{before}{begin}\n{self.markdown()}\n{end}{after}"
        )

    def markdown(self) -> str:
        """Rows of which a run was done or failed; the others by name."""
        titles = [
            "",
            *(column["title"] for column in self.columns),
            "scored at step",
            "minutes",
        ]
        lines = [
            "| " + " | ".join(titles) + " |",
            "|---" + "|---:" * (len(titles) - 1) + "|",
        ]
        shown = [row for row in self.rows if self._is_begun(row)]
        others = [row["title"] for row in self.rows if row not in shown]
        lines += ["| " + " | ".join(self._cells(row)) + " |" for row in shown]
        if others:
            lines += ["", f"Not done yet: {'; '.join(others)}."]
        if self.params:
            lines += ["", f"Bindings of every row: {_code(self.params)}."]
        return "\n".join([*lines, "", *map(self._bindings, shown)]).rstrip()

    def draw(self, image: str, metric: str, log_scale: bool = False) -> None:
        """A metric of the log over steps: a colour a row, a line a seed."""
        figure = Figure(figsize=(6, 3.2), dpi=100, layout="constrained")
        axes = figure.add_subplot()
        logs = [
            (index, row["title"], run.log())
            for index, row in enumerate(self.rows)
            for run in self.runs(row)
            if run.results() is not None
        ]
        drawn = set()
        for index, title, log in logs:
            points = [
                (line["step"], line[metric]) for line in log if metric in line
            ]
            if points:
                # One entry of the legend for all seeds.
                label = None if title in drawn else title
                axes.plot(*zip(*points, strict=True), f"C{index}", label=label)
                drawn.add(title)
        if logs and not drawn:
            raise RunError(
                f"A figure of {self.path} wants {metric!r}. Received: logs "
                "without it. Log it, or take the figure out."
            )
        axes.set(xlabel="step", ylabel=metric.replace("_", " "))
        if log_scale:
            axes.set_yscale("log")
        axes.legend(fontsize=8)
        pathlib.Path(image).parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(image)

    def _is_begun(self, row: dict[str, Any]) -> bool:
        return any(
            run.results() is not None or run.path in self.failures
            for run in self.runs(row)
        )

    def _cells(self, row: dict[str, Any]) -> list[str]:
        runs = list(self.runs(row))
        found = [(run, run.results()) for run in runs]
        done = [
            (run, results, run.log())
            for run, results in found
            if results is not None
        ]
        cells = [row["title"]]
        for column in self.columns:
            cells.append(_summary([_pick(*one, column) for one in done]))
        steps = [f"{all_[0]['protocol']['step']:,}" for _, all_, _ in done]
        cells.append(", ".join(dict.fromkeys(steps)))
        minutes = [minutes_of(log) for *_, log in done]
        cells.append(f"{statistics.mean(minutes):.0f}" if minutes else "")
        missing = [run for run, results in found if results is None]
        if missing:
            failed = [self.failures.get(run.path) for run in missing]
            reasons = "; ".join(dict.fromkeys(filter(None, failed)))
            cells[1] += f" [{len(missing)} of {len(runs)} runs " + (
                f"failed: {reasons}]" if reasons else "not done]"
            )
        return cells

    def _bindings(self, row: dict[str, Any]) -> str:
        seeds = ", ".join(map(str, row["seeds"]))
        bindings = _code(row.get("params", ())) or "no others"
        checkpoint = row.get("checkpoint", "newest")
        return (
            f"- {row['title']}: `{row['recipe']}`, seeds {seeds}, bindings "
            f"{bindings}, {checkpoint} checkpoint."
        )

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


def _code(bindings: Sequence[str]) -> str:
    return "; ".join(f"`{binding}`" for binding in bindings)


def _pick(
    run: Run,
    results: list[dict[str, Any]],
    log: list[dict[str, Any]],
    column: dict[str, Any],
) -> tuple[float, float | None]:
    """A column's number of a run, and its standard error where it has one."""
    if "metric" in column:
        metric = column["metric"]
        found = [line[metric] for line in log if metric in line]
        if not found:
            raise RunError(
                f"Column {column['title']!r} wants {metric!r} of "
                f"{run.path}/metrics.jsonl. Received: "
                f"{sorted({name for line in log for name in line})}."
            )
        return found[-1], None
    for result in results:
        protocol = result["protocol"]
        if (result["name"], protocol["weights"]) == (
            column["name"],
            column["weights"],
        ):
            return result["value"], protocol.get("standard_error")
    raise RunError(
        f"Column {column['title']!r} wants {column['name']!r} of the "
        f"{column['weights']!r} weights. Received: "
        f"{sorted({result['name'] for result in results})}. Bind an evaluator "
        "that yields it, or take the column out."
    )


def _summary(found: list[tuple[float, float | None]]) -> str:
    """One value with its standard error; several with mean and spread."""
    if not found:
        return ""
    values = [value for value, _ in found]
    if len(values) == 1:
        error = found[0][1]
        return _text(values[0]) + (f" ± {error:.1f}" if error else "")
    mean, spread = statistics.mean(values), statistics.stdev(values)
    each = ", ".join(map(_text, values))
    return f"{_text(mean)}, s = {_text(spread)} ({each})"


def _text(value: float) -> str:
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"
