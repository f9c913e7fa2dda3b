"""A run from its configuration: data in, steps, pictures, checkpoints."""

import contextlib
import numbers
from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from ganzoo import pipeline
from ganzoo.checks import check_counts, check_integers
from ganzoo.distribution import strategies, workers
from ganzoo.errors import ConfigurationError
from ganzoo.example_sets import first_examples, num_examples
from ganzoo.gan import Gan
from ganzoo.storage.checkpoints import Checkpoints
from ganzoo.storage.run_directory import RunDirectory
from ganzoo.training import divergence, loop
from ganzoo.training.callbacks import Callback, MetricsLog, SampleGrid, Unheard
from ganzoo.training.monitors import Monitors
from ganzoo.training.saving import Saver, with_same_examples
from ganzoo.training.scoring import Scores

# Steps between pictures and checkpoints, where an epoch is shorter.
_SELDOM = 1_000


class Experiment:
    """What training, evaluation and figures share.

    Args:
        dataset: See `ganzoo.interfaces.Dataset`.
        seed: Of everything random. None: core chooses one and records it.
        strategy: See `ganzoo.distribution.strategies`. None: one device.
        dtype_policy: Of Keras: "float32", "float64", "mixed_bfloat16" or
            "mixed_float16", which brings loss scaling with it.
    """

    def __init__(
        self,
        *,
        dataset: Any,
        seed: int | None = None,
        strategy: tf.distribute.Strategy | None = None,
        dtype_policy: str = "float32",
    ):
        if seed is not None:
            check_integers("experiment.", seed=seed)
        self.dataset = dataset
        self.seed = None if seed is None else int(seed)
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
    about: dict[str, Any] | None = None,
    *,
    num_steps: int,
    batch_size: int = 100,
    log_every_steps: int | None = None,
    sample_every_steps: int | None = None,
    checkpoint_every_steps: int | None = None,
    keep_checkpoints: int = 3,
    num_samples: int = 100,
    evaluators: Sequence[Any] = (),
    evaluate_every_steps: int | None = None,
    max_rollbacks: int = 0,
    rollback_rate_factor: float = 0.5,
) -> int:
    """Trains up to `num_steps`, from where the game stands.

    Args:
        gan: The game, compiled.
        experiment: Its data and strategy.
        examples: What `dataset.examples("train")` gave.
        run: Where everything goes.
        about: What was saved with the checkpoint that the game stands at.
        num_steps: Steps in all, earlier sessions included. Raise it to go on.
        batch_size: Real examples in one minibatch, over all replicas.
        log_every_steps: Steps that one line averages over. None: one epoch.
        sample_every_steps: Steps between pictures. None: one epoch, or 1,000 if
            that is more.
        checkpoint_every_steps: None: as often as pictures.
        keep_checkpoints: How many of the newest stay, beside the best.
        num_samples: Samples in a picture.
        evaluators: Run on the way, their numbers logged; a checkpoint is saved
            before, and the best by the first number stays. See
            `scoring.Scores`.
        evaluate_every_steps: None: as often as checkpoints.
        max_rollbacks: How often, in the whole run, a loss that is not finite
            sends it back to the last checkpoint. 0: it stops there.
        rollback_rate_factor: What each time both learning rates are
            multiplied with.

    Returns:
        The step that was reached.

    Raises:
        ConfigurationError: If a number is out of its range.
        DivergenceError: If a loss is not finite any more.
        RunError: If there were more or fewer examples before.
        Interrupted: After Ctrl-C or SIGTERM, when all is saved.
    """
    strategies.check_batch_size(
        batch_size, gan.distribute_strategy, gan.num_micro_batches
    )
    num = num_examples(examples)
    about = with_same_examples(about, num)
    epoch = pipeline.steps_per_epoch(num, batch_size, gan.discriminator_steps)
    periods = _periods(
        epoch,
        log_every_steps,
        sample_every_steps,
        checkpoint_every_steps,
        evaluate_every_steps,
    )
    check_counts(
        "train.",
        num_steps=num_steps,
        **periods,
        keep_checkpoints=keep_checkpoints,
        num_samples=num_samples,
    )
    _check_rollbacks(max_rollbacks, rollback_rate_factor)
    run.remember()
    folder = run.path / "checkpoints"
    plan = _Plan(
        experiment,
        examples,
        run,
        num_steps,
        batch_size,
        num_samples,
        epoch,
        periods,
        evaluators,
        Saver(
            Checkpoints(folder, keep_checkpoints, run.set_aside),
            periods["checkpoint_every_steps"],
            {**about, **run.record(), "batch_size": batch_size},
        ),
    )
    return _play(gan, plan, max_rollbacks, rollback_rate_factor)


