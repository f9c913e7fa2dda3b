import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import filelock
import pytest
import small_tables
from small_tables import DIGITS, commands, write

from ganzoo.errors import ConfigurationError
from ganzoo.scores import reproducing
from ganzoo.scores.result_tables import reproduce
from ganzoo.scores.table_files import Table
from ganzoo.storage.run_directory import RunDirectory

SMALL = """
page = "page.md"
params = ["train.num_steps = 6"]

[[columns]]
title = "raw weights"
name = "parzen_log_likelihood"
weights = "raw"

[[columns]]
title = "loss of D"
metric = "discriminator_loss"

[[rows]]
title = "one"
recipe = "a.gin"
seeds = [1]

"""
SECOND = """
[[rows]]
title = "two"
recipe = "a.gin"
seeds = [1]
"""
MODES = ("train", "evaluate")
ONE, TWO = (pathlib.Path(f"runs/digits/{row}/seed-1") for row in ("one", "two"))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, SMALL + SECOND)
    small_tables.stand_in(tmp_path, monkeypatch)
    return tmp_path


def play(*, at_first="", path="digits.toml"):
    """Reproduces the table; `at_first` is done by each command of it."""
    pathlib.Path("before.py").write_text(at_first)
    return reproduce(path, small_tables.bound)


def page():
    return pathlib.Path("page.md").read_text()


def change(old, new):
    table = pathlib.Path("digits.toml")
    assert old in table.read_text()
    table.write_text(table.read_text().replace(old, new))


def test_minutes_are_of_training_alone():
    """Two steps a minute; after each line, half a minute of scoring."""
    log = []
    for step in (2, 4, 6):
        seconds = 90 * (step / 2 - 1)
        log.append({"step": step, "wall_time": 100 + seconds})
        log.append({"step": step, "wall_time": 130 + seconds, "score": 1.0})
    assert reproducing.minutes_of(log) == pytest.approx(3)
    assert reproducing.minutes_of([]) == 0


def test_a_table_is_done_once(folder):
    assert play() == 0
    assert "\n| one | -6 | 0.06 | 6 | 0 |\n| two | -6 | 0.06 | 6 |" in page()
    done = [f"{mode} {run}" for run in (ONE, TWO) for mode in MODES]
    assert commands() == done
    assert play() == 0
    assert commands() == done


def test_a_recipe_that_has_changed_is_done_again(folder):
    """The table asks for the same file, which says something else."""

    def read(recipes, params):
        return {**small_tables.bound(recipes, params), "train.batch_size": "7"}

    assert play() == 0
    num_commands = len(commands())
    pathlib.Path("before.py").write_text("sys.exit('No room.')")
    assert reproduce("digits.toml", read) == 1
    assert "| one |  [1 of 1 runs failed: No room.] |" in page()
    pathlib.Path("before.py").write_text("bound['train.batch_size'] = '7'")
    assert reproduce("digits.toml", read) == 0
    assert "\n| one | -6 |" in page()
    assert len(commands()) > num_commands + 2
    done = commands()
    assert reproduce("digits.toml", read) == 0
    assert commands() == done


def test_the_numbers_are_of_the_step_that_is_scored(folder):
    assert play() == 0
    change("seeds = [1]", "seeds = [1]\ncheckpoint = 3")
    assert play() == 0
    assert "\n| one | -3 | 0.03 | 3 | 0 |\n" in page()
    assert "3 checkpoint." in page()

    change("num_steps = 6", "num_steps = 12")
    change("checkpoint = 3", 'checkpoint = "best"')
    change("params = [", 'params = ["train.evaluators = [@parzen()]", ')
    (folder / "best.txt").write_text("9")
    assert play() == 0
    assert "\n| one | -9 | 0.09 | 9 | 0 |\n" in page()


def test_no_numbers_of_the_step_that_is_scored_are_a_failure(folder, capsys):
    assert play() == 0
    change("num_steps = 6", "num_steps = 9")
    only_train = "if flags['mode'] != 'train': sys.exit(0)"
    assert play(at_first=only_train) == 1
    assert (
        f"{ONE} must have numbers of step 9, which was scored. Received: "
        "numbers of ['6']. Bind `evaluate.evaluators`."
    ) in page()
    assert f"{TWO} failed: {TWO} must have" in capsys.readouterr().err
    assert play() == 0
    assert "\n| one | -9 |" in page()


def test_fewer_steps_than_the_run_has_are_refused(folder):
    change("num_steps = 6", "num_steps = 12")
    assert play() == 0
    change("num_steps = 12", "num_steps = 6")
    assert play() == 1
    assert len(commands()) == 4
    assert (
        "| one |  [1 of 1 runs failed: `train.num_steps` must not be "
        f"less than the run has behind it. Received: 6, and {ONE} is at step "
        "12. Delete that folder to begin anew, or raise train.num_steps.] |"
    ) in page()


