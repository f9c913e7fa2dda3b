"""When a player moves: factors of its gradients, functions of the step.

A pace is called with the step, an int64 scalar that counts from 0, and gives
the factor; any `keras.optimizers.schedules.LearningRateSchedule` is one too.
Where the factor is 0, gradients are zero, but momentum still moves the weights,
as the 2014 code's `now_train_generator` had it (a `tf.cond` around an optimizer
fails under a strategy).
"""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from ganzoo.checks import check_counts
from ganzoo.errors import ConfigurationError


def paced(
    gradients: Sequence[Any], pace: Callable | None, step: Any
) -> Sequence[Any]:
    """The gradients times the factor of this step; a None stays None.

    Args:
        gradients: Tensors, indexed slices or None.
        pace: None changes nothing.
        step: int64 variable.
    """
    if pace is None:
        return gradients
    factor = tf.convert_to_tensor(pace(tf.convert_to_tensor(step)))
    return [
        None
        if gradient is None
        else tf.math.scalar_mul(tf.cast(factor, gradient.dtype), gradient)
        for gradient in gradients
    ]


def _indicator(condition: tf.Tensor) -> tf.Tensor:
    return tf.cast(condition, tf.float64)


class Constant:
    """One factor for all steps: 0 lets a player rest for the whole run.

    The 2014 code's `ever_train_generator` and `ever_train_discriminator`, where
    they are False.

    Args:
        value: The factor, not negative.

    Returns, called with a step: float.

    Raises:
        ConfigurationError: If `value` is negative.
    """

    def __init__(self, value: float = 0.0):
        if not value >= 0:
            raise ConfigurationError(
                f"`value` must not be negative. Received: value={value!r}."
            )
        self.value = float(value)

    def __call__(self, step: Any) -> float:
        """The factor of a step."""
        return self.value


class Delayed(Constant):
    """0 at first, then a factor: the 2014 code's `ActivateGenerator`.

    Args:
        num_steps: Steps at 0. The original counts epochs: `active_after` *
            steps per epoch.
        value: The factor from then on, not negative.

    Returns, called with a step: float64 scalar.

    Raises:
        ConfigurationError: If `num_steps` is not a positive integer, or `value`
            negative.
    """

    def __init__(self, num_steps: int, value: float = 1.0):
        super().__init__(value)
        check_counts(num_steps=num_steps)
        self.num_steps = num_steps

    def __call__(self, step: Any) -> tf.Tensor:
        """The factor of a step."""
        return self.value * _indicator(step >= self.num_steps)


class Every:
    """1 at one step of a period, and 0 at the others: the 2014 code's `Cycler`.

    1 where (step + 1) mod `period_steps` = 0. The original's `alternate_g`
    is period_steps=2, first=True: G moves at steps 0, 2, 4, ...

    Args:
        period_steps: k, the steps from one move to the next.
        first: Whether the step that counts is the first of a period, and not
            the last.

    Returns, called with a step: float64 scalar.

    Raises:
        ConfigurationError: If `period_steps` is not a positive integer.
    """

    def __init__(self, period_steps: int = 2, first: bool = False):
        check_counts(period_steps=period_steps)
        self.period_steps = period_steps
        self.first = first

    def __call__(self, step: Any) -> tf.Tensor:
        """The factor of a step."""
        turn = 0 if self.first else self.period_steps - 1
        return _indicator(step % self.period_steps == turn)


class AlternatingEpochs:
    """Epochs of D alone, and epochs in which G has its turns: `sgd_alt.py`.

    In epochs 2, 4, ..., counted from 1, G moves at every
    (`discriminator_steps` + 1)-th step, and at no other. The 2014 code lets D
    rest at G's steps; here that is the discriminator's pace with `rests`.

    Args:
        steps_per_epoch: Steps that make an epoch.
        discriminator_steps: Steps of D before one of G.
        rests: Gives the opposite: 0 at G's steps, 1 at all others.

    Returns, called with a step: float64 scalar.

    Raises:
        ConfigurationError: If a count is not a positive integer.
    """

    def __init__(
        self,
        steps_per_epoch: int,
        discriminator_steps: int = 1,
        rests: bool = False,
    ):
        check_counts(
            steps_per_epoch=steps_per_epoch,
            discriminator_steps=discriminator_steps,
        )
        self.steps_per_epoch = steps_per_epoch
        self.discriminator_steps = discriminator_steps
        self.rests = rests

    def __call__(self, step: Any) -> tf.Tensor:
        """The factor of a step."""
        epoch = step // self.steps_per_epoch
        place = step % self.steps_per_epoch % (self.discriminator_steps + 1)
        is_turn = (epoch % 2 == 1) & (place == self.discriminator_steps)
        return _indicator(tf.not_equal(is_turn, self.rests))
