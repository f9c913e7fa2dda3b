"""Maxout, untied bias and dropout, against loops in float64 NumPy."""

import itertools
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from ganzoo import randomness
from ganzoo.errors import ConfigurationError
from ganzoo.layers import Dropout, UntiedBias
from ganzoo.maxout import MaxoutConv2D, MaxoutDense

RNG = np.random.default_rng(7)


@pytest.fixture(params=["float32", "float64", "mixed_bfloat16"])
def policy(request):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(request.param)
    yield keras.config.dtype_policy()
    keras.config.set_dtype_policy(before)


def randomized(layer, input_shape):
    """Builds a float64 layer and gives every weight random numbers."""
    layer.build((None, *input_shape))
    layer.set_weights([RNG.normal(size=w.shape) for w in layer.weights])
    return layer


def convolved(images, kernel, bias, padding):
    """Cross-correlation by loops: [B, H, W, C] -> [B, H', W', D]."""
    around = (padding, padding)
    padded = np.pad(images, ((0, 0), around, around, (0, 0)))
    size = kernel.shape[0]
    height = padded.shape[1] - size + 1
    width = padded.shape[2] - size + 1
    out = np.zeros((len(images), height, width, kernel.shape[-1]))
    for row, column in itertools.product(range(height), range(width)):
        patch = padded[:, row : row + size, column : column + size]
        out[:, row, column] = np.einsum("bhwc,hwcd->bd", patch, kernel) + bias
    return out


