"""Gradients part by part, and scaled where 16 bits would lose them."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf


def accumulated(
    compute: Callable[[Any], dict[str, list]], parts: Sequence[Any]
) -> dict[str, list]:
    """The sum of `compute(part)`; None where there is no gradient.

    Args:
        compute: A part of a minibatch -> each player's share of its gradients.
        parts: At least one.
    """
    first, *others = parts
    total = compute(first)
    for part in others:
        done = [gradient for gradient in tf.nest.flatten(total)]
        # One after the other, or it would take as much memory as the whole.
        with tf.control_dependencies([g for g in done if g is not None]):
            total = tf.nest.map_structure(
                lambda a, b: None if a is None else tf.add_n([a, b]),
                total,
                compute(part),
            )
    return total


class LossScale(keras.optimizers.LossScaleOptimizer):
    """Loss scaling whose verdict on a step all replicas share.

    Micikevicius et al. 2018, section 3.2, https://arxiv.org/abs/1710.03740:
    gradients of a loss times a power of two, divided by it again; a step that
    overflows is left out and halves the factor. Keras' own looks at the
    gradients of a single replica before they are added up; where another one
    overflows, that spoils the weights.
    """

    def check_finite(self, grads: Sequence[Any]) -> tf.Tensor:
        """Whether all gradients of all replicas are finite."""
        finite = super().check_finite(grads)
        context = tf.distribute.get_replica_context()
        if context is None or context.num_replicas_in_sync == 1:
            return finite
        num_bad = context.all_reduce(
            tf.distribute.ReduceOp.SUM, 1 - tf.cast(finite, tf.int32)
        )
        return tf.equal(num_bad, 0)


def scaled(optimizer: keras.Optimizer) -> keras.Optimizer:
    """The optimizer, with loss scaling where the dtype policy needs it."""
    if keras.config.dtype_policy().compute_dtype != "float16":
        return optimizer
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return optimizer
    return LossScale(optimizer)
