"""The loop around the game: data in, steps, callbacks, checkpoints."""

import contextlib
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf

from ganzoo import pipeline, strategies
from ganzoo.callbacks import (
    Callback,
    MetricsLog,
    Monitors,
    SampleGrid,
    check_finite,
)
from ganzoo.checkpoints import Checkpoints
from ganzoo.errors import ConfigurationError
from ganzoo.gan import Gan
from ganzoo.run_directory import RunDirectory

# One host call does at most so many steps, and lasts about so long: a signal
# and the progress line wait for it.
_MOST_STEPS_PER_CALL = 100
_SECONDS_PER_CALL = 1.0


class Experiment:
    """What training, evaluation and figures share.

    Args:
        dataset: See `ganzoo.interfaces.Dataset`.
        seed: Of everything random. None: core chooses one and records it.
        strategy: A `tf.distribute.Strategy`, such as
        `ganzoo.strategies.mirrored()`. dtype_policy: Of Keras: "float32",
        "float64", "mixed_bfloat16" or
            "mixed_float16".
    """

    def __init__(
        self,
        *,
        dataset: Any,
        seed: int | None = None,
        strategy: tf.distribute.Strategy | None = None,
        dtype_policy: str = "float32",
    ):
        self.dataset = dataset
        self.seed = seed
        self.strategy = strategy or strategies.one_device()
        self.dtype_policy = dtype_policy
        keras.config.set_dtype_policy(dtype_policy)


class Interrupted(Exception):
    """The run was asked to stop, and saved.

    Attributes:
        signal_number: Of the signal that asked.
        step: Where it stopped.
    """

    def __init__(self, signal_number: int, step: int):
        super().__init__(f"signal {signal_number} at step {step}")
        self.signal_number = signal_number
        self.step = step


def train(
    gan: Gan,
    experiment: Experiment,
    examples: Any,
    run: RunDirectory,
    *,
    num_steps: int,
    batch_size: int = 100,
    log_every_steps: int | None = None,
    sample_every_steps: int | None = None,
    checkpoint_every_steps: int | None = None,
    keep_checkpoints: int = 3,
    num_samples: int = 100,
) -> int:
    """Trains up to `num_steps`, from the last checkpoint if there is one.

    Args:
        gan: The game, compiled.
        experiment: Its data and strategy.
        examples: What `dataset.examples("train")` gave.
        run: Where everything goes.
        num_steps: Steps in all, earlier sessions included. Raise it to go on.
        batch_size: Real examples in one minibatch, over all replicas.
        log_every_steps: Steps that one line averages over. None: one epoch.
        sample_every_steps: Steps between pictures. None: ten in a run.
        checkpoint_every_steps: None: as often as pictures.
        keep_checkpoints: How many of the newest stay.
        num_samples: Samples in a picture.

    Returns:
        The step that was reached.

    Raises:
        ConfigurationError: If a number is out of its range.
        DivergenceError: If a loss is not finite any more.
        Interrupted: After Ctrl-C or SIGTERM, when all is saved.
    """
    k = gan.discriminator_steps
    strategies.check_batch_size(batch_size, gan.distribute_strategy)
    epoch = pipeline.steps_per_epoch(
        pipeline.num_examples(examples), batch_size, k
    )
    sample_every_steps = sample_every_steps or max(1, num_steps // 10)
    for name, value in (
        ("num_steps", num_steps),
        ("log_every_steps", log_every_steps or 1),
        ("sample_every_steps", sample_every_steps),
        ("checkpoint_every_steps", checkpoint_every_steps or 1),
        ("keep_checkpoints", keep_checkpoints),
        ("num_samples", num_samples),
    ):
        if value < 1:
            raise ConfigurationError(
                f"`train.{name}` must be at least 1. Received: {name}={value}."
            )
    checkpoints = Checkpoints(run.path / "checkpoints", keep_checkpoints)
    first_step = int(gan.step.numpy())
    fixed, condition = pipeline.first_examples(examples, num_samples)
    log = MetricsLog(
        run.path,
        log_every_steps or epoch,
        first_step,
        num_steps,
        batch_size * k,
        epoch,
        Monitors(gan, fixed, condition),
    )
    grid = SampleGrid(
        gan,
        experiment.dataset,
        run.path / "samples",
        sample_every_steps,
        len(fixed),
        condition,
    )
    saver = _Saver(
        checkpoints,
        checkpoint_every_steps or sample_every_steps,
        log,
        {"batch_size": batch_size},
    )
    batches = pipeline.batches(
        examples,
        batch_size,
        k,
        seed=gan.seed,
        first_step=first_step,
        augment=getattr(experiment.dataset, "augment", None),
    )
    try:
        with _signals() as received:
            return _loop(gan, batches, num_steps, [log, grid, saver], received)
    finally:
        log.close()


class _Saver:
    """Writes a checkpoint, unless what it would keep is not finite."""

    def __init__(
        self,
        checkpoints: Checkpoints,
        every_steps: int,
        log: MetricsLog,
        about: dict[str, Any],
    ):
        self.checkpoints = checkpoints
        self.every_steps = every_steps
        self.log = log
        self.about = about

    def __call__(self, gan: Gan, step: int) -> None:
        self.checkpoints.save(gan, self.about)

    def guard(self, gan: Gan, step: int) -> None:
        steps = self.checkpoints.steps()
        kept = (
            f"Last checkpoint: {self.checkpoints.folder}/step-{steps[-1]:08d}."
            if steps
            else "There is no checkpoint yet."
        )
        check_finite(gan, self.log.last_step, step, kept)


def _loop(
    gan: Gan,
    batches: tf.data.Dataset,
    num_steps: int,
    callbacks: Sequence[Callback],
    received: list[int],
) -> int:
    """Steps until `num_steps`, with stops where a callback is due."""
    saver = callbacks[-1]
    iterator = iter(
        gan.distribute_strategy.experimental_distribute_dataset(batches)
    )
    run_steps = gan.make_step_loop()
    step = int(gan.step.numpy())
    steps_per_call = 1
    while step < num_steps and not received:
        due = min(
            [num_steps]
            + [
                (step // callback.every_steps + 1) * callback.every_steps
                for callback in callbacks
            ]
        )
        num = min(steps_per_call, due - step)
        start = time.monotonic()
        run_steps(iterator, tf.constant(num))
        step += num
        seconds = max(time.monotonic() - start, 1e-6)
        # Grows from one: the first call includes tracing.
        steps_per_call = max(
            1,
            min(
                _MOST_STEPS_PER_CALL,
                2 * steps_per_call,
                int(_SECONDS_PER_CALL * num / seconds),
            ),
        )
        if step == due or received:
            saver.guard(gan, step)
            for callback in callbacks:
                if step % callback.every_steps == 0 or step == num_steps:
                    callback(gan, step)
    if received:
        if step % saver.every_steps and step != num_steps:
            saver(gan, step)
        raise Interrupted(received[0], step)
    return step


@contextlib.contextmanager
def _signals() -> Iterator[list[int]]:
    """Collects SIGINT and SIGTERM in a list instead of dying of them."""
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield received  # A notebook's or test's thread keeps its own ways.
        return
    before = {
        number: signal.signal(
            number, lambda number, frame: received.append(number)
        )
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
