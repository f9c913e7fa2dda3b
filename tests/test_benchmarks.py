"""What benchmarks compare, count and refuse; no time is measured."""

import pathlib
import subprocess
import sys
import time

import pytest

BENCHMARKS = pathlib.Path(__file__).parents[1] / "benchmarks"


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS / "alternatives")
    monkeypatch.syspath_prepend(BENCHMARKS)
    before = set(sys.modules)
    yield
    for name in ("records", "floors", "games", "contests"):
        if name not in before:
            sys.modules.pop(name, None)


def row(ours, floor=None, **others):
    times = {"ganzoo": ours, **others}
    found = {
        "times": {
            who: {"median": time, "low": time, "high": time}
            for who, time in times.items()
        }
    }
    if floor is not None:
        found["floor"] = {"milliseconds": floor, "gflop": 1, "gflops": 1}
    return found


def test_ratios_are_compared_and_times_are_not():
    from records import regressions

    recorded = {"step": row(10.0, floor=8.0, torch=15.0)}
    slower_machine = {"step": row(30.0, floor=24.0, torch=45.0)}
    assert regressions(recorded, slower_machine, margin=0.25) == []
    within = {"step": row(11.0, floor=8.0, torch=15.0)}
    assert regressions(recorded, within, margin=0.25) == []


def test_a_regression_fails_by_name():
    from records import regressions

    recorded = {"step": row(10.0, floor=8.0, torch=15.0)}
    slower = {"step": row(15.0, floor=8.0, torch=15.0), "new": row(1.0, a=1.0)}
    assert regressions(recorded, slower, margin=0.25) == [
        "step: floor takes 0.53 times as long as ganzoo; on record are 0.80",
        "step: torch takes 1.00 times as long as ganzoo; on record are 1.50",
    ]


def test_the_table_says_who_was_absent():
    from records import table

    found = {**row(10.0, floor=8.0, torch=15.0), "absent": {"JAX": "why"}}
    assert table({"step": found}).splitlines()[2:] == [
        "| step | ganzoo | 10.0 | 10.0 to 10.0 |  |",
        "| step | torch | 15.0 | 15.0 to 15.0 | 1.50 |",
        "| step | *floor* | 8.0 | 1.0 GFLOP at 1 a second | 0.80 |",
        "| step | JAX | why | | |",
    ]


@pytest.mark.parametrize(
    ("game", "rule", "gflop", "megabytes"),
    [
        # By hand, 1e6 products: G .12 + 1.44 + .9408, D .9408 + .288 + .00024.
        # Twice 100 (3 G - .12 + 2 (3 D - .9408) + .9408), and
        # twice 100 (G + 2 (3 D - .9408) + 3 G - .12 + 2 D).
        ("mnist_mlp", "simultaneous", 2.763, 74.7),
        ("mnist_mlp", "alternating", 3.567, 74.7),
        # G: 2,048 x 64 = .131; shortcuts 4,096 (16 + 64 + 256) = 1.376;
        # convolutions 2 x 36,864 (64 + 256 + 1,024) = 99.09; last 1.769.
        # D: .885 + 9.437, .025, 4.719 + .066, 2.359 and 3.2e-5.
        # Twice 64 (G + 2 (3 D - .885) + 3 G - .131 + 2 D), and 20 bytes for
        # each of 131,072 + 1,024 + 3 (4,160 + 73,856) + 1,731 weights of G and
        # 896 + 9,248 + 128 + 2 x 9,248 + 1,056 + 4 x 9,248 + 33 of D.
        ("resnet", "alternating", 70.078, 8.7),
    ],
)
def test_floor_counts(game, rule, gflop, megabytes):
    from floors import step
    from games import GAMES

    operations, num_bytes = step(GAMES[game], rule)
    assert operations / 1e9 == pytest.approx(gflop, abs=1e-3)
    assert num_bytes / 1e6 == pytest.approx(megabytes, abs=0.1)


def test_sizes_are_the_recipes():
    from games import GAMES

    for name, game in GAMES.items():
        if name == "resnet":  # Sizes of its own.
            continue
        lines = (BENCHMARKS.parent / "gin" / f"{name}.gin").read_text()
        assert f"train.batch_size = {game.batch_size}\n" in lines
        if game.convs:
            for parameter in ("filters", "kernel_size", "padding", "pool_size"):
                sizes = tuple(getattr(conv, parameter) for conv in game.convs)
                assert f"maxout_conv.{parameter} = {sizes}" in lines
        else:
            for who, units in (
                ("generators.mlp", game.generator_units),
                ("discriminators.maxout_mlp", game.maxout_units),
            ):
                assert f"{who}.hidden_units = {units}" in lines


def test_others_are_noticed():
    from contests import Others

    code = "import time\nwhile True: time.monotonic()"
    with subprocess.Popen([sys.executable, "-c", code]) as stranger:
        try:
            with Others() as others:
                time.sleep(0.5)
        finally:
            stranger.kill()
    assert others.share > 0.1
