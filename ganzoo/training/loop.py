"""The loop around the game: steps, with stops where something is due."""

import contextlib
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence

import tensorflow as tf

from ganzoo.distribution.replicas import Consensus
from ganzoo.errors import DataError, RunError
from ganzoo.gan import Gan
from ganzoo.training.callbacks import Callback

# One host call does at most so many steps, and lasts about so long: a signal
# and the progress line wait for it.
_MOST_STEPS_PER_CALL = 100
_SECONDS_PER_CALL = 1.0


class Stopped(Exception):
    """A signal asked to stop.

    Attributes:
        signal_number: Its number.
    """

    def __init__(self, signal_number: int):
        super().__init__(f"signal {signal_number}")
        self.signal_number = signal_number


def play(
    gan: Gan,
    batches: tf.data.Dataset,
    num_steps: int,
    callbacks: Sequence[Callback],
    check: Callable[[int], None],
    received: Sequence[int],
) -> None:
    """Plays until `num_steps`, and stops wherever a callback is due.

    Args:
        gan: The game.
        batches: From `pipeline.batches`.
        num_steps: Of the game, earlier sessions included.
        callbacks: Called in this order.
        check: Called with the step at each stop, before them.
        received: Numbers of signals that have come.

    Raises:
        DataError: If a label of a stream is no class.
        RunError: If another worker is lost, or a callback cannot write.
        Stopped: If any worker has received a signal.
    """
    consensus = Consensus(gan.distribute_strategy)
    iterator = iter(
        gan.distribute_strategy.experimental_distribute_dataset(batches)
    )
    run_steps = gan.make_step_loop()
    step = int(gan.step.numpy())
    steps_per_call = 1  # Grows: the first call includes tracing.
    has_begun = False
    while True:
        due = min(
            [num_steps]
            + [
                (step // callback.every_steps + 1) * callback.every_steps
                for callback in callbacks
            ]
        )
        with _others_alive(consensus, step):
            stop, num = consensus.largest(
                [max(received, default=0), min(steps_per_call, due - step)]
            )
            if stop:
                raise Stopped(int(stop))
            if step >= num_steps:
                return
            start = time.monotonic()
            run_steps(iterator, tf.constant(int(num)))
            step = int(gan.step.numpy())
        seconds = max(time.monotonic() - start, 1e-6)
        if not has_begun:  # The first line of losses may be minutes away.
            print(f"First step: {seconds:.1f} s with its tracing.", flush=True)
            has_begun = True
        steps_per_call = max(
            1,
            min(
                _MOST_STEPS_PER_CALL,
                2 * steps_per_call,
                int(_SECONDS_PER_CALL * num / seconds),
            ),
        )
        if step == due:
            check(step)
            _call(callbacks, gan, step, num_steps)


def _call(
    callbacks: Sequence[Callback], gan: Gan, step: int, num_steps: int
) -> None:
    with writing(step):
        for callback in callbacks:
            if step % callback.every_steps == 0 or step == num_steps:
                callback(gan, step)


@contextlib.contextmanager
def writing(step: int) -> Iterator[None]:
    """Turns the failure of a write into a word about the run directory."""
    try:
        yield
    except BrokenPipeError:  # It is the screen that is gone.
        raise
    except OSError as error:
        raise RunError(
            f"The run directory cannot be written to at step {step}: {error}. "
            "Checkpoints there are untouched. Make room or make it writable, "
            "then run the same command again."
        ) from error


@contextlib.contextmanager
def _others_alive(consensus: Consensus, step: int) -> Iterator[None]:
    """Turns the failure of a collective into a word about workers."""
    try:
        yield
    except tf.errors.OpError as error:
        _check_lookup(error)
        if not consensus.is_needed or isinstance(
            error, (tf.errors.InvalidArgumentError, tf.errors.NotFoundError)
        ):
            raise
        raise RunError(
            f"Another worker was lost after step {step} "
            f"({type(error).__name__}). Start the same command on all workers "
            "again: it goes on from the last checkpoint."
        ) from error


def _check_lookup(error: tf.errors.OpError) -> None:
    """Raises DataError where it says that a row to look up is not there."""
    missed = re.search(r"= (-?\d+) is not in \[0, (\d+)\)", error.message)
    if missed:
        label, num = map(int, missed.groups())
        raise DataError(
            f"What a step looks up must be 0 to {num - 1}, as labels of {num} "
            f"classes are. Received: {label}. Count classes from zero."
        ) from error


@contextlib.contextmanager
def signals() -> Iterator[list[int]]:
    """Collects SIGINT and SIGTERM in a list instead of dying of them.

    A second one is as deadly as ever, for whoever cannot wait.
    """
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield received  # A notebook's or test's thread keeps its own ways.
        return
    before = {}

    def receive(number: int, frame: object) -> None:
        if received:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        received.append(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        before[number] = signal.signal(number, receive)
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
