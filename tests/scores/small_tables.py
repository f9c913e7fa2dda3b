"""A small table, and a stand-in for the commands that do its runs."""

import json
import pathlib
import sys

from conftest import ROOT

DIGITS = """
page = "page.md"
params = [
    "train.num_steps = 20", "train.log_every_steps = 5",
    "evaluate.evaluators = [@evaluators.parzen()]",
    "evaluators.parzen.num_samples = 100",
]

[[columns]]
title = "raw weights"
name = "parzen_log_likelihood"
weights = "raw"

[[rows]]
title = "As it is"
recipe = "RECIPE"
seeds = [1, 2]

[[rows]]
title = "No such batch"
recipe = "RECIPE"
params = ["train.batch_size = -1"]
seeds = [1]
""".replace("RECIPE", str(ROOT / "gin" / "digits_mlp.gin"))
PAGE = "# Page\n\n<!-- table: digits -->\nold\n<!-- end -->\n\nAfter.\n"


def write(folder, text=DIGITS):
    """Leaves the table and its page in a folder."""
    (folder / "digits.toml").write_text(text)
    (folder / "page.md").write_text(PAGE)


def result(value, weights="raw", step=20):
    return {
        "name": "parzen_log_likelihood",
        "value": value,
        "protocol": {"weights": weights, "step": step, "standard_error": 1.25},
    }


def finish(run, values, step=20):
    """Leaves what a run leaves that came to these values."""
    run.path.mkdir(parents=True)
    results = [
        result(value, weights, step) for weights, value in values.items()
    ]
    run.record.write_text(
        json.dumps({"asked": run.commands(), "results": results})
    )
    lines = [
        {"step": 5 * i, "wall_time": wall_time}
        # One pause of an hour between two sessions.
        for i, wall_time in enumerate([0, 60, 3660, 3720], start=1)
    ]
    # Numbers that were evaluated at a step are a line of their own.
    lines.append({"step": 20, "wall_time": 3720, "parzen/raw": 1.0})
    text = "\n".join(map(json.dumps, lines))
    (run.path / "metrics.jsonl").write_text(text)


# Leaves checkpoints, a log and numbers as `ganzoo.run` does, in no time: each
# third step has a checkpoint, the best one is `best.txt`, and each number is
# minus its step. `before.py` is done first.
_COMMAND = """#!PYTHON
import json, os, pathlib, signal, sys, time

given = [a.removeprefix("--").split("=", 1) for a in sys.argv[3:]]
flags = dict(given)
bound = dict(text.split(" = ") for name, text in given if name == "gin_param")
run = pathlib.Path(flags["run_dir"])
with open("commands.txt", "a") as file:
    file.write(flags["mode"].split(",")[0] + " " + str(run) + "\\n")
if os.path.exists("before.py"):
    exec(open("before.py").read())
checkpoints = run / "checkpoints"
if flags["mode"] == "train":
    run.mkdir(parents=True, exist_ok=True)
    (run / "bindings.json").write_text(json.dumps(bound))
    num_steps = int(bound["train.num_steps"])
    for step in range(3, num_steps + 1, 3):
        (checkpoints / f"step-{step:08d}").mkdir(parents=True, exist_ok=True)
    if os.path.exists("best.txt"):
        best = {"step": int(open("best.txt").read()), "score": 0.0}
        (checkpoints / "best.json").write_text(json.dumps(best))
    lines = [
        {"step": step, "wall_time": step, "discriminator_loss": step / 100}
        for step in range(3, num_steps + 1, 3)
    ]
    (run / "metrics.jsonl").write_text("\\n".join(map(json.dumps, lines)))
else:
    newest = max(int(p.name[5:]) for p in checkpoints.glob("step-*"))
    name = flags.get("checkpoint", "newest")
    if name == "best":
        step = json.loads((checkpoints / "best.json").read_text())["step"]
    else:
        step = newest if name == "newest" else int(name)
    result = {
        "name": "parzen_log_likelihood",
        "value": -step,
        "protocol": {"weights": "raw", "step": step},
    }
    file = f"evaluation-step-{step:08d}.json"
    file = "evaluation.json" if step == newest else file
    (run / file).write_text(json.dumps([result]))
"""


def stand_in(folder, monkeypatch):
    """Puts it where the table looks for Python."""
    python = folder / "python"
    python.write_text(_COMMAND.replace("PYTHON", sys.executable))
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))


def commands():
    """Those that were given so far: "train runs/digits/..."."""
    path = pathlib.Path("commands.txt")
    return path.read_text().splitlines() if path.exists() else []


def bound(recipes, params):
    """What the bindings say, without a recipe."""
    return dict(text.split(" = ") for text in params)
