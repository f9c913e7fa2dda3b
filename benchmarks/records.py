"""What was measured: kept as JSON, shown as a table, compared as ratios."""

import json
import pathlib

FILE = pathlib.Path(__file__).parent / "record.json"
PAGE = pathlib.Path(__file__).parents[1] / "docs" / "performance.md"
BEGIN, END = "<!-- table: make bench -->", "<!-- end of table -->"
# Part of a ratio that may be lost; of a checkpoint in 1,000 steps, what was
# asked for.
MARGIN = 0.25
MARGINS = {"checkpoint": 0.02}


def load() -> dict[str, dict]:
    """The rows on record, by name."""
    return json.loads(FILE.read_text()) if FILE.exists() else {}


def keep(rows: dict[str, dict]) -> None:
    """Puts rows in the place of those of the same name, and on the page."""
    rows = load() | rows
    rows = dict(sorted(rows.items()))
    FILE.write_text(json.dumps(rows, indent=1) + "\n")
    before, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n{table(rows)}{END}{after}")


def ratios(row: dict) -> dict[str, float]:
    """How many times as long as ganzoo each other takes, the floor too."""
    ours = row["times"]["ganzoo"]["median"]
    found = {
        name: time["median"] / ours
        for name, time in row["times"].items()
        if name != "ganzoo"
    }
    if "floor" in row:
        found["floor"] = row["floor"]["milliseconds"] / ours
    return found


def table(rows: dict[str, dict]) -> str:
    """All rows in Markdown."""
    lines = [
        "| row | who | ms, median | range | ratio to ganzoo |",
        "|---|---|---:|---:|---:|",
    ]
    for name, row in sorted(rows.items()):
        found = ratios(row)
        for who, time in row["times"].items():
            ratio = f"{found[who]:.2f}" if who in found else ""
            lines.append(
                f"| {name} | {who} | {time['median']:,.1f} | "
                f"{time['low']:,.1f} to {time['high']:,.1f} | {ratio} |"
            )
        if "floor" in row:
            floor = row["floor"]
            lines.append(
                f"| {name} | *floor* | {floor['milliseconds']:,.1f} | "
                f"{floor['gflop']:.1f} GFLOP at {floor['gflops']:.0f} a second "
                f"| {found['floor']:.2f} |"
            )
        lines += [
            f"| {name} | {who} | {why} | | |"
            for who, why in row.get("absent", {}).items()
        ]
    return "\n".join(lines) + "\n"


def regressions(
    recorded: dict[str, dict],
    found: dict[str, dict],
    margin: float = MARGIN,
) -> list[str]:
    """What got slower beside the others than it was, a line each.

    Only ratios count: machines differ, and so do days.

    Args:
        recorded: Rows by name.
        found: Rows by name; those that are not on record are passed over.
        margin: Part of a ratio that may be lost, unless the row has its own.
    """
    lines = []
    for name in sorted(recorded.keys() & found.keys()):
        before, now = ratios(recorded[name]), ratios(found[name])
        lines += [
            f"{name}: {who} takes {now[who]:.2f} times as long as ganzoo; on "
            f"record are {before[who]:.2f}"
            for who in sorted(before.keys() & now.keys())
            if now[who] < before[who] * (1 - MARGINS.get(name, margin))
        ]
    return lines


def missing(recorded: dict[str, dict], found: dict[str, dict]) -> list[str]:
    """Who is on record and did not play, so that nothing was compared."""
    lines = []
    for name in sorted(recorded.keys() & found.keys()):
        before, now = ratios(recorded[name]), ratios(found[name])
        absent = found[name].get("absent", {})
        lines += [
            f"{name}: not compared with {who}: "
            + absent.get(who, "no longer measured")
            for who in sorted(before.keys() - now.keys())
        ]
    return lines