def test_the_best_of_none_is_refused_before_training(folder):
    change("seeds = [1]", 'seeds = [1]\ncheckpoint = "best"')
    assert play() == 1
    assert not commands()
    assert (
        'failed: `checkpoint = "best"` needs scores on the way. '
        "Received: no `train.evaluators`."
    ) in page()


def test_a_recipe_that_cannot_be_read_is_a_failure_of_its_row(folder):
    def read(recipes, params):
        if recipes == ["a.gin"]:
            return small_tables.bound(recipes, params)
        raise ConfigurationError("No such recipe.")

    change('"two"\nrecipe = "a.gin"', '"two"\nrecipe = "b.gin"')
    assert reproduce("digits.toml", read) == 1
    assert "\n| one | -6 |" in page()
    assert "| two |  [1 of 1 runs failed: No such recipe.] |" in page()


def test_a_killed_run_is_a_failure_that_names_the_signal(folder, capsys):
    kill = f"if str(run) == {str(ONE)!r}: os.kill(os.getpid(), signal.NUMBER)"
    assert play(at_first=kill.replace("NUMBER", "SIGKILL")) == 1
    cell = "| one |  [1 of 1 runs failed: ended by SIGKILL, as where memory "
    assert f"{cell}runs out] |" in page()
    assert "\n| two | -6 |" in page()
    assert play(at_first=kill.replace("NUMBER", "SIGTERM")) == 1
    assert "failed: ended by SIGTERM] |" in page()
    assert "saved" not in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    ("then", "words"),
    [
        ("time.sleep(9)", f"{ONE} was stopped. Give the same command to go on"),
        ("sys.exit(128 + number)", f"{ONE} was stopped, and saved. Give the"),
    ],
)
def test_a_signal_to_the_table_stops_it(folder, capsys, number, then, words):
    stop = f"""
number = {number.value}
if "saved" in {words!r}:
    signal.signal(number, lambda *_: {then})
os.kill(os.getppid(), number)
time.sleep(9)
"""
    assert play(at_first=stop) == 128 + number
    assert commands() == [f"train {ONE}"]
    assert words in capsys.readouterr().err
    assert "Not done yet: one; two." in page()


def test_a_run_that_was_told_to_stop_stops_the_table(folder, capsys):
    assert play(at_first="sys.exit(143)") == 143
    assert f"{ONE} was stopped, and saved." in capsys.readouterr().err


def test_a_run_of_another_process_is_left(folder, capsys):
    with RunDirectory(ONE).hold():  # As a training that outlived its table.
        assert play() == 1
        errors = capsys.readouterr().err
        assert f"{ONE} is left: {ONE} is held by process {os.getpid()}" in (
            errors
        )
        assert "\n| two | -6 |" in page()
        assert "Not done yet: one." in page()
    assert play() == 0
    assert len(commands()) == 4


def test_a_run_that_another_process_took_at_its_start_is_left(
    folder, capsys, monkeypatch
):
    with contextlib.ExitStack() as held:

        def fail(command):
            held.enter_context(RunDirectory(ONE).hold())
            return 2, "Error: it is held.", []

        monkeypatch.setattr(reproducing, "_call", fail)
        change(SECOND, "")
        assert play() == 1
        assert f"{ONE} is left: {ONE} is held by" in capsys.readouterr().err
        assert "Not done yet: one." in page()


def real_python():
    return pathlib.Path(sys.prefix, "bin", "python")


def test_a_run_that_begins_from_one_that_is_left_is_left(folder, capsys):
    change('"two"\n', f'"two"\nparams = ["initialize_from.run = {ONE}"]\n')
    ONE.parent.mkdir(parents=True)
    with filelock.FileLock(ONE.with_name(".seed-1.lock")):
        assert play() == 1
    errors = capsys.readouterr().err
    assert f"{ONE} is left: another process of this table is at it." in errors
    assert f"{TWO} is left: {ONE}, from which it begins, is not done." in errors
    assert not commands()
    assert play() == 0


