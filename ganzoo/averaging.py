"""Exponential averages of weights, moved on each replica by itself."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from ganzoo.errors import ConfigurationError


def averages_of(
    weights: Sequence[keras.Variable], decay: float | None, start: int = 0
) -> list[keras.Variable]:
    """One average for each weight, which begins at its value; none for None.

    Raises:
        ConfigurationError: If there is no such decay or no such first step.
    """
    if start < 0 or (start and decay is None):
        raise ConfigurationError(
            "`ema_start` must be a step, not negative, and stand beside an "
            f"`ema_decay`. Received: ema_start={start}, ema_decay={decay}."
        )
    if decay is None:
        return []
    if not 0 <= decay < 1:
        raise ConfigurationError(
            "`ema_decay` must be None or in [0, 1). Received: "
            f"ema_decay={decay}."
        )
    return [
        keras.Variable(
            tf.identity(weight.value),
            trainable=False,
            name=f"ema_{weight.name}",
        )
        for weight in weights
    ]


def move_averages(
    averages: Sequence[keras.Variable],
    weights: Sequence[keras.Variable],
    decay: float,
    has_begun: tf.Tensor,
) -> None:
    """w_ema <- decay w_ema + (1 - decay) w, from within a replica.

    Before averaging `has_begun`: w_ema <- w.

    Nothing is sent from one replica to another: weights are alike on all.
    """
    rate = tf.where(has_begun, tf.constant(1 - decay, tf.float64), 1)

    def move(average: tf.Variable, weight: tf.Tensor) -> None:
        # A step down the gradient of |w_ema - w|^2 / 2: fewer passes over
        # memory than the sum of two products.
        tf.raw_ops.ResourceApplyGradientDescent(
            var=average.handle,
            alpha=tf.cast(rate, average.dtype),
            delta=average - weight,
        )

    def move_all(strategy: tf.distribute.Strategy) -> None:
        for average, weight in zip(averages, weights, strict=True):
            strategy.extended.update(average.value, move, args=(weight.value,))

    tf.distribute.get_replica_context().merge_call(move_all)
