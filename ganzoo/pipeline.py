"""Minibatches for the steps of a game, the same way for every data set.

Which examples step s trains on is a pure function of (seed, s), whatever the
number of replicas and workers: a run resumes at any step at once, and goes on
with what would have come. Every example is used exactly once in an epoch; a
minibatch may begin in one epoch and end in the next.
"""

import hashlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from ganzoo import example_sets
from ganzoo.checks import check_counts
from ganzoo.errors import ConfigurationError, DataError
from ganzoo.randomness import Draws, Segment

_PHILOX = 1
_CIPHER_ROUNDS = 4  # As many as `tf.random.experimental.index_shuffle` uses.
_SHUFFLE_BUFFER = 10_000


class _Plan(NamedTuple):
    """Which rows of which minibatches are wanted."""

    batch_size: int
    discriminator_steps: int
    seed: int
    first_step: int
    rows: slice


def batches(
    examples: Any,
    batch_size: int,
    discriminator_steps: int = 1,
    seed: int = 0,
    first_step: int = 0,
    augment: Callable[[tf.Tensor, Draws], tf.Tensor] | None = None,
    num_shards: int = 1,
    shard: int = 0,
) -> tf.data.Dataset:
    """What each step of the game is fed, for ever.

    Elements are global batches, which `experimental_distribute_dataset` cuts
    into consecutive rows for the replicas; or the rows of one of `num_shards`.

    A tf.data.Dataset is shuffled in a buffer of 10,000 examples, and to get to
    `first_step` reads all that comes before: slower than arrays. That its
    examples are finite is not checked.

    Args:
        examples: Samples or (samples, condition), as arrays [num, ...] or as a
            finite tf.data.Dataset. A condition may be any structure.
        batch_size: B, the examples in one minibatch, over all replicas.
        discriminator_steps: k of Algorithm 1, the minibatches in one step.
        seed: Of the order, and of `augment`; any int.
        first_step: The step that the first element is for.
        augment: `augment(samples, draws)`: a minibatch [rows, ...] in, one of
            the same form out. Row i of what `draws` gives is for sample i.
        num_shards: Parts that a global batch is cut into.
        shard: The part wanted, 0 to `num_shards` - 1.

    Returns:
        Samples [B / num_shards, k, ...], or (samples, condition), both so.

    Raises:
        ConfigurationError: If a number is out of its range.
        DataError: If examples are of the wrong form, or not finite.
    """
    check_counts(
        batch_size=batch_size,
        discriminator_steps=discriminator_steps,
        num_shards=num_shards,
    )
    check_counts(least=0, first_step=first_step, shard=shard)
    if shard >= num_shards or batch_size % num_shards:
        raise ConfigurationError(
            "`num_shards` must divide `batch_size` and exceed `shard`. "
            f"Received: num_shards={num_shards}, batch_size={batch_size}, "
            f"shard={shard}."
        )
    _check_examples(examples)
    num = example_sets.num_examples(examples)
    if batch_size > num:
        raise ConfigurationError(
            "`batch_size` must not exceed the number of examples. Received: "
            f"batch_size={batch_size} for {num} examples. Lower it."
        )
    num_rows = batch_size // num_shards
    rows = slice(shard * num_rows, (shard + 1) * num_rows)
    plan = _Plan(batch_size, discriminator_steps, seed, first_step, rows)
    source = _of_stream if isinstance(examples, tf.data.Dataset) else _of_arrays
    dataset = source(examples, plan)
    if augment is not None:
        steps = tf.data.Dataset.counter(start=first_step)
        dataset = tf.data.Dataset.zip(steps, dataset).map(
            lambda step, batch: _augmented(augment, step, batch, plan),
            num_parallel_calls=tf.data.AUTOTUNE,
        )
    options = tf.data.Options()
    # Each worker takes its own rows of a batch. With OFF, all take the same.
    options.experimental_distribute.auto_shard_policy = (
        tf.data.experimental.AutoShardPolicy.DATA
    )
    return dataset.with_options(options).prefetch(2)


