"""Command lines in processes of their own, forked where TensorFlow is loaded.

Importing it takes longer than all else that such a test does.
"""

import multiprocessing
import os
import sys
import time

from ganzoo.run import run

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    ["ganzoo.commands.session", "ganzoo.training.experiment"]
)


class Command:
    """`python -m ganzoo.run arguments`, running.

    Args:
        arguments: Its flags.
        log: File that its output goes to.
        **environment: Variables to set.
    """

    def __init__(self, arguments, log, **environment):
        self.log = log
        self.process = _CONTEXT.Process(
            target=_run, args=(list(arguments), str(log), environment)
        )
        self.process.start()

    def send(self, number):
        os.kill(self.process.pid, number)

    def wait(self, timeout=240):
        """Its exit status, or minus the signal that killed it."""
        self.process.join(timeout)
        assert self.process.exitcode is not None, self.output()
        return self.process.exitcode

    def output(self):
        return self.log.read_text() if self.log.exists() else ""

    def wait_until(self, condition, timeout=120):
        """Returns once `condition()` holds or the command has ended."""
        deadline = time.monotonic() + timeout
        while not condition() and self.process.is_alive():
            assert time.monotonic() < deadline, self.output()
            time.sleep(0.005)


def complete(arguments, log, **environment):
    """Runs a command to its end: (exit status, output)."""
    command = Command(arguments, log, **environment)
    status = command.wait()
    return status, command.output()


def _run(arguments, log, environment):
    os.environ.update(environment)
    file = open(log, "w", buffering=1)  # Open as long as we live.
    os.dup2(file.fileno(), 1)
    os.dup2(file.fileno(), 2)
    sys.stdout = sys.stderr = file
    sys.exit(run(["ganzoo", *arguments]))
