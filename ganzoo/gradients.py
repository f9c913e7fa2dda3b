"""Gradients: of both players at once, part by part, scaled for 16 bits."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf


def cut(
    tape: tf.GradientTape, logits: dict[str, tf.Tensor]
) -> dict[str, tf.Tensor]:
    """The same numbers to compute costs of; `of_players` joins them again."""
    verdicts = {name: tf.stop_gradient(of) for name, of in logits.items()}
    tape.watch(verdicts)
    return verdicts


def of_players(
    tape: tf.GradientTape,
    costs: dict[str, tf.Tensor],
    verdicts: dict[str, tf.Tensor],
    logits: dict[str, tf.Tensor],
    fake: tf.Tensor,
    weights: dict[str, list],
    mixes_examples: bool,
) -> dict[str, list]:
    """Each player's gradient; that of D and G by one pass back through D.

    Args:
        tape: Persistent; it has seen all that follows.
        costs: Scalars by player, computed of `verdicts`.
        verdicts: What `cut` made of `logits`.
        logits: D's, by name, each [B].
        fake: What D judged for "fake_logits": [B, ...].
        weights: Of each player.
        mixes_examples: Whether D does; then there are two passes.
    """
    slopes = {
        player: {
            name: slope  # [B]
            for name, slope in tape.gradient(cost, verdicts).items()
            if slope is not None
        }
        for player, cost in costs.items()
    }
    # Those of 16 bits would lose a small number whose ratio matters.
    is_narrow = keras.config.dtype_policy().compute_dtype == "float16"
    if (
        len(costs) == 2
        and not (mixes_examples or is_narrow)
        and set(slopes["generator"]) - {"real_logits"} == {"fake_logits"}
        and "fake_logits" in slopes["discriminator"]
    ):
        found = _of_both(tape, slopes, logits, fake, weights)
    else:
        found = {
            player: _back(tape, logits, slopes[player], weights[player])
            for player in costs
        }
    # What costs depend on beside the verdicts: penalties, regularization.
    return {
        player: [
            b if a is None else a if b is None else a + b
            for a, b in zip(
                found[player],
                tape.gradient(cost, weights[player]),
                strict=True,
            )
        ]
        for player, cost in costs.items()
    }


def _of_both(
    tape: tf.GradientTape,
    slopes: dict[str, dict[str, tf.Tensor]],
    logits: dict[str, tf.Tensor],
    fake: tf.Tensor,
    weights: dict[str, list],
) -> dict[str, list]:
    """D's pass back, and from it G's.

    An example that is judged for itself gets back what went into its logit
    times the same numbers. So each row of D's pass, times the ratio of what
    the two costs put in, is G's.
    """
    mine = slopes["discriminator"]["fake_logits"]
    # Where D does not care, a slope too small to move it still carries G's.
    least = np.sqrt(np.finfo(mine.dtype.as_numpy_dtype).tiny)
    mine = tf.where(tf.abs(mine) < least, tf.cast(least, mine.dtype), mine)
    *of_discriminator, at_fake = _back(
        tape,
        logits,
        {**slopes["discriminator"], "fake_logits": mine},
        [*weights["discriminator"], fake],
    )
    ratio = tf.cast(slopes["generator"]["fake_logits"] / mine, at_fake.dtype)
    at_fake *= tf.reshape(ratio, [-1] + [1] * (fake.shape.rank - 1))
    return {
        "discriminator": of_discriminator,
        "generator": tape.gradient(fake, weights["generator"], at_fake),
    }


def _back(
    tape: tf.GradientTape,
    logits: dict[str, tf.Tensor],
    slopes: dict[str, tf.Tensor],
    sources: list,
) -> list:
    """The gradient of sum slope * logit, over all logits that have a slope."""
    through = [logits[name] for name in slopes]
    return tape.gradient(through, sources, list(slopes.values()))


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
