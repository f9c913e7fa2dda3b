import json
import re
import socket
import subprocess
import sys

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from ganzoo import pipeline
from ganzoo.errors import ConfigurationError, DataError
from ganzoo.randomness import Draws, Segment

NUM = 23


def _numbered(num=NUM):
    """Samples [num, 1] that say which they are."""
    return np.arange(num, dtype=np.float32)[:, None]


def _stream(num=NUM):
    return tf.data.Dataset.from_tensor_slices(_numbered(num))


def _take(num_steps, examples, *arguments, **keywords):
    dataset = pipeline.batches(examples, *arguments, **keywords)
    return list(dataset.take(num_steps).as_numpy_iterator())


def _order(steps):
    """Examples in the order in which they are used."""
    return np.concatenate([step[..., 0].T.reshape(-1) for step in steps])


@pytest.mark.parametrize("make", [_numbered, _stream])
@pytest.mark.parametrize(
    ("batch_size", "k"), [(23, 1), (5, 1), (4, 3), (20, 2)]
)
def test_every_example_once_in_an_epoch(make, batch_size, k):
    steps = _take(NUM, make(), batch_size, k, seed=1)
    assert steps[0].shape == (batch_size, k, 1)
    epochs = _order(steps).reshape(-1, NUM)
    assert len(epochs) == batch_size * k
    np.testing.assert_array_equal(
        np.sort(epochs), np.tile(np.arange(NUM), (len(epochs), 1))
    )
    assert len(np.unique(epochs, axis=0)) == len(epochs)


@pytest.mark.parametrize("make", [_numbered, _stream])
def test_resuming_equals_skipping(make):
    straight = _take(12, make(), 4, 2, seed=5)
    for first_step in (1, 3, 11):
        resumed = _take(12 - first_step, make(), 4, 2, 5, first_step)
        np.testing.assert_array_equal(straight[first_step:], resumed)


