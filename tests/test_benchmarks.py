"""What benchmarks compare, count and refuse; no time is measured."""

import json
import math
import os
import pathlib
import subprocess
import sys
import time

import numpy as np
import pytest
from small_runs import game as small_game

BENCHMARKS = pathlib.Path(__file__).parents[1] / "benchmarks"
MODULES = ("records", "floors", "games", "contests", "measures", "run")
# Prints the weights of G and D, their outputs' shapes for a batch of four, and
# whether all numbers are finite after some steps of a small game.
PLAY = """
import json
import games
full = games.GAMES["resnet"]
small = games.GAMES["resnet"] = full._replace(
    batch_size=4, generator_width=4, discriminator_width=4
)
games.NUM_EXAMPLES = 8
"""
PLAYS = {
    "jax": PLAY
    + """
import jax, jax.numpy as jnp, jax_games
def numbers(tree):
    return jax.tree.leaves(tree)
weights, _, _ = jax_games.Play(full).start()
play, key = jax_games.Play(small), jax.random.key(0)
state = play.start()
inputs = jnp.ones((4, 32, 32, 3)), jax.random.split(key, 4)
for rule in (play.alternating, play.simultaneous):
    assert jax.eval_shape(rule, state, *inputs) == jax.eval_shape(
        lambda state: state, state  # Of another form it would compile again.
    )
step = jax.jit(play.alternating)
for _ in range(3):
    state = step(state, *inputs)
(of_g, of_d), (kept_g, kept_d), _ = state
fake, _ = play.generate(of_g, kept_g, play.draw(key), False)
logits, _ = play.judge(of_d, kept_d, fake, key)
print(json.dumps([
    [sum(leaf.size for leaf in numbers(of)) for of in weights],
    fake.shape, logits.shape,
    all(bool(jnp.isfinite(leaf).all()) for leaf in numbers(state)),
]))
""",
    "torch": PLAY
    + """
import torch, torch_games
for rule in ("alternating", "simultaneous", "sampling"):
    torch_games.make("resnet", rule)(2)
nets = torch_games.residual_generator, torch_games.residual_discriminator
weights = [
    sum(weight.numel() for weight in net(full).parameters()) for net in nets
]
of_g, of_d = (net(small) for net in nets)
fake = of_g(torch.randn(4, 128))
print(json.dumps([
    weights, fake.permute(0, 2, 3, 1).shape, of_d(fake)[:, 0].shape, True
]))
""",
}


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS / "alternatives")
    monkeypatch.syspath_prepend(BENCHMARKS)
    before = set(sys.modules)
    yield
    for name in (*MODULES, "keras_games"):
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


def test_a_checkpoint_may_not_cost_what_a_step_may():
    from records import regressions

    recorded = {"checkpoint": row(100.4, without=100.0)}
    slower = {"checkpoint": row(103.0, without=100.0)}
    assert len(regressions(recorded, slower)) == 1
    assert regressions({"step": recorded["checkpoint"]}, {"step": row(1)}) == []


def test_who_did_not_play_is_named():
    from records import missing

    recorded = {"step": row(10.0, torch=15.0, jax=15.0), "other": row(1, a=2)}
    found = {"step": {**row(10.0, jax=1.0), "absent": {"torch": "why"}}}
    assert missing(recorded, found) == ["step: not compared with torch: why"]


def test_the_record_is_of_rows_that_there_are_and_on_the_page():
    from records import PAGE, load, table
    from run import ROWS

    assert set(load()) <= set(ROWS)
    assert table(load()) in PAGE.read_text()


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
        # convolutions (16 x 4,096 / 4 + 36,864) (64 + 256 + 1,024) = 71.57;
        # last 1.769. D: .885 + .025 + 4.194, 2.359 + 1.049 + .066, 2.359 and
        # 3.2e-5.
        # Twice 64 (G + 2 (3 D - .910) + 3 G - .131 + 2 D), and 20 bytes for
        # each of 132,096 + 3 (4,160 + 73,792 + 256) + 1,731 + 128 weights of G
        # and 896 + 9,248 + 128 + 2 x 9,248 + 1,056 + 4 x 9,248 + 33 of D.
        ("resnet", "alternating", 49.268, 8.709),
    ],
)
def test_floor_counts(game, rule, gflop, megabytes):
    from floors import step
    from games import GAMES

    operations, num_bytes = step(GAMES[game], rule)
    assert operations / 1e9 == pytest.approx(gflop, abs=1e-3)
    assert num_bytes / 1e6 == pytest.approx(megabytes, abs=0.05)


def test_the_plugins_nets_have_the_weights_that_are_counted():
    from floors import layers
    from games import GAMES

    networks = pytest.importorskip("ganzoo_resnet.networks")
    game = GAMES["resnet"]
    shape = game.sample_shape
    nets = (
        networks.build_generator(
            shape, game.latent_dim, width=game.generator_width
        ),
        networks.build_discriminator(shape, width=game.discriminator_width),
    )
    for net, counted in zip(nets, layers(game), strict=True):
        weights = sum(math.prod(w.shape) for w in net.trainable_weights)
        assert weights == sum(number for _, number in counted)


