"""Momentum and schedules, against loops in NumPy and pylearn2's formulas."""

import os
import re
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from ganzoo.errors import ConfigurationError
from ganzoo.optimizers import SGD, Adam, check_supported, follow
from ganzoo.schedules import Clocked, ExponentialDecay, LinearRamp

RNG = np.random.default_rng(3)


def quadratic_gradient(weights):
    """Of sum(w^4) / 4 + sum(w): not linear, so that mistakes do not cancel."""
    return weights**3 + 1


def descend(optimizer, start, num_steps, jit_compile=False, clock=None):
    """`num_steps` updates inside one trace; returns weights and the traces."""
    weights = keras.Variable(start, dtype=start.dtype)
    optimizer.build([weights])
    traces = []

    @tf.function(jit_compile=jit_compile)
    def update():
        traces.append(1)
        optimizer.apply([quadratic_gradient(weights.value)], [weights])
        if clock is not None:
            clock.assign_add(2)

    for _ in range(num_steps):
        update()
    return weights.numpy(), len(traces)


def descended(start, num_steps, rate, momentum):
    """The same in NumPy; `rate` and `momentum` are functions of the step."""
    weights, velocity = start.astype(np.float64), np.zeros(start.shape)
    for step in range(num_steps):
        gradient = quadratic_gradient(weights)
        velocity = momentum(step) * velocity - rate(step) * gradient
        weights = weights + velocity
    return weights


@pytest.mark.parametrize(
    "dtype, jit_compile, tolerance",
    [
        ("float64", False, 1e-12),
        ("float64", True, 1e-12),
        ("float32", False, 1e-4),
    ],
)
def test_both_schedules_move_within_one_trace(dtype, jit_compile, tolerance):
    start = RNG.uniform(-1, 1, size=7).astype(dtype)
    optimizer = SGD(
        ExponentialDecay(0.004, decay=1.02, minimum=1e-4),
        LinearRamp(0.0, 0.9, steps_per_epoch=10, saturation_epoch=20),
    )
    weights, num_traces = descend(optimizer, start, 300, jit_compile)
    expected = descended(
        start,
        300,
        lambda step: max(0.004 / 1.02**step, 1e-4),
        lambda step: 0.9 * min(step // 10 / 19, 1),
    )
    assert num_traces == 1
    np.testing.assert_allclose(weights, expected, rtol=tolerance)
    frozen = descended(start, 300, lambda step: 0.004, lambda step: 0.0)
    assert np.max(np.abs(weights - frozen)) > 0.01  # The schedules matter.


def test_numbers_do_what_keras_does_with_them():
    start = RNG.uniform(-1, 1, size=7)
    rate = 2**-7  # Keras keeps numbers in float32; this one is exact there.
    ours, _ = descend(SGD(rate, 0.9), start, 50)
    theirs, _ = descend(keras.optimizers.SGD(rate, 0.9), start, 50)
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)
    expected = descended(start, 50, lambda step: rate, lambda step: 0.9)
    np.testing.assert_allclose(ours, expected, rtol=1e-12)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_adam_is_algorithm_1_of_its_paper(jit_compile):
    start = RNG.uniform(-1, 1, size=7)
    found, _ = descend(
        Adam(ExponentialDecay(0.01, decay=1.02), 0.5, 0.9, epsilon=1e-5),
        start,
        100,
        jit_compile,
    )
    weights, mean, square = start.copy(), np.zeros(7), np.zeros(7)
    for step in range(1, 101):
        gradient = quadratic_gradient(weights)
        mean = 0.5 * mean + 0.5 * gradient
        square = 0.9 * square + 0.1 * gradient**2
        # The order of section 2's last paragraph, where epsilon is not scaled.
        rate = 0.01 / 1.02 ** (step - 1)
        rate *= np.sqrt(1 - 0.9**step) / (1 - 0.5**step)
        weights -= rate * mean / (np.sqrt(square) + 1e-5)
    np.testing.assert_allclose(found, weights, rtol=1e-10)


@pytest.mark.parametrize(
    "options",
    [{}, {"amsgrad": True}, {"weight_decay": 0.1}, {"clipnorm": 0.5}],
)
def test_adam_takes_what_that_of_keras_takes(options):
    start = RNG.uniform(-1, 1, size=7).astype(np.float32)
    ours, _ = descend(Adam(0.01, 0.5, **options), start, 50)
    theirs, _ = descend(keras.optimizers.Adam(0.01, 0.5, **options), start, 50)
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_shrinking_comes_after_each_update():
    start = np.array([0.5, -1.0, 0.25, 2.0])
    found, _ = descend(SGD(0.1, 0.5, shrink=0.9), start, 3)
    weights, velocity = start.copy(), np.zeros(4)
    for _ in range(3):
        velocity = 0.5 * velocity - 0.1 * quadratic_gradient(weights)
        weights = 0.9 * (weights + velocity)
    # A rate is a float32.
    np.testing.assert_allclose(found, weights, rtol=1e-6)


