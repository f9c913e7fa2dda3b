"""Several workers: the same weights as one process, and what ends them."""

import json
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest
from processes import Command, complete
from small_runs import arguments, check_identical, lines, newest

from ganzoo.distribution import launching, workers
from ganzoo.errors import ConfigurationError, RunError

STRATEGY = "experiment.strategy = @strategies.multi_worker()"


def config(index=0, ports=(2222, 2223)):
    addresses = [f"127.0.0.1:{port}" for port in ports]
    return json.dumps(
        {
            "cluster": {"worker": addresses},
            "task": {"type": "worker", "index": index},
        }
    )


def free_ports():
    with (
        socket.create_server(("", 0)) as one,
        socket.create_server(("", 0)) as other,
    ):
        return one.getsockname()[1], other.getsockname()[1]


def start(run_dir, *params):
    ports = free_ports()
    return [
        Command(
            arguments(run_dir, *params, STRATEGY),
            run_dir.parent / f"log{index}",
            TF_CONFIG=config(index, ports),
        )
        for index in range(2)
    ]


@pytest.mark.slow
def test_a_chief_that_fails_in_evaluate_is_no_traceback_elsewhere(tmp_path):
    # A data set of no known density: only the chief, who evaluates, sees it.
    params = (
        "train.num_steps = 1",
        "evaluate.evaluators = [@evaluators.divergence()]",
        STRATEGY,
    )
    ports = free_ports()
    chief, other = (
        Command(
            arguments(tmp_path / "run", *params, mode="train,evaluate"),
            tmp_path / f"log{index}",
            TF_CONFIG=config(index, ports),
        )
        for index in range(2)
    )
    assert (chief.wait(), other.wait()) == (2, 2)
    assert "needs a mixture in closed form" in chief.output()
    assert "Error: Another worker was lost (" in other.output()
    assert "Traceback" not in other.output()


def test_without_tf_config_there_is_one_chief(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert workers.this_worker().is_chief
    monkeypatch.setenv("TF_CONFIG", config(1))
    here = workers.this_worker()
    assert not here.is_chief
    assert here.addresses == ("127.0.0.1:2222", "127.0.0.1:2223")


@pytest.mark.parametrize(
    "text",
    ["{", "[]", config(2), config().replace('"worker"', '"ps"')],
)
def test_an_unsound_tf_config_is_refused(monkeypatch, text):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(
        ConfigurationError,
        match=re.escape(
            "`TF_CONFIG` must name workers alone, and which of them this is, "
            'such as {"cluster": {"worker": ["host0:2222", "host1:2222"]}, '
            '"task": {"type": "worker", "index": 0}}. '
            f"Received: {text!r}."
        ),
    ):
        workers.this_worker()


def test_a_missing_worker_is_named():
    ports = free_ports()
    addresses = tuple(f"127.0.0.1:{port}" for port in ports)
    start = time.monotonic()
    with pytest.raises(
        RunError,
        match=re.escape(
            f"No answer from worker 1 at {addresses[1]} within 0.5 seconds. "
            "Start all workers with the same command, or raise "
            "`strategies.multi_worker.start_timeout_seconds`."
        ),
    ):
        workers.meet(workers.Worker(0, addresses), 0.5)
    assert time.monotonic() - start < 5


def test_workers_that_all_come_go_on():
    here, there = free_ports()
    addresses = (f"127.0.0.1:{here}", f"127.0.0.1:{there}")
    with socket.create_server(("127.0.0.1", there)):
        workers.meet(workers.Worker(0, addresses), 5)


def test_a_port_in_use_is_named():
    with socket.create_server(("", 0)) as door:
        address = f"127.0.0.1:{door.getsockname()[1]}"
        with pytest.raises(RunError, match="Worker 0 cannot listen at"):
            workers.meet(workers.Worker(0, (address,)), 1)


def launched(num_workers, code, patience=60.0):
    return launching.launch(num_workers, [sys.executable, "-c", code], patience)


def test_the_launcher_prefixes_and_ends_together(capsys):
    code = "import os; print('I am', os.environ['TF_CONFIG'][-2:])"
    assert launched(2, code) == 0
    printed = capsys.readouterr().out.splitlines()
    assert sorted(line[:8] for line in printed) == ["[0] I am", "[1] I am"]
    code = (
        "import json, os, sys, time\n"
        "task = json.loads(os.environ['TF_CONFIG'])['task']\n"
        "sys.exit(3) if task['index'] else time.sleep(600)"
    )
    start = time.monotonic()
    assert launched(2, code, patience=0.5) == 3
    assert time.monotonic() - start < 30


def test_the_launcher_hands_signals_on():
    code = (
        "import sys; from ganzoo.distribution.launching import launch; "
        "sys.exit(launch(2, [sys.executable, '-c', "
        "'import time; print(1); time.sleep(600)']))"
    )
    launcher = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    )
    for _ in range(2):
        launcher.stdout.readline()
    launcher.send_signal(signal.SIGTERM)
    assert launcher.wait(30) == 128 + signal.SIGTERM
    launcher.stdout.close()


def test_a_strategy_for_one_is_refused_among_workers(tmp_path):
    status, output = complete(
        arguments(tmp_path / "run", "train.num_steps = 1"),
        tmp_path / "log",
        TF_CONFIG=config(),
    )
    assert status == 2
    assert (
        "Error: `TF_CONFIG` names 2 workers, and only "
        "`strategies.multi_worker` lets them train together." in output
    )


def test_two_workers_compute_what_one_device_does(tmp_path):
    params = (
        "train.num_steps = 20",
        "experiment.dtype_policy = 'float64'",
        "build_gan.num_micro_batches = 2",
    )
    status, output = complete(
        arguments(tmp_path / "one", *params), tmp_path / "log"
    )
    assert status == 0, output
    # The chief evaluates on the way, which changes nothing.
    watched = (
        "train.evaluators = [@evaluators.parzen()]",
        "train.evaluate_every_steps = 8",
        "evaluators.parzen.num_samples = 50",
    )
    for command in start(tmp_path / "two", *params, *watched):
        assert command.wait() == 0, command.output()
    numbers = [x for x in lines(tmp_path / "two") if len(x) == 3]
    assert [x["step"] for x in numbers] == [8, 16, 20]
    assert "parzen_log_likelihood/ema" in numbers[0]
    one, two = newest(tmp_path / "one"), newest(tmp_path / "two")
    assert one.keys() == two.keys()
    for name in one:
        np.testing.assert_allclose(two[name], one[name], 0, 1e-12, name)


@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, 1])
def test_a_dead_worker_stops_the_other_and_the_run_goes_on(tmp_path, victim):
    params = ("train.num_steps = 400", "train.checkpoint_every_steps = 10")
    for command in start(tmp_path / "straight", *params):
        assert command.wait() == 0, command.output()
    run_dir = tmp_path / "run"
    both = start(run_dir, *params)
    pictures = pathlib.Path(run_dir, "checkpoints")
    both[0].wait_until(lambda: len(list(pictures.glob("step-*"))) > 1)
    began = time.monotonic()
    both[victim].process.kill()
    assert both[1 - victim].wait() == 2
    assert time.monotonic() - began < 60
    assert "Error: Another worker was lost after step" in (
        both[1 - victim].output()
    )
    for command in start(run_dir, *params):
        assert command.wait() == 0, command.output()
    check_identical(newest(run_dir), newest(tmp_path / "straight"))
