"""Every random number of a run, as a pure function of where it is used.

A draw depends on (seed, purpose, step, the how-manieth draw of its network
call, global example row) and on nothing else. So one device, two replicas and
two workers draw the same numbers, a resumed run needs no saved random state,
and the order in which things run does not matter.

It rests on the counter-based generator Philox (Salmon et al. 2011, "Parallel
random numbers: as easy as 1, 2, 3"): the key says which stream, the upper half
of the counter is the step, the lower half runs over the rows. A replica that
holds rows 50 to 99 of a batch starts its counter at row 50.

XLA lowers Philox differently: a run compiled by XLA draws other numbers.
"""

import contextlib
import hashlib
import math
import threading
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf

_PHILOX = 1
# Numbers of 32 bits that one tick of Philox' counter yields. Rows are padded to
# a multiple of it, so that each row of a draw begins with a counter of its own.
_NUMBERS_PER_COUNT = 4


class Segment(NamedTuple):
    """Rows of one global batch that are drawn for one purpose.

    Attributes:
        purpose: What the numbers are for, such as "discriminator/0/real".
        first_row: Row of the global batch that local row 0 is. Int or tensor.
        num_rows: Rows held here, or None for "as many as are asked for" (of use
            where there is a single segment).
    """

    purpose: str
    first_row: Any = 0
    num_rows: Any = None


def variable_dtype() -> str:
    """The dtype that weights have now: that of the global dtype policy."""
    return keras.config.dtype_policy().variable_dtype


