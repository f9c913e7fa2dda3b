"""Two replicas against one, in a process with two CPUs of TensorFlow's."""

import atexit
import concurrent.futures
import functools
import multiprocessing
import pickle
from collections.abc import Callable, Sequence
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ganzoo.distribution import strategies
from ganzoo.randomness import Draws, Segment
from ganzoo.testing.promises import Broken

_CPUS = ["CPU:0", "CPU:1"]
# In float64, of numbers around one: sums in another order differ by less.
_TOLERANCE = 1e-9


def in_own_process(function: Callable[[], str]) -> str:
    """Calls a picklable `function` where TensorFlow has two CPUs.

    The process is started once and serves all checks of this one.
    """
    try:
        pickle.dumps(function)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise Broken(
            "the factory must be importable, for it is called in a process "
            "of its own",
            error,
            "Define it at the top level of a module",
        ) from error
    try:
        return _process().submit(function).result()
    except BrokenProcessPool as error:
        _process.cache_clear()
        raise Broken(
            "the process with two replicas must start",
            error,
            'Put the calls of a script under `if __name__ == "__main__":`',
        ) from error


@functools.cache
def _process() -> concurrent.futures.ProcessPoolExecutor:
    pool = concurrent.futures.ProcessPoolExecutor(
        max_workers=1,
        # A copy of this process (fork) would have TensorFlow's locks, but not
        # its threads.
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_split_cpu,
    )
    atexit.register(pool.shutdown)
    return pool


def _split_cpu() -> None:
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * len(_CPUS)
    )


class Comparison:
    """Something called by one and by two replicas, on the same global batch.

    Args:
        make: Makes `call(inputs, draws) -> [rows, ...]`; called within and
            without the scope of a strategy, and returns the call and the
            variables that it depends on.
        inputs: Arrays [rows, ...] with an even number of rows; the replicas
            take one half each.
    """

    def __init__(
        self,
        make: Callable[[], tuple[Callable, Sequence[keras.Variable]]],
        inputs: Sequence[np.ndarray],
    ):
        self.inputs = list(inputs)
        self.num_rows = len(self.inputs[0])
        self.strategy = strategies.mirrored(_CPUS)
        self.one_call, self.one_variables = make()
        with self.strategy.scope():
            self.two_call, self.two_variables = make()
        self.start = [variable.numpy() for variable in self.one_variables]

    def outcome(self) -> str:
        """Returns "equal" or "distinct".

        Raises:
            Broken: If both replicas draw the same random numbers.
        """
        if np.allclose(self.by_one(), self.by_two(self.inputs), 0, _TOLERANCE):
            return "equal"
        half = self.num_rows // 2
        # Both replicas get the same rows, at one step and then at another.
        same = [np.concatenate([part[:half]] * 2) for part in self.inputs]
        first, later = self.by_two(same), self.by_two(same, step=1)
        replicas_agree = np.allclose(first[:half], first[half:], 0, _TOLERANCE)
        if replicas_agree and not np.allclose(first, later, 0, _TOLERANCE):
            raise Broken(
                "two replicas must not draw the same random numbers",
                "the very same ones on both",
                "Draw by `ganzoo.randomness.current()`, use ganzoo.layers, or "
                "keep a keras.random.SeedGenerator in a layer of the model",
            )
        return "distinct"

    def by_one(self) -> np.ndarray:
        """What one replica makes of all rows."""
        self._reset(self.one_variables)
        draws = _draws(0, 0, self.num_rows)
        inputs = [tf.constant(part) for part in self.inputs]
        call = tf.function(
            lambda: self.one_call(inputs, draws), autograph=False
        )
        return call().numpy()

    def by_two(self, inputs: list[np.ndarray], step: int = 0) -> np.ndarray:
        """What two replicas make of one half each, put together."""
        self._reset(self.two_variables)
        rows = self.num_rows // 2
        policy = keras.config.dtype_policy()

        def replica() -> tf.Tensor:
            # Keras keeps it by thread, and each replica is traced in its own.
            keras.config.set_dtype_policy(policy)
            context = tf.distribute.get_replica_context()
            first = context.replica_id_in_sync_group * rows
            local = [tf.constant(part)[first : first + rows] for part in inputs]
            return self.two_call(local, _draws(step, first, rows))

        call = tf.function(lambda: self.strategy.run(replica), autograph=False)
        results = call()
        parts = self.strategy.experimental_local_results(results)
        return np.concatenate([part.numpy() for part in parts])

    def _reset(self, variables: Sequence[keras.Variable]) -> None:
        for variable, value in zip(variables, self.start, strict=True):
            # Integers are states of random generators, which must go on: those
            # that repeat themselves would not be told from what is no random.
            if np.issubdtype(value.dtype, np.floating):
                variable.assign(value)


def _draws(step: int, first_row: Any, num_rows: int) -> Draws:
    return Draws(7, step, [Segment("check", first_row, num_rows)])