def steps_per_epoch(
    num_examples: int, batch_size: int, discriminator_steps: int = 1
) -> int:
    """Whole steps in which D sees `num_examples` examples, at least 1."""
    return max(1, num_examples // (batch_size * discriminator_steps))


def _of_arrays(examples: Any, plan: _Plan) -> tf.data.Dataset:
    with tf.device("CPU:0"):
        arrays = tf.nest.map_structure(tf.convert_to_tensor, examples)
    num = example_sets.num_examples(examples)
    key = tf.constant([_order_key(plan.seed)], tf.uint64)
    # Row b of minibatch i of step s is at (s k + i) B + b in the endless order.
    offsets = np.add.outer(
        np.arange(plan.batch_size)[plan.rows],
        np.arange(plan.discriminator_steps) * plan.batch_size,
    )
    per_step = plan.discriminator_steps * plan.batch_size
    most_epochs = (per_step - 1) // num + 2  # That one step can reach into.

    @tf.autograph.experimental.do_not_convert  # It takes half a second.
    def gather(step: tf.Tensor) -> Any:
        positions = step * per_step + offsets.reshape(-1)
        first_epoch = step * per_step // num
        # Seeds that count up give orders that resemble each other: a draw of
        # Philox for each epoch, four numbers to a count, does not.
        seeds = tf.raw_ops.StatelessRandomUniformFullIntV2(
            shape=[most_epochs, 4],
            key=key,
            counter=tf.cast(tf.stack([first_epoch, 0]), tf.uint64),
            alg=_PHILOX,
            dtype=tf.uint32,
        )[:, :3]
        # `index_shuffle` itself takes no seed for each index (TensorFlow 2.21).
        indices = tf.raw_ops.RandomIndexShuffle(
            index=positions % num,
            seed=tf.gather(seeds, positions // num - first_epoch),
            max_index=tf.constant(num - 1, tf.int64),
            rounds=_CIPHER_ROUNDS,
        )
        indices = tf.reshape(indices, offsets.shape)
        return tf.nest.map_structure(
            lambda array: tf.gather(array, indices), arrays
        )

    return tf.data.Dataset.counter(start=plan.first_step).map(gather)


def _of_stream(examples: tf.data.Dataset, plan: _Plan) -> tf.data.Dataset:
    minibatches = [plan.discriminator_steps, plan.batch_size]
    per_step = plan.discriminator_steps * plan.batch_size
    first_seed = _order_key(plan.seed) >> 2  # An int64, with any epoch.

    def shuffle(epoch: tf.Tensor) -> tf.data.Dataset:
        # Of this graph: TensorFlow's global seed would take part in the order,
        # and fail if it is 0.
        tf.compat.v1.set_random_seed(1)
        # `repeat` would give a second iterator another order.
        return examples.shuffle(
            _SHUFFLE_BUFFER,
            seed=first_seed + epoch,
            reshuffle_each_iteration=False,
        )

    def cut(part: tf.Tensor) -> tf.Tensor:
        part = tf.reshape(part, minibatches + part.shape[1:])[:, plan.rows]
        return tf.transpose(part, [1, 0, *range(2, part.shape.rank)])

    return (
        tf.data.Dataset.counter()
        .flat_map(shuffle)
        .skip(plan.first_step * per_step)
        .batch(per_step, drop_remainder=True)
        .map(
            lambda *parts: tf.nest.map_structure(
                cut, parts if len(parts) > 1 else parts[0]
            )
        )
    )


def _augmented(
    augment: Callable, step: tf.Tensor, batch: Any, plan: _Plan
) -> Any:
    samples, condition = example_sets.split(batch)
    minibatches = []
    for i, minibatch in enumerate(tf.unstack(samples, axis=1)):
        rows = Segment(f"augment/{i}", plan.rows.start)
        minibatches.append(augment(minibatch, Draws(plan.seed, step, [rows])))
    augmented = tf.stack(minibatches, axis=1)
    if (augmented.shape, augmented.dtype) != (samples.shape, samples.dtype):
        raise DataError(
            "`augment` must keep the shape and dtype of samples. Received: "
            f"{augmented.shape} {augmented.dtype.name} for {samples.shape} "
            f"{samples.dtype.name}."
        )
    return augmented if condition is None else (augmented, condition)


def _check_examples(examples: Any) -> None:
    """Raises `DataError` for what no step could be fed with."""
    if isinstance(examples, tf.data.Dataset):
        for spec in tf.nest.flatten(examples.element_spec):
            if not spec.shape.is_fully_defined():
                raise DataError(
                    "`examples` must have one shape. Received: a "
                    f"tf.data.Dataset of shape {spec.shape}. Resize them."
                )
        return
    parts = tf.nest.flatten(examples)
    shapes = [np.shape(part) for part in parts]
    if len(shapes[0]) < 2 or len({shape[:1] for shape in shapes}) > 1:
        raise DataError(
            "`examples` must be samples [num, ...] of at least two axes, and "
            f"as many conditions, if any. Received: shapes {shapes}."
        )
    for part in parts:
        finite = np.isfinite(part).reshape(len(part), -1).all(axis=1)
        if not finite.all():
            raise DataError(
                "`examples` must be finite. Received: NaN or infinity in "
                f"{np.sum(~finite)} of {len(part)}, first in example "
                f"{np.argmin(finite)}. Repair them or leave them out."
            )


def _order_key(seed: int) -> int:
    """A number below 2^64, for any int."""
    digest = hashlib.blake2b(f"order/{seed}".encode(), digest_size=8).digest()
    return int.from_bytes(digest)
