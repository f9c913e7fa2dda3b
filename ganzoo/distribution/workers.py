"""The workers of one run: who they are, and whether all have come.

`TF_CONFIG` in the environment says it, in the form that TensorFlow has defined:

    {"cluster": {"worker": ["host0:2222", "host1:2222"]},
     "task": {"type": "worker", "index": 0}}

Worker 0, the chief, keeps the run directory; the others compute. Standard
library only: all this is known before TensorFlow is imported, which would wait
for a missing worker for ever, deaf to SIGTERM.
"""

import contextlib
import dataclasses
import json
import os
import socket
import time

from ganzoo.errors import ConfigurationError, RunError

_RETRY_SECONDS = 0.2
_EXAMPLE = (
    '{"cluster": {"worker": ["host0:2222", "host1:2222"]}, '
    '"task": {"type": "worker", "index": 0}}'
)


@dataclasses.dataclass(frozen=True)
class Worker:
    """One of the processes that train together.

    Attributes:
        index: 0, the chief, and up.
        addresses: "host:port" of each.
    """

    index: int
    addresses: tuple[str, ...]

    @property
    def is_chief(self) -> bool:
        """Whether it keeps the run directory."""
        return self.index == 0


def this_worker() -> Worker:
    """What `TF_CONFIG` says of this process; without it, there is one worker.

    Raises:
        ConfigurationError: If it says something else than workers and an index.
    """
    text = os.environ.get("TF_CONFIG")
    if not text:
        return Worker(0, ("localhost:0",))
    try:
        config = json.loads(text)
        kinds, addresses = set(config["cluster"]), config["cluster"]["worker"]
        worker = Worker(int(config["task"]["index"]), tuple(addresses))
        kinds.add(config["task"]["type"])
        is_sound = kinds == {"worker"} and 0 <= worker.index < len(addresses)
    except (ValueError, KeyError, TypeError) as error:
        raise _unsound(text) from error
    if not is_sound:
        raise _unsound(text)
    return worker


def _unsound(text: str) -> ConfigurationError:
    return ConfigurationError(
        "`TF_CONFIG` must name workers alone, and which of them this is, such "
        f"as {_EXAMPLE}. Received: {text!r}. Worker 0 is the chief."
    )


def meet(worker: Worker, timeout_seconds: float) -> None:
    """Waits until every other worker answers at its address.

    A worker answers at its port from here until TensorFlow does.

    Raises:
        RunError: If one does not answer in time (it is named), or if this
            worker's own port cannot be used.
    """
    host, _, port = worker.addresses[worker.index].rpartition(":")
    missing = {
        address
        for index, address in enumerate(worker.addresses)
        if index != worker.index
    }
    deadline = time.monotonic() + timeout_seconds
    try:
        door = socket.create_server(("", int(port)), reuse_port=True)
    except (OSError, ValueError) as error:
        raise RunError(
            f"Worker {worker.index} cannot listen at {host}:{port}: {error}. "
            "End the process that does, or choose another port in `TF_CONFIG`."
        ) from error
    with door:
        while missing and time.monotonic() < deadline:
            for address in list(missing):
                if _answers(address):
                    missing.discard(address)
            if missing:
                time.sleep(_RETRY_SECONDS)
    if missing:
        names = [
            f"worker {index} at {address}"
            for index, address in enumerate(worker.addresses)
            if address in missing
        ]
        raise RunError(
            f"No answer from {', '.join(names)} within {timeout_seconds:g} "
            "seconds. Start all workers with the same command, or raise "
            "`strategies.multi_worker.start_timeout_seconds`."
        )


def _answers(address: str) -> bool:
    host, _, port = address.rpartition(":")
    with contextlib.suppress(OSError):
        with socket.create_connection((host, int(port)), timeout=1):
            return True
    return False
