"""Where a step runs: one device, all local GPUs, several workers.

Each function returns a `tf.distribute.Strategy`; models are built within its
`scope()`. `DistributedModel` holds the overrides of Keras internals without
which `fit` with a step of one's own fails under them (keras-team/keras#20585,
#19246, #21069): Keras 3.15 evaluates the model eagerly on a distributed batch,
reduces scalar logs over an axis that they do not have, and nests `tf.cond` in
`tf.while_loop` around collectives.
"""

from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf

from ganzoo.errors import ConfigurationError


def one_device(device: str | None = None) -> tf.distribute.Strategy:
    """The GPU if there is one, else the CPU; or the `device` named.

    Args:
        device: Such as "GPU:1" or "CPU:0". None: TensorFlow's own choice.
    """
    if device is None:
        return tf.distribute.get_strategy()
    names = [logical.name for logical in tf.config.list_logical_devices()]
    if not any(name.endswith(device.upper()) for name in names):
        raise ConfigurationError(
            f"`device` must be one of {', '.join(names)}. Received: {device!r}."
        )
    return tf.distribute.OneDeviceStrategy(device)


def mirrored(devices: list[str] | None = None) -> tf.distribute.Strategy:
    """One replica on each local GPU (or on each of `devices`).

    Every replica takes its share of the batch; gradients are summed over them.

    Args:
        devices: Such as ["GPU:0", "GPU:1"]. None: all GPUs, else the CPUs that
            TensorFlow has been told to split itself into.
    """
    gpus = tf.config.list_logical_devices("GPU")
    cpus = tf.config.list_logical_devices("CPU")
    devices = devices or [device.name for device in (gpus or cpus)]
    on_cpu = any("CPU" in device.upper() for device in devices)
    # Collectives of two strategies in one process clash on the CPU.
    reduction = tf.distribute.ReductionToOneDevice() if on_cpu else None
    return tf.distribute.MirroredStrategy(devices, cross_device_ops=reduction)


def check_batch_size(batch_size: int, strategy: tf.distribute.Strategy) -> None:
    """Raises ConfigurationError unless every replica gets the same share."""
    replicas = strategy.num_replicas_in_sync
    if batch_size < 1:
        raise ConfigurationError(
            "`train.batch_size` must be at least 1. Received: "
            f"batch_size={batch_size}."
        )
    if batch_size % replicas:
        below = batch_size // replicas * replicas
        near = [below, below + replicas] if below else [replicas]
        raise ConfigurationError(
            f"`train.batch_size` must divide by the {replicas} replicas. "
            f"Received: batch_size={batch_size}. Nearest: "
            f"{' or '.join(map(str, near))}."
        )


class DistributedModel(keras.Model):
    """A model whose `train_step` runs unchanged under every strategy."""

    def _maybe_symbolic_build(self, *args: Any, **kwargs: Any) -> None:
        """Does nothing: whoever subclasses this has built its networks."""

    def make_train_function(
        self, force: bool = False
    ) -> Callable[[Iterator], dict[str, tf.Tensor]]:
        """The function that `fit` calls: `steps_per_execution` steps."""
        if self.train_function is None or force:
            run_steps = self.make_step_loop()
            steps_per_execution = int(self.steps_per_execution)

            def train_function(iterator: Iterator) -> dict[str, tf.Tensor]:
                run_steps(iterator, tf.constant(steps_per_execution))
                return {metric.name: metric.result() for metric in self.metrics}

            self.train_function = train_function
        return self.train_function

    def make_step_loop(self) -> Callable[[Iterator, tf.Tensor], None]:
        """Makes `run_steps(iterator, num_steps)`: many steps in a host call.

        The loop is an explicit `tf.while_loop`, for AutoGraph needs source
        files.
        """
        strategy = self.distribute_strategy
        step = self.train_step
        if self.jit_compile and not self.run_eagerly:
            if strategy.num_replicas_in_sync > 1:
                raise ConfigurationError(
                    "`jit_compile` needs a single replica: XLA cannot reach "
                    "the "
                    "variables of another device. Received: "
                    f"{strategy.num_replicas_in_sync} replicas. Set "
                    "`build_gan.jit_compile = False`."
                )
            step = tf.function(step, jit_compile=True, reduce_retracing=True)

        def run_steps(iterator: Iterator, num_steps: tf.Tensor) -> None:
            def body(done: tf.Tensor) -> tuple[tf.Tensor]:
                strategy.run(step, args=(next(iterator),))
                return (done + 1,)

            tf.while_loop(
                lambda done: done < num_steps, body, (tf.constant(0),)
            )

        if self.run_eagerly:
            return run_steps
        return tf.function(run_steps, autograph=False, reduce_retracing=True)
