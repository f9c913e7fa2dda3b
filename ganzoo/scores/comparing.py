"""Numbers of several runs side by side: ranked if they were got alike."""

import json
import math
import os
import pathlib
from collections.abc import Sequence
from typing import Any

from ganzoo.errors import RunError

# What says which model was scored, and not how.
_ABOUT_THE_MODEL = {
    "ema_decay",
    "ema_start",
    "run_seed",
    "samples_file",
    "samples_hash",
    "seconds",
    "step",
    "versions",
    "weights",
}
# What is found, and not chosen; a protocol names more of it in `outcomes`.
_FOUND = {"standard_error", "outcomes"}


def compare(paths: Sequence[str | os.PathLike]) -> str:
    """A table of the numbers of runs, with a rank where that means something.

    Two numbers of one name are ranked if every field of their protocols agrees
    that is chosen, not found, and is about the measurement, not the model.
    Numbers within two standard errors of their difference share a rank.

    Args:
        paths: Run directories, or evaluation files; two or more.

    Returns:
        The table, one block for each name.

    Raises:
        RunError: If there are fewer than two, or one holds no evaluation.
    """
    if len(paths) < 2:
        raise RunError(
            f"`compare` needs at least two runs. Received: {len(paths)}. Name "
            "run directories: --mode=compare RUN RUN."
        )
    rows: dict[str, list[dict[str, Any]]] = {}
    for path in paths:
        for result in read(path):
            row = {**result, "run": str(path)}
            rows.setdefault(result["name"], []).append(row)
    return "\n\n".join(_block(name, rows[name]) for name in rows)


def read(path: str | os.PathLike) -> list[dict[str, Any]]:
    """The results of a run directory or of an evaluation file.

    Of a run directory, those of every checkpoint that was scored.

    Raises:
        RunError: If there are none, or they are damaged.
    """
    place = pathlib.Path(path)
    files = result_files(place) if place.is_dir() else [place]
    return [
        result
        for file in files or [place / "evaluation.json"]
        for result in _read_file(file, path)
    ]


def result_files(folder: pathlib.Path) -> list[pathlib.Path]:
    """Those of a run: about its newest checkpoint, then about others."""
    newest = folder / "evaluation.json"
    others = sorted(folder.glob("evaluation-step-*.json"))
    return [newest, *others] if newest.exists() else others


def _read_file(
    file: pathlib.Path, path: str | os.PathLike
) -> list[dict[str, Any]]:
    try:
        results = json.loads(file.read_text())
        for result in results:
            if not (
                isinstance(result["name"], str)
                and math.isfinite(result["value"])
                and isinstance(result["protocol"], dict)
            ):
                raise ValueError("an entry is no name, number and protocol")
    except OSError as error:
        raise RunError(
            f"{path} holds no evaluation: {file} cannot be read. Run "
            f"--mode=evaluate --run_dir={path} first."
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(
            f"{file} must be a list of results. Received: "
            f"{type(error).__name__}: {error}. Evaluate again."
        ) from error
    return results


def differences(first: dict[str, Any], second: dict[str, Any]) -> list[str]:
    """Why two numbers of one name cannot be ranked: "field: x and y"."""
    return [
        f"{field}: {_short(first.get(field))} and {_short(second.get(field))}"
        for field in sorted(first.keys() | second.keys())
        if field not in _ABOUT_THE_MODEL | _FOUND
        and field not in first.get("outcomes", ())
        and field not in second.get("outcomes", ())
        and first.get(field) != second.get(field)
    ]


def _block(name: str, rows: list[dict[str, Any]]) -> str:
    """The rows of one name, with ranks or with the reason for none."""
    protocols = [row["protocol"] for row in rows]
    unlike = next(
        (found for p in protocols if (found := differences(protocols[0], p))),
        [],
    )
    better = protocols[0].get("better")
    if unlike:
        verdict = "Not ranked: the protocols differ in " + "; ".join(unlike)
    elif better is None:
        verdict = "Not ranked: neither higher nor lower is better."
    else:
        rows = sorted(rows, key=lambda row: row["value"])
        rows = rows[::-1] if better == "higher" else rows
        verdict = f"{better.capitalize()} is better."
    ranks = _ranks(rows) if better and not unlike else [""] * len(rows)
    table: list[tuple[str, ...]] = [
        ("rank", "value", "error", "weights", "step", "run")
    ]
    for rank, row in zip(ranks, rows, strict=True):
        protocol = row["protocol"]
        error = protocol.get("standard_error")
        table.append(
            (
                rank,
                f"{row['value']:.6g}",
                "" if error is None else f"{error:.2g}",
                str(protocol.get("weights", "")),
                str(protocol.get("step", "")),
                row["run"],
            )
        )
    return "\n".join([name, *_aligned(table), verdict, *_baselines(rows)])


def _ranks(rows: list[dict[str, Any]]) -> list[str]:
    """A tie with the row in front shares its rank."""
    ranks = [1]
    for place in range(1, len(rows)):
        here, before = rows[place], rows[place - 1]
        errors = [
            r["protocol"].get("standard_error") or 0 for r in (here, before)
        ]
        gap = abs(here["value"] - before["value"])
        is_tie = gap <= 2 * math.hypot(*errors)
        ranks.append(ranks[-1] if is_tie else place + 1)
    return [str(rank) for rank in ranks]


def _baselines(rows: list[dict[str, Any]]) -> list[str]:
    """The baselines' lines, each once."""
    lines = [
        f"  beside it, {baseline['name'].replace('_', ' ')}: "
        f"{baseline['value']:.6g}"
        for row in rows
        for baseline in row.get("baselines", ())
    ]
    return list(dict.fromkeys(lines))


def _aligned(table: list[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        "  "
        + "  ".join(
            cell.ljust(width) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in table
    ]


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