@pytest.mark.parametrize("name", ["mnist_mlp", "resnet"])
def test_the_nets_in_keras_have_the_weights_that_are_counted(name):
    from floors import layers
    from games import GAMES
    from keras_games import nets

    game = GAMES[name]
    for net, counted in zip(nets(game), layers(game), strict=True):
        weights = sum(math.prod(w.shape) for w in net.trainable_weights)
        assert weights == sum(number for _, number in counted)


@pytest.mark.parametrize(
    ("rule", "num_steps"), [("alternating", 3), ("simultaneous", 1)]
)
def test_keras_plays_the_residual_game(rule, num_steps):
    from games import GAMES
    from keras_games import Gan

    game = GAMES["resnet"]._replace(
        batch_size=4, generator_width=4, discriminator_width=4
    )
    gan = Gan(game, rule)
    gan.compile()
    real = np.ones((4, *game.sample_shape), np.float32)
    for _ in range(num_steps):
        assert np.isfinite([*map(float, gan.train_step(real).values())]).all()
    fake = gan.generate()
    assert fake.shape == real.shape
    assert gan.discriminator(fake).shape == (4, 1)
    for optimizer in gan.optimizers:
        assert float(optimizer.learning_rate) == pytest.approx(game.rate)
        assert int(optimizer.iterations) == num_steps


@pytest.mark.slow
@pytest.mark.parametrize("module", ["jax", "torch"])
def test_others_play_the_residual_game(module):
    from contests import ALTERNATIVES, interpreter
    from floors import layers
    from games import GAMES

    python = interpreter(module, BENCHMARKS.parent / ".venv-bench")
    if python is None:
        pytest.skip(f"{module} is not installed: docs/performance.md says how")
    done = subprocess.run(
        [python, "-c", PLAYS[module]],
        cwd=ALTERNATIVES,
        env={**os.environ, "XLA_FLAGS": "--xla_backend_optimization_level=0"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    weights, fake, logits, is_finite = json.loads(done.stdout)
    counted = layers(GAMES["resnet"])
    assert weights == [sum(number for _, number in net) for net in counted]
    assert (fake, logits, is_finite) == ([4, 32, 32, 3], [4], True)


def contestant(folder, code):
    from contests import Contestant

    script = folder / "plays.py"
    script.write_text(code)
    return Contestant("X", str(script), "x")


SERVES = """
import sys
print('{"ready": 1}', flush=True)
sys.stderr.write("talk " * 100_000)
for line in sys.stdin:
    print(.1 * int(line), flush=True)
"""


def test_a_contestant_that_talks_is_not_stopped(tmp_path):
    from contests import Player

    player = Player(contestant(tmp_path, SERVES), sys.executable, [])
    try:
        assert player.seconds(20) == 2.0
    finally:
        player.close()


def test_a_contestant_that_does_not_come_up_says_why(tmp_path):
    from contests import Player

    broken = contestant(tmp_path, "import no_such_module")
    with pytest.raises(RuntimeError, match="X failed: .*no_such_module"):
        Player(broken, sys.executable, [])
    with pytest.raises(RuntimeError, match="X failed: its Python: No such"):
        Player(broken, str(tmp_path / "bin" / "python"), [])


def test_a_contestant_that_ends_is_left_out(tmp_path):
    from contests import Player, contest

    ends = SERVES.replace("    print", "    1 / (int(line) - 10)\n    print")
    player = Player(contestant(tmp_path, ends), sys.executable, [])
    try:
        times, _, failures = contest([player], 2)
    finally:
        player.close()
    assert times == {}
    assert failures["X"].endswith("ZeroDivisionError: division by zero")


def test_a_contestant_that_hangs_is_left_out(tmp_path, monkeypatch):
    import contests

    monkeypatch.setattr(contests, "PATIENCE_SECONDS", 0.5)
    hangs = contestant(tmp_path, "import time\ntime.sleep(100)")
    with pytest.raises(RuntimeError, match="X failed: no word"):
        contests.Player(hangs, sys.executable, [])


def test_an_environment_without_python_is_no_other_one(tmp_path):
    from contests import interpreter

    assert interpreter("no_such_module", tmp_path) is None
    assert interpreter("keras", tmp_path) == sys.executable
    (tmp_path / "keras").mkdir()
    assert interpreter("keras", tmp_path).startswith(str(tmp_path))


def test_a_checkpoint_put_back_by_hand_is_checked_too(tmp_path):
    from measures import put_back

    from ganzoo.storage.checkpoints import Checkpoints, state

    gan = small_game()
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(gan, {})
    checkpoints.wait()
    variables = state(gan)
    before = {name: value.numpy() for name, value in variables.items()}
    for variable in variables.values():
        variable.assign(np.ones(variable.shape))
    put_back(checkpoints.path(0), variables)
    for name, variable in variables.items():
        np.testing.assert_array_equal(variable.numpy(), before[name])
    (checkpoints.path(0) / "manifest.json").write_text("{}")
    with pytest.raises(ValueError, match="manifest.json is damaged"):
        put_back(checkpoints.path(0), variables)


def test_the_fastest_turn_of_a_round_counts():
    from measures import rounds

    calls = []
    found = rounds({"a": lambda: calls.append(1), "b": calls.clear}, 2, 5)
    assert [len(values) for values in found.values()] == [2, 2]


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
