"""Several workers on this machine: started together, ended together.

`python -m ganzoo.run --workers=2 ...` is for trying a multi-worker run out, and
for machines with several GPUs. On a cluster, its own launcher sets `TF_CONFIG`.
"""

import contextlib
import json
import math
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from typing import IO

_POLL_SECONDS = 0.1


def launch(
    num_workers: int, command: Sequence[str], patience_seconds: float = 60.0
) -> int:
    """Runs `command` in each of several workers, to the end of all.

    Each line that a worker writes is printed behind its number. SIGINT and
    SIGTERM are handed on. When a worker fails, the others have some time to
    stop by themselves, and are then ended.

    Args:
        num_workers: How many.
        command: Program and arguments of each.
        patience_seconds: The time between the first failure and the end.

    Returns:
        0, or the status of the worker that failed first; 128 + n if signal n
        ended it.
    """
    addresses = [f"127.0.0.1:{port}" for port in _free_ports(num_workers)]
    workers = [
        subprocess.Popen(
            command,
            env={
                **os.environ,
                "TF_CONFIG": json.dumps(
                    {
                        "cluster": {"worker": addresses},
                        "task": {"type": "worker", "index": index},
                    }
                ),
                "PYTHONUNBUFFERED": "1",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # A Ctrl-C reaches them once, and by us.
            start_new_session=True,
        )
        for index in range(num_workers)
    ]
    readers = [
        threading.Thread(target=_prefix, args=(index, worker.stdout))
        for index, worker in enumerate(workers)
    ]
    for reader in readers:
        reader.start()
    with handing_on(workers):
        status = _wait(workers, patience_seconds)
    for reader in readers:
        reader.join()
    return status


def _wait(workers: Sequence[subprocess.Popen], patience: float) -> int:
    status = 0  # Of the first that failed.
    deadline = math.inf
    while None in (statuses := [worker.poll() for worker in workers]):
        if not status and any(statuses):
            status = next(filter(None, statuses))
            deadline = time.monotonic() + patience
        if time.monotonic() > deadline:
            for worker in workers:
                worker.kill()
        time.sleep(_POLL_SECONDS)
    status = status or next(filter(None, statuses), 0)
    return 128 - status if status < 0 else status


@contextlib.contextmanager
def handing_on(
    processes: Sequence[subprocess.Popen],
) -> Iterator[list[int]]:
    """Hands SIGINT and SIGTERM on to processes, in place of ending this one.

    Yields:
        The numbers of those that have come.
    """
    received: list[int] = []

    def hand_on(number: int, frame: object) -> None:
        received.append(number)
        for process in processes:
            process.send_signal(number)

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, hand_on) for number in numbers}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _prefix(index: int, lines: IO[str]) -> None:
    with lines:
        for line in lines:
            print(f"[{index}] {line}", end="", flush=True)


def _free_ports(num: int) -> list[int]:
    with contextlib.ExitStack() as held:
        doors = [
            held.enter_context(socket.create_server(("127.0.0.1", 0)))
            for _ in range(num)
        ]
        return [door.getsockname()[1] for door in doors]
