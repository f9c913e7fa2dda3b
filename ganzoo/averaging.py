"""Exponential averages of weights, moved on each replica by itself."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from ganzoo.errors import ConfigurationError


def averages_of(weights: Sequence[keras.Variable]) -> list[keras.Variable]:
    """One average for each weight, which begins at its value."""
    return [
        keras.Variable(
            tf.identity(weight.value),
            trainable=False,
            name=f"ema_{weight.name}",
        )
        for weight in weights
    ]


def check_decay(decay: float | None, rampup: float | None) -> None:
    """Raises ConfigurationError if there are no such averages."""
    if decay is not None and not 0 <= decay < 1:
        raise ConfigurationError(
            "`ema_decay` must be None or in [0, 1). Received: "
            f"ema_decay={decay}."
        )
    if rampup is not None and not (rampup > 0 and decay):
        raise ConfigurationError(
            "`ema_rampup` must be None or positive, and stand beside an "
            f"`ema_decay`. Received: ema_rampup={rampup}, ema_decay={decay}."
        )


def move_averages(
    averages: Sequence[keras.Variable],
    weights: Sequence[keras.Variable],
    step: Any,
    decay: float,
    rampup: float | None = None,
) -> None:
    """w_ema <- decay w_ema + (1 - decay) w, from within a replica.

    With a `rampup`, the decay is min(decay, 2^(-1 / (rampup step))): the
    half-life is at most that share of the steps done before, so early averages
    soon forget where they began (StyleGAN2: Karras et al. 2020).

    Nothing is sent from one replica to another: weights are alike on all.
    """
    rest = tf.constant(1 - decay, tf.float64)
    if rampup is not None:
        half_life = rampup * tf.cast(step, tf.float64)
        rest = tf.maximum(rest, 1 - 2 ** (-1 / half_life))

    def move(average: tf.Variable, weight: tf.Tensor) -> None:
        # A step down the gradient of |w_ema - w|^2 / 2: fewer passes over
        # memory than the sum of two products.
        tf.raw_ops.ResourceApplyGradientDescent(
            var=average.handle,
            alpha=tf.cast(rest, average.dtype),
            delta=average - weight,
        )

    def move_all(strategy: tf.distribute.Strategy) -> None:
        for average, weight in zip(averages, weights, strict=True):
            strategy.extended.update(average.value, move, args=(weight.value,))

    tf.distribute.get_replica_context().merge_call(move_all)
