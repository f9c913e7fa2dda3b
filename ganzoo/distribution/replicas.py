"""What lets one step run unchanged on one device, many, and several workers.

`DistributedModel` holds the overrides of Keras internals without which `fit`
with a step of one's own fails under a strategy (keras-team/keras#20585, #19246,
#21069): Keras 3.15 evaluates the model eagerly on a distributed batch, reduces
scalar logs over an axis that they do not have, and nests `tf.cond` in
`tf.while_loop` around collectives.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf

from ganzoo import example_sets, pipeline
from ganzoo.distribution import workers
from ganzoo.errors import ConfigurationError, RunError


def this_replica() -> Any:
    """Which replica of the global batch the code is running on."""
    return tf.distribute.get_replica_context().replica_id_in_sync_group


class GlobalMean(keras.metrics.Metric):
    """The mean of a number over steps and over replicas.

    Every replica holds the same value at any time. So it can be read, saved and
    restored by one worker alone, and goes on exactly; the parts that replicas
    of `keras.metrics.Mean` hold cannot.
    """

    def __init__(self, name: str):
        super().__init__(name=name)
        self.total, self.count = (
            self.add_variable(
                (), "zeros", aggregation="only_first_replica", name=part
            )
            for part in ("total", "count")
        )

    def update_state(self, value: tf.Tensor) -> None:
        context = tf.distribute.get_replica_context()
        value = tf.cast(value, self.dtype)
        if context.num_replicas_in_sync > 1:
            value = context.all_reduce(tf.distribute.ReduceOp.MEAN, value)
        self.total.assign_add(value)
        self.count.assign_add(1)

    def result(self) -> tf.Tensor:
        return tf.math.divide_no_nan(self.total.value, self.count.value)


class Consensus:
    """The largest of what the workers say, the same on all of them.

    Whatever decides how many steps come next has to go through it: a worker
    that took one step less than another would wait for ever.

    Args:
        strategy: Over whose workers.
    """

    def __init__(self, strategy: tf.distribute.Strategy):
        self.strategy = strategy
        self.is_needed = len(workers.this_worker().addresses) > 1
        self._largest = tf.function(self._reduce, autograph=False)

    def largest(self, values: Sequence[int]) -> list[int]:
        """The largest of each value over the workers.

        Raises:
            RunError: If another worker has left.
        """
        if not self.is_needed:
            return list(values)
        try:
            found = self._largest(tf.constant(values, tf.float64))
        except tf.errors.OpError as error:
            raise RunError(
                f"Another worker was lost ({type(error).__name__}): its own "
                "last words say why. Start the same command on all workers "
                "again: it goes on from the last checkpoint."
            ) from error
        return found.numpy().tolist()

    def _reduce(self, values: tf.Tensor) -> tf.Tensor:
        num = self.strategy.num_replicas_in_sync

        def gather() -> tf.Tensor:
            context = tf.distribute.get_replica_context()
            # One row for each replica: sums are what every backend can do.
            mine = tf.one_hot(context.replica_id_in_sync_group, num)
            rows = tf.cast(mine, values.dtype)[:, None] * values
            return context.all_reduce(tf.distribute.ReduceOp.SUM, rows)

        rows = self.strategy.run(gather)
        first = self.strategy.experimental_local_results(rows)[0]
        return tf.reduce_max(first, axis=0)


class DistributedModel(keras.Model):
    """A model whose `train_step` runs unchanged under every strategy.

    Attributes:
        seed: Of everything random.
        step: Variable that counts calls of `train_step`.
        discriminator_steps: Minibatches that a call takes.
        num_micro_batches: Parts of a minibatch, one after the other.
    """

    seed: int
    step: keras.Variable
    discriminator_steps: int
    num_micro_batches: int
    train_function: Callable[[Iterator], dict[str, tf.Tensor]] | None

    @property
    def num_shares(self) -> int:
        """Into how many parts of equal size a global batch is cut."""
        num_replicas = self.distribute_strategy.num_replicas_in_sync
        return num_replicas * self.num_micro_batches

    def fit(self, x: Any = None, batch_size: int = 100, **kwargs: Any) -> Any:
        """Trains on an array [N, *sample_shape], or on `pipeline.batches`."""
        if not isinstance(
            x, (tf.data.Dataset, tf.distribute.DistributedDataset)
        ):
            k = self.discriminator_steps
            kwargs.setdefault(
                "steps_per_epoch",
                pipeline.steps_per_epoch(
                    example_sets.num_examples(x), batch_size, k
                ),
            )
            x = pipeline.batches(
                x, batch_size, k, seed=self.seed, first_step=int(self.step)
            )
        return super().fit(x, shuffle=False, **kwargs)

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
        policy = keras.config.dtype_policy()

        def step(batch: Any) -> None:
            # Keras keeps it for each thread, and a strategy traces each replica
            # in a thread of its own.
            keras.config.set_dtype_policy(policy)
            self.train_step(batch)

        if self.jit_compile and not self.run_eagerly:
            if strategy.num_replicas_in_sync > 1:
                raise ConfigurationError(
                    "`jit_compile` needs a single replica: XLA cannot reach "
                    "the "
                    "variables of another device. Received: "
                    f"{strategy.num_replicas_in_sync} replicas. Set "
                    "`build_gan.jit_compile = False`."
                )
            step = tf.function(
                step, autograph=False, jit_compile=True, reduce_retracing=True
            )

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