class Draws:
    """Random numbers for the rows of one network call.

    Successive calls of the methods give independent numbers. Every method takes
    a shape whose first entry is the number of local rows.

    Args:
        seed: int, or an integer tensor (then the graph draws for any seed).
        step: int or integer tensor; which step of the run.
        segments: What the rows are. One pass over real and fake examples has
        two.
    """

    def __init__(
        self,
        seed: Any,
        step: Any = 0,
        segments: Sequence[Segment] = (Segment(""),),
    ):
        self.seed = seed
        self.step = step
        self.segments = tuple(segments)
        self._num_calls = 0

    def uniform(
        self,
        shape: Sequence,
        low: Any = 0.0,
        high: Any = 1.0,
        dtype: Any = None,
    ) -> tf.Tensor:
        """Numbers from U[low, high), `dtype` (default: that of weights)."""
        dtype = tf.as_dtype(dtype or variable_dtype())
        unit = self._draw(tf.raw_ops.StatelessRandomUniformV2, shape, dtype)
        # Not `tf.cast`: it takes a Python float for a float32.
        width = tf.convert_to_tensor(high - low, dtype)
        return unit * width + tf.convert_to_tensor(low, dtype)

    def normal(self, shape: Sequence, dtype: Any = None) -> tf.Tensor:
        """Numbers from N(0, 1), `dtype` (default: that of weights)."""
        dtype = tf.as_dtype(dtype or variable_dtype())
        return self._draw(tf.raw_ops.StatelessRandomNormalV2, shape, dtype)

    def keep_mask(self, shape: Sequence, keep_probability: float) -> tf.Tensor:
        """Boolean mask, each entry true with `keep_probability`.

        The probability is rounded to a multiple of 2^-16: 16 random bits decide
        about an entry, in every dtype policy the same ones.
        """
        threshold = round(keep_probability * 2**16)
        if threshold >= 2**16:
            self._num_calls += 1
            return tf.ones(shape, tf.bool)
        bits = self._draw(
            tf.raw_ops.StatelessRandomUniformFullIntV2, shape, tf.uint16
        )
        return bits < tf.constant(threshold, tf.uint16)

    def stateless_seed(self) -> tf.Tensor:
        """uint32 [2], a seed for code that wants one; distinct per replica."""
        key, counter = self._key_and_counter(self.segments[0], 1)
        self._num_calls += 1
        return tf.raw_ops.StatelessRandomUniformFullIntV2(
            shape=[2], key=key, counter=counter, alg=_PHILOX, dtype=tf.uint32
        )

    def _draw(self, op: Any, shape: Sequence, dtype: tf.DType) -> tf.Tensor:
        rest = list(shape[1:])
        parts = [
            self._draw_rows(
                op,
                segment,
                shape[0] if segment.num_rows is None else segment.num_rows,
                rest,
                dtype,
            )
            for segment in self.segments
        ]
        self._num_calls += 1
        return parts[0] if len(parts) == 1 else tf.concat(parts, axis=0)

    def _draw_rows(
        self,
        op: Any,
        segment: Segment,
        num_rows: Any,
        rest: list,
        dtype: tf.DType,
    ) -> tf.Tensor:
        numbers = math.prod(rest) if _all_static(rest) else tf.reduce_prod(rest)
        is_bits = dtype == tf.uint16
        drawn = -(-numbers // 2) if is_bits else numbers  # Two to a uint32.
        padded = -(-drawn // _NUMBERS_PER_COUNT) * _NUMBERS_PER_COUNT
        per_count = 2 if dtype == tf.float64 else _NUMBERS_PER_COUNT
        key, counter = self._key_and_counter(segment, padded // per_count)
        rows = op(
            shape=tf.stack([num_rows, padded]),
            key=key,
            counter=counter,
            alg=_PHILOX,
            dtype=tf.uint32 if is_bits else dtype,
        )
        if is_bits:
            rows = tf.reshape(
                tf.bitcast(rows, tf.uint16), tf.stack([num_rows, 2 * padded])
            )
            padded = 2 * padded
        if not (_all_static(rest) and padded == numbers):
            rows = rows[:, :numbers]
        return rows if len(rest) == 1 else tf.reshape(rows, [num_rows, *rest])

    def _key_and_counter(
        self, segment: Segment, counts_per_row: Any
    ) -> tuple[tf.Tensor, tf.Tensor]:
        text = f"{segment.purpose}#{self._num_calls}".encode()
        stream = int.from_bytes(hashlib.blake2b(text, digest_size=8).digest())
        if tf.is_tensor(self.seed):
            key = tf.bitwise.bitwise_xor(
                tf.cast(self.seed, tf.uint64), tf.constant(stream, tf.uint64)
            )
        else:
            key = tf.constant((int(self.seed) ^ stream) % 2**64, tf.uint64)
        first = tf.cast(segment.first_row, tf.uint64) * tf.cast(
            counts_per_row, tf.uint64
        )
        counter = tf.stack([first, tf.cast(self.step, tf.uint64)])
        return tf.reshape(key, [1]), counter


def num_rows(batch: Any) -> Any:
    """The length of axis 0: an int where the graph's shapes say it.

    What is known costs no ops; a step asks for it in dozens of places.
    """
    known = batch.shape[0]
    return tf.shape(batch)[0] if known is None else known


def _all_static(shape: Sequence) -> bool:
    return not any(tf.is_tensor(entry) for entry in shape)


# MirroredStrategy traces each replica in a thread of its own.
_LOCAL = threading.local()


def current() -> Draws | None:
    """The draws of the network call going on, or None outside of a game."""
    return getattr(_LOCAL, "draws", None)


@contextlib.contextmanager
def scope(draws: Draws | None) -> Iterator[None]:
    """Makes `draws` the ones that random layers use in the calls within."""
    outer = current()
    _LOCAL.draws = draws
    try:
        yield
    finally:
        _LOCAL.draws = outer


class ScopedSeedGenerator(keras.random.SeedGenerator):
    """A Keras seed generator that asks the scope it is used in, if any."""

    def next(self, ordered: bool = True) -> Any:  # noqa: D102
        draws = current()
        if draws is None:
            return super().next(ordered)
        return tf.cast(draws.stateless_seed(), self.state.dtype)


def adopt(network: keras.Model) -> int:
    """Makes the stock Keras random layers of `network` draw from the scope.

    `keras.layers.Dropout` and its like draw the same mask on every replica, and
    their state is not restored by a checkpoint. Adopted, they draw distinct
    masks on each replica and the same ones again on resume. That two replicas
    draw what one would is promised for `ganzoo.layers` alone.

    Returns:
        The number of seed generators adopted.
    """
    num_adopted = 0
    for layer in network._flatten_layers():
        for generator in getattr(layer, "_seed_generators", ()):
            if type(generator) is keras.random.SeedGenerator:
                # Assigning a new generator to a built layer is refused by
                # Keras.
                generator.__class__ = ScopedSeedGenerator
                num_adopted += 1
    return num_adopted
