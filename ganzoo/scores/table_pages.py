"""A table written into its page: what is done, what failed, what is not."""

import pathlib
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import filelock
from matplotlib.figure import Figure

from ganzoo.errors import RunError, did_you_mean
from ganzoo.scores.reproducing import Run, minutes_of
from ganzoo.scores.table_files import Table
from ganzoo.storage import whole_files


class Page:
    """The place of a table in a Markdown file.

    Args:
        table: What is written; its runs are read anew each time.

    Attributes:
        failures: Run directory -> what went wrong in this process.
        faults: What cells and figures want and no run has, as of the last time.

    Raises:
        RunError: If the page has no place for it.
    """

    def __init__(self, table: Table):
        self.table = table
        self.failures: dict[pathlib.Path, str] = {}
        self.faults: list[str] = []
        self._parts()  # A page without the marks is found out at once.

    def write(self) -> None:
        """Puts the table into its page, in place of the one there."""
        with self._alone():
            before, after = self._parts()
            whole_files.write(
                self.table.page, f"{before}\n{self.markdown()}\n{after}"
            )

    def markdown(self) -> str:
        """Rows of which a run was done or failed; the others by name."""
        self.faults = []
        table = self.table
        titles = [
            "",
            *(column["title"] for column in table.columns),
            "scored at step",
            "minutes",
        ]
        lines = [_line(titles), "|---" + "|---:" * (len(titles) - 1) + "|"]
        shown = [row for row in table.rows if self._is_begun(row)]
        others = [row["title"] for row in table.rows if row not in shown]
        lines += [_line(self._cells(row)) for row in shown]
        if others:
            lines += ["", f"Not done yet: {'; '.join(others)}."]
        if table.params:
            lines += ["", f"Bindings of every row: {_code(table.params)}."]
        return "\n".join([*lines, "", *map(_bindings, shown)]).rstrip()

    def draw(self) -> None:
        """Draws the figures; what one wants in vain is among `faults`."""
        for figure in self.table.figures:
            try:
                with self._alone():
                    self._draw(**figure)
            except RunError as error:
                self.faults.append(str(error))

    def _alone(self) -> filelock.BaseFileLock:
        """Held while page and images are written; several tables share one."""
        path = pathlib.Path("runs", f".{self.table.page.name}.lock")
        path.parent.mkdir(exist_ok=True)
        return filelock.FileLock(path)

    def _parts(self) -> tuple[str, str]:
        """The page up to the table, and from its end on."""
        page = self.table.page
        begin, end = f"<!-- table: {self.table.name} -->", "<!-- end -->"
        text = page.read_text() if page.exists() else ""
        before, mark, rest = text.partition(begin)
        _, end_mark, after = rest.partition(end)
        if not mark or not end_mark:
            raise RunError(
                f"{page} must hold {begin} and, after it, {end}. "
                "Received: a page without. Add the two lines where the table "
                "is to stand."
            )
        return before + begin, end + after

    def _draw(self, image: str, metric: str, log_scale: bool = False) -> None:
        """A metric of the log over steps: a colour a row, a line a seed."""
        figure = Figure(figsize=(6, 3.2), dpi=100, layout="constrained")
        axes = figure.add_subplot()
        logs = [
            (index, row["title"], run.log())
            for index, row in enumerate(self.table.rows)
            for run in self.table.runs(row)
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
        if not drawn:
            if not logs:  # The image of earlier runs is better than none.
                return
            names = {name for *_, log in logs for line in log for name in line}
            raise RunError(
                f"A figure of {self.table.path} wants {metric!r}. Received: "
                f"logs without it.{_there_are(metric, names)} Log it, or take "
                "the figure out."
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
            for run in self.table.runs(row)
        )

    def _cells(self, row: dict[str, Any]) -> list[str]:
        runs = list(self.table.runs(row))
        found = [(run, run.results()) for run in runs]
        done = [
            (run, results, run.log())
            for run, results in found
            if results is not None
        ]
        cells = [row["title"]]
        cells += [self._cell(column, done) for column in self.table.columns]
        steps = [f"{_step(results):,}" for _, results, _ in done]
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

    def _cell(
        self,
        column: dict[str, Any],
        done: Sequence[tuple[Run, list[dict[str, Any]], list[dict[str, Any]]]],
    ) -> str:
        """A column's numbers of runs that are done, and which have none."""
        values, reasons = [], []
        for run, results, log in done:
            try:
                values.append(_pick(results, log, column))
            except RunError as error:
                reasons.append(str(error))
                self.faults.append(
                    f"Column {column['title']!r} of {run.path} wants {error}"
                )
        text = _summary(values)
        if reasons:
            text += f" [failed: wants {' '.join(dict.fromkeys(reasons))}]"
        return text


def _line(cells: Sequence[str]) -> str:
    # What went wrong may say anything.
    plain = [cell.replace("|", r"\|").replace("\n", " ") for cell in cells]
    return "| " + " | ".join(plain) + " |"


def _bindings(row: Mapping[str, Any]) -> str:
    seeds = ", ".join(map(str, row["seeds"]))
    bindings = _code(row.get("params", ())) or "no others"
    checkpoint = row.get("checkpoint", "newest")
    return (
        f"- {row['title']}: `{row['recipe']}`, seeds {seeds}, bindings "
        f"{bindings}, {checkpoint} checkpoint."
    )


def _code(bindings: Sequence[str]) -> str:
    return "; ".join(f"`{binding}`" for binding in bindings)


def _step(results: list[dict[str, Any]]) -> int:
    return results[0]["protocol"]["step"]


def _pick(
    results: list[dict[str, Any]],
    log: list[dict[str, Any]],
    column: dict[str, Any],
) -> tuple[float, float | None]:
    """A column's number of a run, and its standard error where it has one."""
    if "metric" in column:
        metric, step = column["metric"], _step(results)
        lines = [line for line in log if line["step"] <= step]
        found = [line[metric] for line in lines if metric in line]
        if not found:
            names = {name for line in lines for name in line}
            raise RunError(
                f"{metric!r} of metrics.jsonl up to step {step}."
                f"{_there_are(metric, names)}"
            )
        return found[-1], None
    name, weights = column["name"], column["weights"]
    for result in results:
        protocol = result["protocol"]
        if (result["name"], protocol["weights"]) == (name, weights):
            return result["value"], protocol.get("standard_error")
    offered = {
        f"{result['name']} of {result['protocol']['weights']}"
        for result in results
    }
    raise RunError(
        f"{name!r} of the {weights!r} weights."
        f"{_there_are(f'{name} of {weights}', offered)}"
    )


def _there_are(name: str, names: set[str]) -> str:
    there = ", ".join(sorted(names))
    return did_you_mean(name, names) or f" There are: {there}."


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
