"""Learning rates and momenta that move: functions of the step.

Each is a `keras.optimizers.schedules.LearningRateSchedule`, evaluated inside
the graph, for any Keras optimizer and the momentum of `ganzoo.optimizers.SGD`.
"""

from typing import Any

import keras
import tensorflow as tf
from keras.optimizers.schedules import LearningRateSchedule

from ganzoo.errors import ConfigurationError


@keras.saving.register_keras_serializable("ganzoo")
class ExponentialDecay(LearningRateSchedule):
    """max(minimum, initial / decay^step): pylearn2's `ExponentialDecay`.

    It is computed in float64: near 1, float32 has no 1.000004.

    Args:
        initial: Value at step 0.
        decay: Divisor of each step, at least 1.
        minimum: The value falls no further than this.

    Returns, called with a step: float64 scalar.

    Raises:
        ConfigurationError: If `decay` is smaller than 1.
    """

    def __init__(
        self, initial: float, decay: float = 1.000004, minimum: float = 1e-6
    ):
        if decay < 1:
            raise ConfigurationError(
                f"`decay` must be at least 1. Received: decay={decay}."
            )
        self.initial = initial
        self.decay = decay
        self.minimum = minimum

    def __call__(self, step: Any) -> tf.Tensor:
        decay = tf.constant(self.decay, tf.float64)
        value = self.initial * decay ** -tf.cast(step, tf.float64)
        return tf.maximum(value, self.minimum)

    def get_config(self) -> dict[str, Any]:
        return {
            "initial": self.initial,
            "decay": self.decay,
            "minimum": self.minimum,
        }


@keras.saving.register_keras_serializable("ganzoo")
class LinearRamp(LearningRateSchedule):
    """From one value to another, epoch by epoch: pylearn2's `MomentumAdjustor`.

    In epoch e, counted from 1: initial + (final - initial) clip((e -
    start_epoch) / (saturation_epoch - start_epoch), 0, 1).

    Args:
        initial: Value up to `start_epoch`.
        final: Value from `saturation_epoch` on.
        steps_per_epoch: Steps that make an epoch.
        start_epoch: The last epoch of the initial value.
        saturation_epoch: The first epoch of the final value.

    Returns, called with a step: float64 scalar.

    Raises:
        ConfigurationError: If `steps_per_epoch` is not positive, or if the ramp
            ends before it starts.
    """

    def __init__(
        self,
        initial: float,
        final: float,
        steps_per_epoch: int,
        start_epoch: int = 1,
        saturation_epoch: int = 250,
    ):
        if not isinstance(steps_per_epoch, int) or steps_per_epoch < 1:
            raise ConfigurationError(
                "`steps_per_epoch` must be a positive integer. Received: "
                f"steps_per_epoch={steps_per_epoch!r}."
            )
        if saturation_epoch <= start_epoch:
            raise ConfigurationError(
                "`saturation_epoch` must come after `start_epoch`. Received: "
                f"start_epoch={start_epoch}, "
                f"saturation_epoch={saturation_epoch}."
            )
        self.initial = initial
        self.final = final
        self.steps_per_epoch = steps_per_epoch
        self.start_epoch = start_epoch
        self.saturation_epoch = saturation_epoch

    def __call__(self, step: Any) -> tf.Tensor:
        epoch = tf.cast(step, tf.int64) // self.steps_per_epoch + 1
        num_epochs = self.saturation_epoch - self.start_epoch
        progress = tf.cast(epoch - self.start_epoch, tf.float64) / num_epochs
        progress = tf.clip_by_value(progress, 0, 1)
        return self.initial + (self.final - self.initial) * progress

    def get_config(self) -> dict[str, Any]:
        return {
            "initial": self.initial,
            "final": self.final,
            "steps_per_epoch": self.steps_per_epoch,
            "start_epoch": self.start_epoch,
            "saturation_epoch": self.saturation_epoch,
        }


@keras.saving.register_keras_serializable("ganzoo")
class Clocked(LearningRateSchedule):
    """A schedule that reads a clock in place of the optimizer's iterations.

    Args:
        schedule: The schedule.
        clock: Integer scalar variable. None: the optimizer's own iterations; a
            deserialised one needs `follow` again.
    """

    def __init__(self, schedule: LearningRateSchedule, clock: Any = None):
        self.schedule = schedule
        self.clock = clock

    def __call__(self, step: Any) -> Any:
        return self.schedule(step if self.clock is None else self.clock)

    def get_config(self) -> dict[str, Any]:
        schedule = keras.saving.serialize_keras_object(self.schedule)
        return {"schedule": schedule}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Clocked":
        """The schedule that `get_config` described, without its clock."""
        return cls(keras.saving.deserialize_keras_object(config["schedule"]))
