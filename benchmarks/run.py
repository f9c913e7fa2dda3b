"""ganzoo beside the alternatives, on this machine: `make bench`.

    python benchmarks/run.py                                all rows
    python benchmarks/run.py --only=mnist_mlp_alternating   one or more rows
    python benchmarks/run.py --check                        against the record

An alternative is looked for in `<environments>/<keras|torch|jax>/bin/python`,
else in this Python; requirements are in benchmarks/alternatives/. What was
measured on a busy machine is shown and not recorded.
"""

import argparse
import json
import pathlib
import subprocess
import sys
from typing import Any

import contests
import measures
import records
from contests import CONTESTANTS, HERE, MOST_OTHERS, Others, Player, summary

sys.path.insert(0, str(contests.ALTERNATIVES))
from games import GAMES

RULES = ("simultaneous", "alternating", "sampling")
ROWS = {f"{game}_{rule}": (game, rule) for game in GAMES for rule in RULES}
ROWS |= {name: (name, None) for name in measures.MEASURES}


def measure(row: str, chosen: argparse.Namespace) -> dict[str, Any]:
    """One row: times by name, floor, who was absent, what others used."""
    game, rule = ROWS[row]
    if rule is None:
        with Others() as others:
            command = [sys.executable, str(HERE / "measures.py"), game]
            text = output([*command, str(chosen.rounds)])
        times = {name: summary(v) for name, v in json.loads(text).items()}
        return {"times": times, "others": round(others.share, 3)}
    players, absent = [], {}
    try:
        for contestant in CONTESTANTS:
            if chosen.who and contestant.name not in [*chosen.who, "ganzoo"]:
                absent[contestant.name] = "not asked to play"
                continue
            python = contests.interpreter(
                contestant.module, chosen.environments
            )
            if python is None:
                absent[contestant.name] = f"{contestant.module} not installed"
                continue
            try:
                players.append(Player(contestant, python, [game, rule]))
            except RuntimeError as error:
                absent[contestant.name] = str(error)
        times, share, failures = contests.contest(players, chosen.rounds)
    finally:
        for player in players:
            player.close()
    absent |= failures
    if "ganzoo" not in times:  # Against it all others are measured.
        raise SystemExit(f"{row}: {absent['ganzoo']}")
    share = round(share, 3)
    found = {"times": times, "others": share, "absent": absent}
    if rule != "sampling":
        with Others() as others:
            command = [sys.executable, str(HERE / "floors.py"), game, rule]
            numbers = json.loads(output(command))
        names = ("milliseconds", "gflop", "gflops", "gigabytes_per_second")
        found["floor"] = dict(zip(names, numbers, strict=True))
        found["others"] = max(share, round(others.share, 3))
    return found


def output(command: list[str]) -> str:
    """The last line that a command prints."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    return done.stdout.strip().splitlines()[-1]


def main() -> int:
    """Runs the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", type=lambda text: text.split(","))
    parser.add_argument("--who", type=lambda text: text.split(","))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--environments", type=pathlib.Path, default=pathlib.Path(".venv-bench")
    )
    parser.add_argument("--check", action="store_true", help="compare ratios")
    parser.add_argument(
        "--force", action="store_true", help="show all the same"
    )
    chosen = parser.parse_args()
    unknown = sorted(set(chosen.only or []) - set(ROWS))
    if unknown:
        parser.error(f"no rows {unknown}; there are: {', '.join(ROWS)}")
    names = [contestant.name for contestant in CONTESTANTS]
    unknown = sorted(set(chosen.who or []) - set(names))
    if unknown:
        parser.error(f"no contestants {unknown}; there are: {', '.join(names)}")
    rows, was_quiet = {}, True
    recorded = records.load()
    for row in chosen.only or (recorded if chosen.check else ROWS):
        found = measure(row, chosen)
        others = found["others"]
        print(records.table({row: found}), flush=True)
        is_quiet = others <= MOST_OTHERS
        if is_quiet or chosen.force:
            rows[row] = found
        if not is_quiet:
            was_quiet = False
            print(
                f"{row}: not to be recorded, for others used {others:.0%} of "
                f"the processors (at most {MOST_OTHERS:.0%}). Stop them and "
                "measure again.",
                file=sys.stderr,
            )
        elif not (chosen.check or chosen.force):
            records.keep({row: found})
    if chosen.check:
        for line in records.missing(recorded, rows):
            print(line, file=sys.stderr)
        lines = records.regressions(recorded, rows)
        print("\n".join(lines) or f"No ratio of {len(rows)} rows has fallen.")
        return 1 if lines or not (was_quiet or chosen.force) else 0
    return 0 if was_quiet else 1


if __name__ == "__main__":
    sys.exit(main())
