"""Bit-exact resume: killed, interrupted or prolonged, a run ends the same."""

import pathlib
import random
import signal

import pytest
from processes import Command, complete
from small_runs import arguments, check_identical, lines, newest
from tensorboard.backend.event_processing import event_accumulator

NUM_STEPS = 240
PARAMS = (
    f"train.num_steps = {NUM_STEPS}",
    "train.log_every_steps = 5",
    "train.checkpoint_every_steps = 8",
)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    status, output = complete(
        arguments(folder / "run", *PARAMS), folder / "log"
    )
    assert status == 0, output
    return folder / "run"


def steps_logged(run_dir):
    """The last step in metrics.jsonl, by its number of lines."""
    path = pathlib.Path(run_dir, "metrics.jsonl")
    return 5 * path.read_text().count("\n") if path.exists() else 0


def check_same_run(run_dir, undisturbed):
    check_identical(newest(run_dir), newest(undisturbed))
    assert lines(run_dir) == lines(undisturbed)
    accumulator = event_accumulator.EventAccumulator(str(run_dir))
    accumulator.Reload()
    events = accumulator.Scalars("discriminator_loss")
    assert [e.step for e in events] == [line["step"] for line in lines(run_dir)]
    assert not list(pathlib.Path(run_dir, "checkpoints").glob(".writing-*"))


def kill_and_finish(run_dir, num_kills, seed):
    """Kills a run at random moments, then lets it end; the last output."""
    chance = random.Random(seed)
    log = run_dir.with_suffix(".log")
    num_killed = 0
    for index in range(num_kills):
        # Later each time, and well before the end.
        target = chance.uniform(index, index + 0.8) / num_kills * NUM_STEPS
        command = Command(arguments(run_dir, *PARAMS), log)
        command.wait_until(lambda target=target: steps_logged(run_dir) > target)
        command.process.join(chance.uniform(0, 0.05))
        command.process.kill()
        num_killed += command.wait() == -signal.SIGKILL
    status, output = complete(arguments(run_dir, *PARAMS), log)
    assert status == 0, output
    return num_killed, output


def test_five_kills_leave_no_trace(undisturbed, tmp_path):
    num_killed, output = kill_and_finish(tmp_path / "run", 5, seed=0)
    assert num_killed >= 4
    assert "Restored step" in output
    check_same_run(tmp_path / "run", undisturbed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 11))
def test_fifty_kills_leave_no_trace(undisturbed, tmp_path, seed):
    kill_and_finish(tmp_path / "run", 5, seed)
    check_same_run(tmp_path / "run", undisturbed)


def test_signals_save_and_more_steps_go_on(undisturbed, tmp_path):
    run_dir, log = tmp_path / "run", tmp_path / "log"
    shorter = arguments(run_dir, *PARAMS, f"train.num_steps = {NUM_STEPS - 60}")
    # As the message says.
    longer = [
        f"--run_dir={run_dir}",
        "--mode=train",
        f"--gin_param=train.num_steps = {NUM_STEPS}",
    ]
    for flags, number, target in (
        (shorter, signal.SIGINT, 20),
        (longer, signal.SIGTERM, 80),
    ):
        command = Command(flags, log)
        command.wait_until(lambda target=target: steps_logged(run_dir) > target)
        command.send(number)
        assert command.wait() == 128 + number, command.output()
        assert (
            "and saved. To go on: python -m ganzoo.run "
            f"--run_dir={run_dir}" in command.output()
        )
    status, output = complete(longer, log)
    assert status == 0, output
    assert "Restored step" in output
    check_same_run(run_dir, undisturbed)