class _Plan(NamedTuple):
    """What `train` was told, checked, and what follows from it."""

    experiment: Experiment
    examples: Any
    run: RunDirectory
    num_steps: int
    batch_size: int
    num_samples: int
    epoch: int  # In steps.
    periods: dict[str, int]
    evaluators: Sequence[Any]
    saver: Saver


def _play(
    gan: Gan, plan: _Plan, max_rollbacks: int, rollback_rate_factor: float
) -> int:
    """Plays to the end, rolling back where it may; the step that is reached."""
    with loop.signals() as received:
        while True:
            try:
                _attempt(gan, plan, received)
                return plan.num_steps
            except loop.Stopped as stopped:
                plan.saver.finish(gan)
                step = int(gan.step.numpy())
                raise Interrupted(stopped.signal_number, step) from None
            except divergence.DivergenceError as error:
                plan.saver.roll_back(
                    gan, error, max_rollbacks, rollback_rate_factor
                )
            finally:
                plan.saver.checkpoints.wait()


def _attempt(gan: Gan, plan: _Plan, received: list[int]) -> None:
    """Plays to the end, or to the first loss that is not finite."""
    first_step = int(gan.step.numpy())
    every = plan.periods["log_every_steps"]
    batches = pipeline.batches(
        plan.examples,
        plan.batch_size,
        gan.discriminator_steps,
        seed=gan.seed,
        first_step=first_step,
        augment=getattr(plan.experiment.dataset, "augment", None),
    )

    def check(step: int) -> None:
        since = max(first_step, (step - 1) // every * every)
        divergence.check_losses(gan, since, step, plan.saver.kept)

    with contextlib.ExitStack() as stack:
        log = None
        callbacks: list[Callback] = [
            Unheard(every, resets_metrics=True),
            Unheard(plan.periods["sample_every_steps"]),
        ]
        if workers.this_worker().is_chief:
            with loop.writing(first_step):
                log, grid = _chief_callbacks(gan, plan)
            stack.callback(log.close)
            callbacks = [log, grid]
        if plan.evaluators:
            scores = Scores(
                gan,
                plan.evaluators,
                plan.experiment.dataset,
                plan.periods["evaluate_every_steps"],
                plan.saver,
                log,
            )
            with loop.writing(first_step):
                scores.catch_up(first_step)
            callbacks.append(scores)
        callbacks.append(plan.saver)
        loop.play(gan, batches, plan.num_steps, callbacks, check, received)


def _chief_callbacks(gan: Gan, plan: _Plan) -> tuple[MetricsLog, SampleGrid]:
    fixed, condition = first_examples(plan.examples, plan.num_samples)
    log = MetricsLog(
        plan.run.path,
        plan.periods["log_every_steps"],
        int(gan.step.numpy()),
        plan.num_steps,
        plan.batch_size * gan.discriminator_steps,
        plan.epoch,
        Monitors(gan, fixed, condition),
    )
    grid = SampleGrid(
        gan,
        plan.experiment.dataset,
        plan.run.path / "samples",
        plan.periods["sample_every_steps"],
        len(fixed),
        condition,
    )
    return log, grid


def _periods(
    epoch: int,
    log_every_steps: int | None,
    sample_every_steps: int | None,
    checkpoint_every_steps: int | None,
    evaluate_every_steps: int | None,
) -> dict[str, int]:
    """Steps between lines, pictures, ...; None took the default."""
    if sample_every_steps is None:
        sample_every_steps = max(epoch, _SELDOM)
    if checkpoint_every_steps is None:
        checkpoint_every_steps = sample_every_steps
    if evaluate_every_steps is None:
        evaluate_every_steps = checkpoint_every_steps
    if log_every_steps is None:
        log_every_steps = epoch
    return {
        "log_every_steps": log_every_steps,
        "sample_every_steps": sample_every_steps,
        "checkpoint_every_steps": checkpoint_every_steps,
        "evaluate_every_steps": evaluate_every_steps,
    }


def _check_rollbacks(max_rollbacks: int, rollback_rate_factor: float) -> None:
    check_integers("train.", max_rollbacks=max_rollbacks)
    is_number = isinstance(rollback_rate_factor, numbers.Real)
    if max_rollbacks < 0 or not (is_number and 0 < rollback_rate_factor <= 1):
        raise ConfigurationError(
            "`train.max_rollbacks` must not be negative, and "
            "`train.rollback_rate_factor` be in (0, 1]. Received: "
            f"{max_rollbacks=}, {rollback_rate_factor=}."
        )
