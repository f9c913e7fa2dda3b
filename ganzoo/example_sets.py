"""What `dataset.examples` gives: samples, or (samples, condition).

Arrays, or a finite `tf.data.Dataset` of single examples: a *stream*.
"""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ganzoo.errors import DataError

_BATCH_SIZE = 1_000


def split(examples: Any) -> tuple[Any, Any]:
    """(samples, condition), where the condition may be None."""
    return examples if isinstance(examples, tuple) else (examples, None)


def num_examples(examples: Any) -> int:
    """How many there are; reads all of a tf.data.Dataset that does not say."""
    if not isinstance(examples, tf.data.Dataset):
        return len(tf.nest.flatten(examples)[0])
    num = int(examples.cardinality())
    if num == tf.data.INFINITE_CARDINALITY:
        raise DataError(
            "`examples` must be finite. Received: a tf.data.Dataset that "
            "repeats for ever. Leave out `repeat`: the pipeline repeats."
        )
    if num == tf.data.UNKNOWN_CARDINALITY:
        num = int(examples.reduce(np.int64(0), lambda count, *_: count + 1))
    return num


def sample_batches(
    examples: Any, max_examples: int | None = None
) -> Iterator[np.ndarray]:
    """Samples [<= 1,000, *sample_shape] in order, without conditions."""
    if isinstance(examples, tf.data.Dataset):
        taken = examples.take(-1 if max_examples is None else max_examples)
        for batch in taken.batch(_BATCH_SIZE).as_numpy_iterator():
            yield split(batch)[0]
    else:
        samples = split(examples)[0][:max_examples]
        for first in range(0, len(samples), _BATCH_SIZE):
            yield np.asarray(samples[first : first + _BATCH_SIZE])


def sample_mean(examples: Any) -> np.ndarray:
    """The mean sample, float64 [*sample_shape]; reads all of a stream."""
    total: Any = 0.0
    for batch in sample_batches(examples):
        total = total + np.sum(batch, axis=0, dtype=np.float64)
    return total / num_examples(examples)


def first_examples(examples: Any, num: int) -> tuple[Any, Any]:
    """The first `num` samples, or all if fewer, and their condition or None."""
    if isinstance(examples, tf.data.Dataset):
        examples = next(examples.batch(num).as_numpy_iterator())
    return split(tf.nest.map_structure(lambda part: part[:num], examples))


def condition_spec(examples: Any) -> Any:
    """The condition as `keras.KerasTensor`s [None, ...], or None."""
    if isinstance(examples, tf.data.Dataset):
        examples = examples.batch(1).element_spec
    condition = split(examples)[1]
    if condition is None:
        return None
    return tf.nest.map_structure(
        lambda part: keras.KerasTensor(
            (None, *part.shape[1:]), tf.as_dtype(part.dtype).name
        ),
        condition,
    )
