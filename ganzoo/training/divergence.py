"""A loss that is no number any more: the alarm, and the way back."""

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras.optimizers import Optimizer
from keras.optimizers.schedules import LearningRateSchedule

from ganzoo.errors import GanzooError
from ganzoo.gan import Gan
from ganzoo.storage.checkpoints import Checkpoints


class DivergenceError(GanzooError):
    """A loss or a weight is not a number any more."""


class Lowered(LearningRateSchedule):
    """A schedule times a constant factor.

    Args:
        schedule: The schedule.
        factor: The factor.
    """

    def __init__(self, schedule: LearningRateSchedule, factor: float):
        self.schedule = schedule
        self.factor = factor

    def __call__(self, step: Any) -> Any:
        return self.schedule(step) * self.factor

    def get_config(self) -> dict[str, Any]:
        schedule = keras.saving.serialize_keras_object(self.schedule)
        return {"schedule": schedule, "factor": self.factor}


def check_losses(
    gan: Gan, since: int, step: int, kept: Callable[[], str]
) -> None:
    """Raises DivergenceError if a mean loss since `since` is not finite."""
    for metric in gan.metrics:
        value = float(metric.result())
        if not math.isfinite(value):
            raise DivergenceError(
                f"{metric.name} became {value} between steps {since} and "
                f"{step}. {kept()} Lower the learning rate, bind "
                "`train.max_rollbacks`, or look at the samples up to there."
            )


def check_weights(gan: Gan, step: int, kept: Callable[[], str]) -> None:
    """Raises DivergenceError if a weight is not finite."""
    for player, (network, _) in gan.players.items():
        for weight in network.weights:
            if not np.isfinite(weight.numpy()).all():
                raise DivergenceError(
                    f"{weight.path} of the {player} is not finite at step "
                    f"{step}. {kept()} Lower the learning rate, bind "
                    "`train.max_rollbacks`, or look at the samples up to there."
                )


def restore(
    gan: Gan, checkpoints: Checkpoints, step: int | None = None
) -> dict[str, Any] | None:
    """Puts a checkpoint into the game, its rates included.

    Args:
        gan: The game.
        checkpoints: The run's.
        step: Of the checkpoint; None takes the newest whole one.

    Returns:
        What was saved about it; None if there is no checkpoint.
    """
    about = checkpoints.restore(gan, step)
    if about is not None:
        # Rates that are numbers are variables, and restored as such.
        _lower_schedules(gan, about.get("rate_factor", 1.0))
    return about


def lower_rates(gan: Gan, factor: float, about: dict[str, Any]) -> None:
    """Sets both learning rates to `factor` of what the recipe says.

    Args:
        gan: The game, just restored.
        factor: Of the recipe's rates.
        about: What `restore` returned.
    """
    already = about.get("rate_factor", 1.0)
    for _, optimizer in gan.players.values():
        rate = _inner(optimizer)._learning_rate
        if not isinstance(rate, LearningRateSchedule):
            rate.assign(rate * (factor / already))
    _lower_schedules(gan, factor)


def _lower_schedules(gan: Gan, factor: float) -> None:
    for _, optimizer in gan.players.values():
        rate = _inner(optimizer)._learning_rate
        if isinstance(rate, LearningRateSchedule):
            plain = rate.schedule if isinstance(rate, Lowered) else rate
            _inner(optimizer).learning_rate = (
                plain if factor == 1 else Lowered(plain, factor)
            )


def _inner(optimizer: Optimizer) -> Optimizer:
    return getattr(optimizer, "inner_optimizer", optimizer)
