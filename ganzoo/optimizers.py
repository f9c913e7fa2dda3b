"""Optimizers in one kernel, and schedules that really move.

A schedule of `ganzoo.schedules` counts the optimizer's own updates until
`follow` gives it a clock, such as the step of the game: an optimizer counts k
updates in a step, or none in a rest.
"""

from typing import Any

import keras
import tensorflow as tf
from keras.optimizers.schedules import LearningRateSchedule

from ganzoo.errors import ConfigurationError
from ganzoo.schedules import Clocked


@keras.saving.register_keras_serializable("ganzoo")
class SGD(keras.optimizers.Optimizer):
    """Gradient descent with momentum.

    v <- momentum v - rate g; w <- shrink (w + v).

    `keras.optimizers.SGD` reads its momentum once, when the graph is traced,
    and keeps no velocity if it is zero then; a momentum that ramps needs this.

    Args:
        learning_rate: Number, not negative, or schedule.
        momentum: Number in [0, 1], or schedule.
        shrink: What all weights are multiplied with after each update, in
            (0, 1]: the 2014 code's `shrink_d`.
        **kwargs: `name` and what else a `keras.optimizers.Optimizer` takes.

    Raises:
        ConfigurationError: If a number is out of its range.
    """

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.01,
        momentum: float | LearningRateSchedule = 0.0,
        shrink: float = 1.0,
        **kwargs: Any,
    ):
        if not callable(learning_rate):
            if not isinstance(learning_rate, (int, float)) or learning_rate < 0:
                raise ConfigurationError(
                    "`learning_rate` must be a schedule or a number that is "
                    f"not negative. Received: learning_rate={learning_rate!r}."
                )
            learning_rate = float(learning_rate)
        if not isinstance(momentum, LearningRateSchedule):
            if not isinstance(momentum, (int, float)) or not 0 <= momentum <= 1:
                raise ConfigurationError(
                    "`momentum` must be a schedule or a number in [0, 1]. "
                    f"Received: momentum={momentum!r}."
                )
            momentum = float(momentum)
        if not 0 < shrink <= 1:
            raise ConfigurationError(
                f"`shrink` must be in (0, 1]. Received: shrink={shrink!r}."
            )
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.momentum = momentum
        self.shrink = shrink

    def build(self, variables: list) -> None:
        if self.built:
            return
        super().build(variables)
        self.velocities = self.add_optimizer_variables(variables, "velocity")

    def update_step(
        self, gradient: Any, variable: tf.Variable, learning_rate: Any
    ) -> None:
        velocity = self.velocities[self._get_variable_index(variable)].value
        momentum = self.momentum
        if isinstance(momentum, LearningRateSchedule):
            momentum = tf.cast(momentum(self.iterations), variable.dtype)
        # One kernel, one pass over memory: half the time of the composed form.
        tf.raw_ops.ResourceApplyKerasMomentum(
            var=variable.handle,
            accum=velocity.handle,
            lr=tf.cast(learning_rate, variable.dtype),
            grad=tf.cast(tf.convert_to_tensor(gradient), variable.dtype),
            momentum=momentum,
        )
        if self.shrink != 1:
            variable.assign(variable * self.shrink)

    def get_config(self) -> dict[str, Any]:
        momentum = self.momentum
        if isinstance(momentum, LearningRateSchedule):
            momentum = keras.saving.serialize_keras_object(momentum)
        return {
            **super().get_config(),
            "momentum": momentum,
            "shrink": self.shrink,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], **kwargs: Any) -> "SGD":
        """The optimizer that `get_config` described."""
        momentum = keras.saving.deserialize_keras_object(config["momentum"])
        return super().from_config({**config, "momentum": momentum}, **kwargs)


@keras.saving.register_keras_serializable("ganzoo")
class Adam(keras.optimizers.Adam):
    """Keras' Adam (Kingma & Ba 2015), each update one kernel.

    What it takes and what it does are the same; it passes over memory once and
    is traced in less time.
    """

    def _backend_update_step(
        self, grads: list, trainable_variables: list, learning_rate: Any
    ) -> None:
        if not self.amsgrad:
            # Once for all variables, and in float64: 1 - beta_2^t begins with
            # .001, near what float32 rounds.
            updates = tf.cast(self.iterations + 1, tf.float64)
            learning_rate = tf.cast(learning_rate, tf.float64) * (
                tf.sqrt(1 - self.beta_2**updates) / (1 - self.beta_1**updates)
            )
        super()._backend_update_step(grads, trainable_variables, learning_rate)

    def update_step(
        self, gradient: Any, variable: tf.Variable, learning_rate: Any
    ) -> None:
        if self.amsgrad:
            super().update_step(gradient, variable, learning_rate)
            return
        index = self._get_variable_index(variable)
        dtype = variable.dtype
        zero = tf.constant(0, dtype)  # The powers: corrected already.
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            beta1_power=zero,
            beta2_power=zero,
            lr=tf.cast(learning_rate, dtype),
            beta1=tf.constant(self.beta_1, dtype),
            beta2=tf.constant(self.beta_2, dtype),
            epsilon=tf.constant(self.epsilon, dtype),
            grad=tf.cast(tf.convert_to_tensor(gradient), dtype),
        )


def follow(optimizer: keras.optimizers.Optimizer, clock: Any) -> None:
    """Makes the schedules of any Keras optimizer, and `SGD`'s, read `clock`.

    Args:
        optimizer: The optimizer. Numbers in place of schedules are left alone.
        clock: Integer scalar variable.
    """
    inner = getattr(optimizer, "inner_optimizer", None)
    if inner is not None:  # keras.optimizers.LossScaleOptimizer
        follow(inner, clock)
        return
    if isinstance(optimizer._learning_rate, LearningRateSchedule):
        optimizer.learning_rate = _clocked(optimizer._learning_rate, clock)
    if isinstance(optimizer, SGD) and isinstance(
        optimizer.momentum, LearningRateSchedule
    ):
        optimizer.momentum = _clocked(optimizer.momentum, clock)


def _clocked(schedule: LearningRateSchedule, clock: Any) -> Clocked:
    inner = schedule.schedule if isinstance(schedule, Clocked) else schedule
    return Clocked(inner, clock)


def check_supported(optimizer: keras.optimizers.Optimizer) -> None:
    """Raises ConfigurationError for what a game does itself, or cannot do."""
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    for name, instead in (
        ("use_ema", "build_gan.ema_decay"),
        ("gradient_accumulation_steps", "build_gan.num_micro_batches"),
    ):
        value = getattr(inner, name, None)
        if value:
            raise ConfigurationError(
                f"`{name}` of an optimizer must not be set: it breaks under a "
                f"strategy and on resume. Received: {name}={value!r}. Bind "
                f"`{instead}` in its place."
            )