def pooled(images, size, strides):
    """Max over windows cut off at the edge, ceil((n - p) / s) + 1 of them."""
    rows, columns = (
        max(-(-(n - size) // strides), 0) + 1 for n in images.shape[1:3]
    )
    out = np.zeros((len(images), rows, columns, images.shape[-1]))
    for row, column in itertools.product(range(rows), range(columns)):
        top, left = row * strides, column * strides
        window = images[:, top : top + size, left : left + size]
        out[:, row, column] = window.max(axis=(1, 2))
    return out


def max_of_pieces(responses, num_pieces):
    num_units = responses.shape[-1] // num_pieces
    return np.stack(
        [
            responses[..., unit * num_pieces : (unit + 1) * num_pieces].max(-1)
            for unit in range(num_units)
        ],
        axis=-1,
    )


def test_maxout_dense_takes_the_largest_of_contiguous_columns():
    layer = randomized(MaxoutDense(4, 3, dtype="float64"), (5,))
    inputs = RNG.normal(size=(6, 5))
    kernel, bias = layer.get_weights()
    expected = max_of_pieces(inputs @ kernel + bias, 3)
    np.testing.assert_allclose(layer(inputs), expected, rtol=1e-12)


@pytest.mark.parametrize(
    "size, pieces, padding, pool, strides",
    [(3, 2, 1, 3, 2), (2, 1, 0, 1, 1), (4, 3, 2, 4, 2), (1, 2, 0, 9, 4)],
)
def test_maxout_conv_is_pylearn2s(size, pieces, padding, pool, strides):
    layer = MaxoutConv2D(
        2, size, pieces, padding, pool, strides, dtype="float64"
    )
    randomized(layer, (8, 7, 3))
    images = RNG.normal(size=(2, 8, 7, 3))
    kernel, bias = layer.get_weights()
    responses = max_of_pieces(convolved(images, kernel, bias, padding), pieces)
    expected = pooled(responses, pool, strides)
    np.testing.assert_allclose(layer(images), expected, rtol=1e-10)


@pytest.mark.parametrize(
    "image, kernel, padding, convolved_size, pool, pooled_size",
    [(32, 8, 4, 33, 4, 16), (16, 8, 3, 15, 4, 7), (7, 5, 3, 9, 2, 5)],
)
def test_sizes_of_the_2014_net(
    image, kernel, padding, convolved_size, pool, pooled_size
):
    images = np.zeros((1, image, image, 1))
    conv = MaxoutConv2D(1, kernel, 2, padding)
    assert conv(images).shape == (1, convolved_size, convolved_size, 1)
    conv = MaxoutConv2D(1, kernel, 2, padding, pool, 2)
    assert conv(images).shape == (1, pooled_size, pooled_size, 1)


def test_where_pieces_tie_they_share_the_gradient():
    layer = MaxoutDense(2, 5, dtype="float64")
    layer.build((None, 3))
    kernel = np.repeat(RNG.normal(size=(3, 2)), 5, axis=1)
    inputs = RNG.normal(size=(1, 3))
    kernel[:, 1] -= inputs[0]  # Of unit 0, the second piece is smaller.
    layer.kernel.assign(kernel)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(layer(tf.constant(inputs)))
    gradient = tape.gradient(total, layer.kernel.value).numpy()
    shares = np.array([[1 / 4, 0, 1 / 4, 1 / 4, 1 / 4], [1 / 5] * 5])
    expected = inputs.T * shares.reshape(1, -1)
    np.testing.assert_allclose(gradient, expected, rtol=1e-10)


def small_net(dtype, pool_size=3):
    return keras.Sequential(
        [
            keras.Input((6, 5, 2), dtype=dtype),
            UntiedBias(),
            MaxoutConv2D(3, 3, 2, 1, pool_size, min(pool_size, 2)),
            keras.layers.Flatten(),
            MaxoutDense(4, 5),
            keras.layers.Dense(1),
        ]
    )


def penalty(net, images):
    """|d net / dx|^2, summed over the batch."""
    with tf.GradientTape() as tape:
        tape.watch(images)
        total = tf.reduce_sum(net(images))
    return tf.reduce_sum(tape.gradient(total, images) ** 2)


def penalty_gradients(net, images):
    kernels = [weight for weight in net.weights if weight.name == "kernel"]
    with tf.GradientTape() as tape:
        value = penalty(net, images)
    gradients = tape.gradient(value, [kernel.value for kernel in kernels])
    return list(zip(kernels, gradients, strict=True))


@pytest.mark.parametrize("policy", ["float64"], indirect=True)
def test_gradient_of_a_gradient_penalty(policy):
    net = small_net("float64")
    for weight in net.weights:
        weight.assign(RNG.normal(size=weight.shape))
    images = tf.constant(RNG.normal(size=(3, 6, 5, 2)))
    for kernel, gradient in penalty_gradients(net, images):
        direction = RNG.normal(size=kernel.shape)
        start = kernel.numpy()
        kernel.assign(start + 1e-6 * direction)
        above = float(penalty(net, images))
        kernel.assign(start - 1e-6 * direction)
        below = float(penalty(net, images))
        kernel.assign(start)
        np.testing.assert_allclose(
            np.sum(gradient * direction), (above - below) / 2e-6, rtol=1e-6
        )


@pytest.mark.parametrize("policy", ["float64"], indirect=True)
def test_gradient_of_a_gradient_penalty_compiled_by_xla(policy):
    net = small_net("float64", pool_size=1)  # XLA's MaxPoolGradGrad is inexact.
    images = tf.constant(RNG.normal(size=(3, 6, 5, 2)))

    @tf.function(jit_compile=True)
    def compiled():
        return [gradient for _, gradient in penalty_gradients(net, images)]

    plain = penalty_gradients(net, images)
    for (_, expected), gradient in zip(plain, compiled(), strict=True):
        np.testing.assert_allclose(gradient, expected, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_dtype_policies_and_any_batch_size(policy, jit_compile):
    net = small_net(policy.variable_dtype)
    shape = [None, 6, 5, 2]

    @tf.function(
        jit_compile=jit_compile,
        input_signature=[tf.TensorSpec(shape, policy.variable_dtype)],
    )
    def call(images):
        return net(images)

    for batch in (1, 3):
        images = RNG.normal(size=(batch, 6, 5, 2))
        outputs = call(tf.constant(images, policy.variable_dtype))
        assert outputs.dtype == policy.compute_dtype
        assert outputs.shape == (batch, 1)
        assert np.all(np.isfinite(tf.cast(outputs, tf.float64)))


def test_untied_bias_has_one_number_for_each_pixel():
    layer = randomized(UntiedBias(dtype="float64"), (2, 3, 4))
    images = RNG.normal(size=(5, 2, 3, 4))
    (bias,) = layer.get_weights()
    assert bias.shape == (2, 3, 4)
    np.testing.assert_array_equal(layer(images), images + bias)


# Keras 3.15 reads variables through an __array__ older than NumPy 2's.
@pytest.mark.filterwarnings("ignore:__array__ implementation")
def test_a_saved_net_comes_back(tmp_path):
    net = small_net("float32")
    net.add(Dropout(0.25))
    for weight in net.weights:
        weight.assign(RNG.normal(size=weight.shape))
    images = RNG.normal(size=(2, 6, 5, 2)).astype("float32")
    net.save(tmp_path / "net.keras")
    again = keras.models.load_model(tmp_path / "net.keras")
    assert [layer.get_config() for layer in again.layers] == [
        layer.get_config() for layer in net.layers
    ]
    np.testing.assert_array_equal(net(images), again(images))


def dropped(layer, num_rows, segments, dtype="float32"):
    """What becomes of ones: 0 or 1 / keep."""
    draws = randomness.Draws(seed=1, step=2, segments=segments)
    with randomness.scope(draws):
        ones = tf.ones([num_rows, 17], dtype)
        return tf.cast(layer(ones, training=True), tf.float64).numpy()


def test_dropout_masks_belong_to_rows_of_the_global_batch():
    layer = Dropout(0.5)
    whole = dropped(layer, 12, [randomness.Segment("D")])
    part = dropped(layer, 6, [randomness.Segment("D", first_row=4)])
    np.testing.assert_array_equal(part, whole[4:10])


def test_a_pass_over_real_and_fake_is_two_passes():
    layer = Dropout(0.5)
    real = randomness.Segment("real", 4, 6)
    fake = randomness.Segment("fake", 4, 6)
    both = dropped(layer, 12, [real, fake])
    np.testing.assert_array_equal(both[:6], dropped(layer, 6, [real]))
    np.testing.assert_array_equal(both[6:], dropped(layer, 6, [fake]))
    assert np.any(both[:6] != both[6:])


def test_dropout_masks_are_the_same_in_every_dtype():
    whole = [randomness.Segment("D")]
    masks = [
        dropped(Dropout(0.2, dtype=dtype), 50, whole, dtype) > 0
        for dtype in ("float64", "float32", "bfloat16")
    ]
    np.testing.assert_array_equal(masks[0], masks[1])
    np.testing.assert_array_equal(masks[0], masks[2])


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("rate", [0.2, 0.5])
def test_dropout_keeps_the_mean(rate, jit_compile):
    layer = Dropout(rate, dtype="float64")

    @tf.function(jit_compile=jit_compile)
    def call(step):
        with randomness.scope(randomness.Draws(0, step)):
            ones = tf.ones([400, 500], tf.float64)
            return layer(ones, training=True), layer(ones, training=True)

    first, second = (outputs.numpy() for outputs in call(tf.constant(5)))
    keep = 1 - rate
    for outputs in (first, second):
        assert set(np.unique(outputs)) == {0.0, 1 / keep}
        # Five standard errors of the share of 200,000 entries.
        error = 5 * np.sqrt(keep * rate / outputs.size)
        assert abs(np.mean(outputs > 0) - keep) < error
    # Two layers of a net, or two calls, have independent masks.
    overlap = np.mean((first > 0) & (second > 0))
    assert abs(overlap - keep**2) < 5 * np.sqrt(keep**2 / first.size)
    assert np.any(first != call(tf.constant(6))[0].numpy())


def test_dropout_multiplies_the_gradient_by_the_mask():
    layer = Dropout(0.5)
    inputs = tf.constant(RNG.normal(size=(8, 9)), tf.float32)
    with randomness.scope(randomness.Draws(0)), tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = layer(inputs, training=True)
    gradient = tape.gradient(outputs, inputs).numpy()
    np.testing.assert_array_equal(gradient, 2.0 * (outputs.numpy() != 0))


def test_dropout_is_off_outside_of_training_and_keras_outside_of_a_scope():
    inputs = RNG.normal(size=(8, 9)).astype("float32")
    with randomness.scope(randomness.Draws(0)):
        np.testing.assert_array_equal(Dropout(0.5)(inputs), inputs)
        np.testing.assert_array_equal(
            Dropout(0.0)(inputs, training=True), inputs
        )
    np.testing.assert_array_equal(
        Dropout(0.5, seed=3)(inputs, training=True),
        keras.layers.Dropout(0.5, seed=3)(inputs, training=True),
    )


@pytest.mark.parametrize("scope", [randomness.Draws(0), None])
def test_a_scale_of_ones_own_is_on_what_is_kept_while_training(scope):
    inputs = np.ones((40, 30), "float32")
    layer = Dropout(0.5, seed=1, scale=3.0)
    with randomness.scope(scope):
        found = layer(inputs, training=True).numpy()
        np.testing.assert_allclose(sorted(set(found.ravel())), [0, 3])
        np.testing.assert_array_equal(layer(inputs), inputs)
        # As in the 2014 code: what drops nothing does not scale either.
        untouched = Dropout(0.0, scale=3.0)(inputs, training=True)
        np.testing.assert_array_equal(untouched, inputs)


@pytest.mark.parametrize(
    "build, message",
    [
        (
            lambda: MaxoutDense(0),
            "`units` must be a positive integer. Received: units=0.",
        ),
        (
            lambda: MaxoutDense(3, num_pieces=2.5),
            "`num_pieces` must be a positive integer. Received: "
            "num_pieces=2.5.",
        ),
        (
            lambda: MaxoutConv2D(3, 2, pool_size=2, pool_strides=3),
            "`pool_strides` must not exceed `pool_size`. Received: "
            "pool_strides=3, pool_size=2.",
        ),
        (
            lambda: MaxoutConv2D(3, 8, padding=1, name="conv_0")(
                np.zeros((1, 5, 9, 2))
            ),
            "`kernel_size` of layer 'conv_0' must fit the padded image. "
            "Received: kernel_size=8, padding=1, image (5, 9, 2).",
        ),
        (lambda: Dropout(1.0), "`rate` must be in [0, 1). Received: rate=1.0."),
        (
            lambda: Dropout(0.5, scale=0.0),
            "`scale` must be None or positive. Received: scale=0.0.",
        ),
    ],
)
def test_bad_sizes_are_refused(build, message):
    with pytest.raises(ConfigurationError, match=f"^{re.escape(message)}$"):
        build()