def test_two_processes_share_a_table(folder):
    code = (
        "from ganzoo.scores.result_tables import reproduce; import sys; "
        f"sys.path[:] = {sys.path!r}; import small_tables; "
        f"sys.executable = {sys.executable!r}; "
        "sys.exit(reproduce('digits.toml', small_tables.bound))"
    )
    seeds = [1, 2]
    change("seeds = [1]", f"seeds = {seeds}")
    pathlib.Path("before.py").write_text("time.sleep(0.02)")
    processes = [
        subprocess.Popen([real_python(), "-c", code], stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    errors = [process.communicate()[1].decode() for process in processes]
    for process, text in zip(processes, errors, strict=True):
        # Whoever comes to its end first leaves what the other is at.
        assert process.returncode == (1 if "is left" in text else 0), text
    assert len(commands()) == len(set(commands())) == 2 * 2 * len(seeds)
    each = ", ".join(["-6"] * len(seeds))
    assert f"| one | -6, s = 0 ({each}) |" in page()
    assert f"| two | -6, s = 0 ({each}) |" in page()
    assert "Not done" not in page()
    assert "not done" not in page()


def test_a_run_that_was_done_meanwhile_is_not_done_again(folder, monkeypatch):
    assert play() == 0
    record = (TWO / "reproduced.json").read_text()
    (TWO / "reproduced.json").unlink()
    (ONE / "reproduced.json").unlink()
    finish = f"""
if flags["mode"] == "train" and str(run) == {str(ONE)!r}:
    open({str(TWO / "reproduced.json")!r}, "w").write({record!r})
"""
    assert play(at_first=finish) == 0
    assert len(commands()) == 6

    # Nor one that this process had seen undone before it was free.
    monkeypatch.setattr(sys, "executable", "/nowhere")
    run, _ = Table("digits.toml").all_runs()
    assert run.play(small_tables.bound([], run.bindings)) is None


def test_what_others_did_up_to_the_end_is_shown(folder, monkeypatch):
    assert play() == 0
    record = (TWO / "reproduced.json").read_text()
    (TWO / "reproduced.json").unlink()

    def play_elsewhere(run, bound):
        run.record.write_text(record)
        raise reproducing.Busy("it is held.")

    monkeypatch.setattr(reproducing.Run, "play", play_elsewhere)
    assert play() == 1
    assert "\n| two | -6 |" in page()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            '"parzen_log_likelihood"',
            '"parzen"',
            "wants 'parzen' of the 'raw' weights. Did you mean "
            "'parzen_log_likelihood of raw'?",
        ),
        (
            '"discriminator_loss"',
            '"d_loss"',
            "wants 'd_loss' of metrics.jsonl up to step 6. There are: "
            "discriminator_loss, step, wall_time.",
        ),
    ],
)
def test_a_column_that_no_run_has_is_a_failure_of_its_cells(
    folder, capsys, old, new, message
):
    change(old, new)
    for _ in range(2):
        assert play() == 1
        assert len(commands()) == 4
        assert page().count(f" [failed: {message}] |") == 2
        errors = capsys.readouterr().err
        assert errors.count(f" of {ONE} {message}\n") == 1


def table_process(folder):
    return subprocess.Popen(
        [sys.executable, "-m", "ganzoo.run", "--mode=reproduce"]
        + ["--table=digits.toml"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_a_table_is_run_stopped_and_gone_on_with(tmp_path):
    write(tmp_path, DIGITS)
    process = table_process(tmp_path)
    metrics = tmp_path / "runs/digits/as-it-is/seed-1/metrics.jsonl"
    while not metrics.exists() or not metrics.read_text():
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate()
    assert process.returncode == 128 + signal.SIGTERM
    assert "was stopped, and saved. Give the same command to go on." in errors
    assert "Not done yet: As it is;" in (tmp_path / "page.md").read_text()

    process = table_process(tmp_path)
    output, errors = process.communicate()
    assert process.returncode == 1  # The third run cannot be built.
    text = (tmp_path / "page.md").read_text()
    values = []
    for seed in (1, 2):
        run = tmp_path / f"runs/digits/as-it-is/seed-{seed}"
        (result, *_) = json.loads((run / "evaluation.json").read_text())
        values.append(result["value"])
    each = ", ".join(f"{value:.1f}" for value in values)
    assert f"({each}) | 20 |" in text
    assert "| No such batch |  [1 of 1 runs failed: Error: " in text
    assert "batch_size" in text

    process = table_process(tmp_path)
    output, _ = process.communicate()
    assert output.count("--mode=train") == 1  # That which failed, alone.


def test_the_real_command_refuses_a_row_before_it_is_trained(tmp_path):
    """What recipes say is read without TensorFlow."""
    text = DIGITS.replace("seeds = [1", 'checkpoint = "best"\nseeds = [1')
    write(tmp_path, text)
    process = table_process(tmp_path)
    output, errors = process.communicate()
    assert process.returncode == 1, errors
    assert errors.count("needs scores on the way") == 3
    assert "--mode=train" not in output