@pytest.mark.parametrize("make", [_numbered, _stream])
def test_a_second_iterator_begins_anew(make):
    dataset = pipeline.batches(make(), 5).take(9)
    first, second = (list(dataset.as_numpy_iterator()) for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("make", [_numbered, _stream])
def test_seeds_of_any_size_give_orders_of_their_own(make):
    orders = {
        tuple(_order(_take(4, make(), 5, seed=seed)))
        for seed in (0, 1, -1, 2**31, 2**64, -(2**80))
    }
    assert len(orders) == 6


@pytest.mark.parametrize("make", [_numbered, _stream])
def test_no_global_seed_takes_part(make):
    orders = set()
    for seed in (0, 1, 2):
        tf.random.set_seed(seed)
        orders.add(tuple(_order(_take(4, make(), 5))))
    assert len(orders) == 1


def test_a_late_step_comes_at_once():
    late = _take(1, _numbered(), 5, 1, first_step=10**12)[0]
    position = 10**12 * 5 % NUM
    assert len(np.unique(late)) >= 5 - max(0, position + 5 - NUM)


@pytest.mark.parametrize("make", [_numbered, _stream])
@pytest.mark.parametrize("num_shards", [2, 4])
def test_shards_make_up_the_global_batch(make, num_shards):
    whole = _take(10, make(), 8, 2, seed=3)
    shards = [
        _take(10, make(), 8, 2, seed=3, num_shards=num_shards, shard=shard)
        for shard in range(num_shards)
    ]
    for step, parts in zip(whole, zip(*shards, strict=True), strict=True):
        np.testing.assert_array_equal(step, np.concatenate(parts))


@pytest.mark.parametrize(("num", "num_epochs"), [(10, 400), (1000, 600)])
def test_orders_are_uniform_and_independent(num, num_epochs):
    orders = np.stack(
        [
            epoch[:, 0, 0].astype(int)
            for epoch in _take(num_epochs, _numbered(num), num, seed=9)
        ]
    )
    for place in (0, num // 2, num - 1):
        counts = np.bincount(orders[:, place] * 10 // num, minlength=10)
        assert scipy.stats.chisquare(counts).pvalue > 1e-3
        _, pvalue = scipy.stats.pearsonr(orders[1:, place], orders[:-1, place])
        assert pvalue > 1e-3
    # Two independent orders agree in one place on average, with variance one.
    matches = np.sum(orders[1:] == orders[:-1], axis=1)
    assert abs(matches.mean() - 1) < 4 / np.sqrt(num_epochs)


@pytest.mark.parametrize("stream", [False, True])
def test_conditions_stay_with_their_samples(stream):
    samples = _numbered()
    condition = {"half": samples[:, 0] / 2, "label": np.arange(NUM)}
    examples = (samples, condition)
    if stream:
        examples = tf.data.Dataset.from_tensor_slices(examples)
    for got, given in _take(9, examples, 5, 2):
        assert got.shape == (5, 2, 1)
        np.testing.assert_array_equal(given["half"], got[..., 0] / 2)
        np.testing.assert_array_equal(given["label"], got[..., 0])
        assert given["label"].dtype == np.int64


def test_shapes_are_static():
    examples = (np.zeros([9, 4, 3, 1], np.float32), np.zeros([9], np.int64))
    spec = pipeline.batches(examples, 6, 2, num_shards=2).element_spec
    assert [part.shape.as_list() for part in spec] == [[3, 2, 4, 3, 1], [3, 2]]


def test_augment_draws_for_the_global_row():
    def augment(samples, draws):
        return samples + draws.uniform([samples.shape[0], 1])

    whole = _take(3, _numbered(), 8, 2, seed=4, augment=augment)
    plain = _take(3, _numbered(), 8, 2, seed=4)
    for step in range(3):
        for i in range(2):
            draws = Draws(4, step, [Segment(f"augment/{i}")])
            np.testing.assert_allclose(
                whole[step][:, i] - plain[step][:, i],
                draws.uniform([8, 1]),
                atol=1e-5,
            )
    resumed = _take(1, _numbered(), 8, 2, 4, 2, augment)
    np.testing.assert_array_equal(resumed[0], whole[2])
    second = _take(3, _numbered(), 8, 2, 4, 0, augment, num_shards=2, shard=1)
    np.testing.assert_array_equal(second, [step[4:] for step in whole])


def test_augment_leaves_the_condition_alone():
    examples = (_numbered(), np.arange(NUM))
    (samples, condition), *_ = _take(
        1, examples, 5, augment=lambda samples, draws: samples * 0
    )
    assert not samples.any()
    assert len(np.unique(condition)) == 5


def test_augment_must_keep_the_shape():
    with pytest.raises(
        DataError,
        match=re.escape(
            "`augment` must keep the shape and dtype of samples. Received: "
            "(5, 1, 1) int32 for (5, 1, 1) float32."
        ),
    ):
        pipeline.batches(
            _numbered(), 5, augment=lambda x, draws: tf.cast(x, tf.int32)
        )


@pytest.mark.slow
def test_replicas_take_consecutive_rows(fresh_python):
    done = fresh_python(
        """
        import numpy as np, tensorflow as tf
        from ganzoo import pipeline

        tf.config.set_logical_device_configuration(
            tf.config.list_physical_devices("CPU")[0],
            [tf.config.LogicalDeviceConfiguration()] * 2,
        )
        strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
        examples = np.arange(30, dtype=np.float32)[:, None]
        stream = tf.data.Dataset.from_tensor_slices(examples)
        for source in (examples, stream):
            batches = pipeline.batches(source, 8, 2, seed=1)
            distributed = strategy.experimental_distribute_dataset(batches)
            for whole, parts in zip(batches.take(9), distributed):
                parts = strategy.experimental_local_results(parts)
                np.testing.assert_array_equal(parts[0], whole[:4])
                np.testing.assert_array_equal(parts[1], whole[4:])
        print("equal")
        """
    )
    assert done.stdout.endswith("equal\n"), done.stderr


def test_whole_steps_of_an_epoch():
    assert pipeline.steps_per_epoch(50_000, 128) == 390
    assert pipeline.steps_per_epoch(50_000, 100, 5) == 100
    assert pipeline.steps_per_epoch(10, 10, 5) == 1


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        (
            {"batch_size": 0},
            "`batch_size` must be at least 1. Received: batch_size=0.",
        ),
        (
            {"discriminator_steps": 0},
            "`discriminator_steps` must be at least 1. Received: "
            "discriminator_steps=0.",
        ),
        (
            {"batch_size": 5.0},
            "`batch_size` must be an integer. Received: batch_size=5.0. "
            "Write 5.",
        ),
        (
            {"first_step": -1},
            "`first_step` must be at least 0. Received: first_step=-1.",
        ),
        (
            {"num_shards": 2},
            "`num_shards` must divide `batch_size` and exceed `shard`. "
            "Received: num_shards=2, batch_size=5, shard=0.",
        ),
        (
            {"shard": 1},
            "`num_shards` must divide `batch_size` and exceed `shard`. "
            "Received: num_shards=1, batch_size=5, shard=1.",
        ),
        (
            {"batch_size": 24},
            "`batch_size` must not exceed the number of examples. Received: "
            "batch_size=24 for 23 examples. Lower it.",
        ),
    ],
)
def test_bad_numbers(keywords, message):
    for examples in (_numbered(), _stream()):
        with pytest.raises(ConfigurationError, match=re.escape(message)):
            pipeline.batches(examples, **{"batch_size": 5, **keywords})


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite(bad):
    samples = np.zeros([7, 2, 2])
    samples[[3, 5], 0, 1] = bad
    with pytest.raises(
        DataError,
        match=re.escape(
            "`examples` must be finite. Received: NaN or infinity in 2 of 7, "
            "first in example 3. Repair them or leave them out."
        ),
    ):
        pipeline.batches(samples, 2)


@pytest.mark.parametrize(
    ("examples", "shapes"),
    [
        (np.zeros(9), "[(9,)]"),
        ((np.zeros([9, 2]), np.zeros(8)), "[(9, 2), (8,)]"),
        ((np.zeros([9, 2]), np.float32(1)), "[(9, 2), ()]"),
    ],
)
def test_wrong_shapes(examples, shapes):
    with pytest.raises(
        DataError,
        match=re.escape(
            "`examples` must be samples [num, ...] of at least two axes, and "
            f"as many conditions, if any. Received: shapes {shapes}."
        ),
    ):
        pipeline.batches(examples, 2)


def test_bad_streams():
    varying = tf.data.Dataset.from_generator(
        lambda: iter([[1.0], [1.0, 2.0]]),
        output_signature=tf.TensorSpec([None], tf.float32),
    )
    with pytest.raises(
        DataError,
        match=re.escape(
            "`examples` must have one shape. Received: a tf.data.Dataset of "
            "shape (None,). Resize them."
        ),
    ):
        pipeline.batches(varying, 1)
    with pytest.raises(
        DataError,
        match=re.escape(
            "`examples` must be finite. Received: a tf.data.Dataset that "
            "repeats for ever. Leave out `repeat`: the pipeline repeats."
        ),
    ):
        pipeline.batches(_stream().repeat(), 1)


_WORKER = """
import json, os, sys
workers, index = json.loads(sys.argv[1]), int(sys.argv[2])
os.environ["TF_CONFIG"] = json.dumps(
    {
        "cluster": {"worker": workers},
        "task": {"type": "worker", "index": index},
    }
)
import numpy as np, tensorflow as tf
from ganzoo import example_sets, pipeline

distribute = tf.distribute.experimental
strategy = tf.distribute.MultiWorkerMirroredStrategy(
    communication_options=distribute.CommunicationOptions(
        implementation=distribute.CommunicationImplementation.RING
    )
)
examples = np.arange(30, dtype=np.float32)[:, None]
for source in (examples, tf.data.Dataset.from_tensor_slices(examples)):
    batches = pipeline.batches(source, 8, 2, seed=1)
    distributed = strategy.experimental_distribute_dataset(batches)
    for whole, mine in zip(batches.take(9), distributed):
        (mine,) = strategy.experimental_local_results(mine)
        np.testing.assert_array_equal(mine, whole[4 * index : 4 * index + 4])
"""


@pytest.mark.slow
def test_workers_take_consecutive_rows():
    with socket.socket() as first, socket.socket() as second:
        first.bind(("127.0.0.1", 0))
        second.bind(("127.0.0.1", 0))
        ports = [first.getsockname()[1], second.getsockname()[1]]
    workers = json.dumps([f"127.0.0.1:{port}" for port in ports])
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _WORKER, workers, str(index)],
            stderr=subprocess.PIPE,
            text=True,
        )
        for index in range(2)
    ]
    try:
        for process in processes:
            _, errors = process.communicate(timeout=180)
            assert process.returncode == 0, errors
    finally:
        for process in processes:
            process.kill()