def test_sparse_gradients():
    table = keras.Variable(np.ones((4, 3)), dtype="float64")
    optimizer = SGD(0.5)
    with tf.GradientTape() as tape:
        rows = tf.gather(table.value, [1, 1, 3])
        total = tf.reduce_sum(rows)
    optimizer.apply([tape.gradient(total, table.value)], [table])
    rows = [[1.0] * 3, [0.0] * 3, [1.0] * 3, [0.5] * 3]
    np.testing.assert_array_equal(table.numpy(), rows)


def test_follow_makes_both_schedules_read_the_clock():
    start = RNG.uniform(-1, 1, size=7)
    clock = keras.Variable(4, dtype="int64", trainable=False)
    optimizer = SGD(
        ExponentialDecay(0.05, decay=1.5),
        LinearRamp(0.0, 0.9, steps_per_epoch=5, saturation_epoch=4),
    )
    follow(optimizer, keras.Variable(0, dtype="int64", trainable=False))
    follow(optimizer, clock)  # The later clock counts.
    # The clock goes 4, 6, 8, ...; the optimizer counts 0, 1, 2, ...
    weights, num_traces = descend(optimizer, start, 9, clock=clock)
    expected = descended(
        start,
        9,
        lambda step: max(0.05 / 1.5 ** (4 + 2 * step), 1e-6),
        lambda step: 0.9 * min((4 + 2 * step) // 5 / 3, 1),
    )
    assert num_traces == 1
    np.testing.assert_allclose(weights, expected, rtol=1e-12)


@pytest.mark.parametrize("wrap", [False, True])
def test_follow_works_for_any_keras_optimizer(wrap):
    clock = tf.Variable(0, dtype=tf.int64)
    optimizer = keras.optimizers.Adam(ExponentialDecay(0.1, decay=2.0))
    outer = keras.optimizers.LossScaleOptimizer(optimizer) if wrap else None
    follow(outer or optimizer, clock)
    rates = []
    for step in (0, 1, 3):
        clock.assign(step)
        rates.append(float(optimizer.learning_rate))
    np.testing.assert_allclose(rates, [0.1, 0.05, 0.0125], rtol=1e-6)
    assert int(optimizer.iterations) == 0


def test_follow_leaves_numbers_alone():
    optimizer = keras.optimizers.Adam(0.25)
    follow(optimizer, tf.Variable(3, dtype=tf.int64))
    assert float(optimizer.learning_rate) == 0.25
    optimizer.learning_rate = 0.125
    assert float(optimizer.learning_rate) == 0.125


@pytest.mark.parametrize("step", [0, 1, 1000, 2_878_000, 2_879_000, 10**8])
def test_exponential_decay_at_large_steps(step):
    schedule = ExponentialDecay(0.1, decay=1.000004, minimum=1e-6)
    expected = max(0.1 * np.exp(-step * np.log1p(4e-6)), 1e-6)
    compiled = tf.function(lambda at: schedule(at))
    value = compiled(tf.constant(step, tf.int64))
    np.testing.assert_allclose(value, expected, rtol=1e-9)
    np.testing.assert_allclose(schedule(step), expected, rtol=1e-9)


def test_exponential_decay_moves_at_every_step():
    schedule = ExponentialDecay(0.1)
    rates = [float(schedule(step)) for step in range(100_000, 100_005)]
    ratios = np.array(rates[1:]) / np.array(rates[:-1])
    np.testing.assert_allclose(ratios, 1 / 1.000004, rtol=1e-12)


@pytest.mark.parametrize(
    "epoch, momentum",
    [(1, 0.5), (2, 0.5 + 0.2 / 249), (125, 0.5 + 0.2 * 124 / 249), (250, 0.7)],
)
def test_linear_ramp_is_pylearn2s_momentum(epoch, momentum):
    schedule = LinearRamp(0.5, 0.7, steps_per_epoch=500)
    for step in (500 * (epoch - 1), 500 * epoch - 1):  # First and last.
        np.testing.assert_allclose(schedule(step), momentum, rtol=1e-12)
    np.testing.assert_allclose(schedule(10**7), 0.7, rtol=1e-12)


@pytest.mark.parametrize("with_clock", [False, True])
def test_a_described_optimizer_comes_back(with_clock):
    optimizer = SGD(
        ExponentialDecay(0.05, decay=1.02, minimum=1e-3),
        LinearRamp(0.1, 0.9, steps_per_epoch=3, saturation_epoch=20),
        name="players",
    )
    if with_clock:
        follow(optimizer, tf.Variable(100, dtype=tf.int64))
    description = keras.saving.serialize_keras_object(optimizer)
    again = keras.saving.deserialize_keras_object(description)
    assert again.get_config() == optimizer.get_config()
    assert again.name == "players"
    assert isinstance(again.momentum, Clocked if with_clock else LinearRamp)
    start = RNG.uniform(-1, 1, size=3)
    fresh = SGD(
        ExponentialDecay(0.05, decay=1.02, minimum=1e-3),
        LinearRamp(0.1, 0.9, steps_per_epoch=3, saturation_epoch=20),
    )
    np.testing.assert_array_equal(
        descend(again, start, 20)[0], descend(fresh, start, 20)[0]
    )
    plain = SGD.from_config(SGD(0.5, 0.25).get_config())
    assert (float(plain.learning_rate), plain.momentum) == (0.5, 0.25)


@pytest.mark.parametrize(
    "build, message",
    [
        (
            lambda: SGD(-0.1),
            "`learning_rate` must be a schedule or a number that is not "
            "negative. Received: learning_rate=-0.1.",
        ),
        (
            lambda: SGD("fast"),
            "`learning_rate` must be a schedule or a number that is not "
            "negative. Received: learning_rate='fast'.",
        ),
        (
            lambda: SGD(0.1, momentum=1.5),
            "`momentum` must be a schedule or a number in [0, 1]. Received: "
            "momentum=1.5.",
        ),
        (
            lambda: SGD(0.1, shrink=1.5),
            "`shrink` must be in (0, 1]. Received: shrink=1.5.",
        ),
        (
            lambda: ExponentialDecay(0.1, decay=0.9),
            "`decay` must be at least 1. Received: decay=0.9.",
        ),
        (
            lambda: LinearRamp(0.5, 0.7, steps_per_epoch=0),
            "`steps_per_epoch` must be a positive integer. Received: "
            "steps_per_epoch=0.",
        ),
        (
            lambda: LinearRamp(0.5, 0.7, 10, start_epoch=5, saturation_epoch=5),
            "`saturation_epoch` must come after `start_epoch`. Received: "
            "start_epoch=5, saturation_epoch=5.",
        ),
    ],
)
def test_bad_numbers_are_refused(build, message):
    with pytest.raises(ConfigurationError, match=f"^{re.escape(message)}$"):
        build()


ONE_DEVICE_AND_TWO = """
import keras, numpy as np, tensorflow as tf
from ganzoo.optimizers import SGD, follow
from ganzoo.schedules import ExponentialDecay, LinearRamp

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0],
    [tf.config.LogicalDeviceConfiguration()] * 2,
)
keras.config.set_dtype_policy("float64")
inputs = np.random.default_rng(0).normal(size=(8, 6))

def train(strategy):
    with strategy.scope():
        keras.utils.set_random_seed(3)
        longest = keras.constraints.MaxNorm(0.6, axis=0)
        net = keras.Sequential([
            keras.Input((6,), dtype="float64"),
            keras.layers.Dense(4, "tanh", kernel_constraint=longest),
            keras.layers.Dense(1),
        ])
        ramp = LinearRamp(0.1, 0.9, 3, 1, 5)
        optimizer = SGD(ExponentialDecay(0.5, 1.05), ramp)
        optimizer.build(net.trainable_variables)
        clock = keras.Variable(
            0, dtype="int64", trainable=False, aggregation="only_first_replica"
        )
        follow(optimizer, clock)
    batches = tf.data.Dataset.from_tensors(inputs).repeat()
    batches = batches.unbatch().batch(8)

    def step(batch):
        with tf.GradientTape() as tape:
            cost = tf.reduce_sum(tf.nn.softplus(net(batch) - 1)) / 8
        gradients = tape.gradient(cost, net.trainable_variables)
        optimizer.apply(gradients, net.trainable_variables)
        clock.assign_add(1)

    run = tf.function(lambda batch: strategy.run(step, args=(batch,)))
    iterator = iter(strategy.experimental_distribute_dataset(batches))
    for _ in range(20):
        run(next(iterator))
    return [weight.numpy() for weight in net.weights]

one = train(tf.distribute.get_strategy())
two = train(tf.distribute.MirroredStrategy(
    ["CPU:0", "CPU:1"], cross_device_ops=tf.distribute.ReductionToOneDevice()
))
assert np.linalg.norm(one[0], axis=0).max() > 0.59  # The constraint bites.
print("difference", max(np.abs(a - b).max() for a, b in zip(one, two)))
"""


@pytest.mark.parametrize(
    ("name", "value", "instead"),
    [
        ("use_ema", True, "build_gan.ema_decay"),
        ("gradient_accumulation_steps", 2, "build_gan.num_micro_batches"),
    ],
)
@pytest.mark.parametrize("is_scaled", [False, True])
def test_what_a_game_does_itself_is_refused(name, value, instead, is_scaled):
    optimizer = keras.optimizers.Adam(**{name: value})
    if is_scaled:
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    message = (
        f"`{name}` of an optimizer must not be set: it breaks under a strategy "
        f"and on resume. Received: {name}={value!r}. Bind `{instead}` in its "
        "place."
    )
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        check_supported(optimizer)
    check_supported(keras.optimizers.Adam())


@pytest.mark.slow
def test_two_devices_do_what_one_does():
    process = subprocess.run(
        [sys.executable, "-c", ONE_DEVICE_AND_TWO],
        capture_output=True,
        text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"},
    )
    assert process.returncode == 0, process.stderr
    assert float(process.stdout.split()[-1]) < 1e-12
