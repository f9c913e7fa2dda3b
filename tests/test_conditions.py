"""Labels and masked examples in the built-in nets, against NumPy."""

import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from ganzoo import conditions
from ganzoo.discriminators import maxout_conv, maxout_mlp
from ganzoo.errors import ConfigurationError
from ganzoo.generators import deconv, mlp
from ganzoo.testing.promises import dtype_policy

RNG = np.random.default_rng(8)
SHAPE = (6, 5, 1)
LABELS = keras.KerasTensor((None,), "int64")
MASKED = {
    "mask": keras.KerasTensor((None, 6, 5, 1), "float32"),
    "visible": keras.KerasTensor((None, *SHAPE), "float32"),
}


def masked_examples(num=4):
    samples = RNG.random((num, *SHAPE), np.float32)
    mask = (RNG.random((num, 6, 5, 1)) < 0.5).astype(np.float32)
    condition = {"mask": mask, "visible": samples * mask}
    return tf.nest.map_structure(tf.constant, (samples, condition))


def generators(condition_spec):
    yield mlp.build_generator(
        SHAPE,
        7,
        hidden_units=(9,),
        num_classes=3,
        condition_spec=condition_spec,
    )
    yield deconv.build_generator(
        SHAPE,
        7,
        hidden_units=9,
        base_channels=2,
        kernel_size=3,
        strides=1,
        num_classes=3,
        condition_spec=condition_spec,
    )


def discriminators(condition_spec):
    yield maxout_mlp.build_discriminator(
        SHAPE, (9,), num_classes=3, condition_spec=condition_spec
    )
    yield maxout_conv.build_discriminator(
        SHAPE, (2,), 3, 1, 2, 2, 2, (9,), 2,
        num_classes=3,
        condition_spec=condition_spec,
    )  # fmt: skip


def test_a_label_goes_in_as_a_row_of_the_identity():
    with dtype_policy("float64"):
        network, _ = generators(LABELS)
    network.set_weights([RNG.normal(size=w.shape) for w in network.weights])
    first, bias, last, last_bias = (w.numpy() for w in network.weights)
    assert first.shape == (7 + 3, 9)
    latents, labels = RNG.normal(size=(4, 7)), np.array([2, 0, 1, 2])
    inputs = np.concatenate([latents, np.eye(3)[labels]], axis=1)
    hidden = np.maximum(inputs @ first + bias, 0)
    expected = 1 / (1 + np.exp(-(hidden @ last + last_bias)))
    made = network([tf.constant(latents), tf.constant(labels)])
    np.testing.assert_allclose(made, expected.reshape(4, *SHAPE), rtol=1e-12)


def test_a_discriminator_drops_nothing_of_a_label():
    """With all of the sample dropped, it is the label that makes the logit."""
    network = maxout_mlp.build_discriminator(
        SHAPE,
        (9,),
        input_dropout=0.999,
        hidden_dropout=0.0,
        init_range=1.0,
        num_classes=3,
        condition_spec=LABELS,
    )
    samples = tf.zeros((2, *SHAPE))
    logits = network([samples, tf.constant([0, 1])], training=True).numpy()
    assert logits[0] != logits[1]


@pytest.mark.parametrize("wrong", [3, -1])
@pytest.mark.parametrize("index", [0, 1])
def test_a_label_that_there_is_not_is_refused(index, wrong):
    labels = tf.constant([0, wrong], tf.int64)
    for nets, inputs in (
        (generators, tf.zeros((2, 7))),
        (discriminators, tf.zeros((2, *SHAPE))),
    ):
        network = list(nets(LABELS))[index]
        call = tf.function(lambda net=network, x=inputs: net([x, labels]))
        with pytest.raises(
            tf.errors.InvalidArgumentError, match=rf"{wrong} is not in \[0, 3\)"
        ):
            call()


@pytest.mark.parametrize("policy", ["float32", "float64", "mixed_bfloat16"])
def test_the_visible_part_comes_out_bit_for_bit(policy):
    samples, condition = masked_examples()
    visible, is_visible = condition["visible"], condition["mask"] > 0
    with dtype_policy(policy):
        for network in generators(MASKED):
            made = network([tf.random.normal((4, 7)), condition])
            np.testing.assert_array_equal(
                np.where(is_visible, made, 0), visible
            )
            assert not np.array_equal(made, visible)


def test_the_hidden_part_depends_on_z_and_the_gradient_is_there_alone():
    _, condition = masked_examples()
    is_hidden = condition["mask"].numpy() == 0
    for network in generators(MASKED):
        latents = tf.random.normal((4, 7))
        one, other = (network([z, condition]) for z in (latents, -latents))
        np.testing.assert_array_equal(one != other, is_hidden)
    image = tf.Variable(RNG.random((4, *SHAPE), np.float32))
    with tf.GradientTape() as tape:
        parts = [image, condition["mask"], condition["visible"]]
        total = tf.reduce_sum(conditions.Composite()(parts))
    np.testing.assert_array_equal(
        tape.gradient(total, image), is_hidden.astype(np.float32)
    )


def test_a_discriminator_sees_sample_and_mask_and_not_the_visible_part():
    samples, condition = masked_examples()
    for network in discriminators(MASKED):
        logits = network([samples, condition])
        other = {**condition, "visible": tf.zeros_like(condition["visible"])}
        np.testing.assert_array_equal(logits, network([samples, other]))
        other = {**condition, "mask": 1 - condition["mask"]}
        assert np.all(logits != network([samples, other]))


def test_noise_in_the_hidden_part_is_z_where_nothing_is_visible():
    network = mlp.build_generator(
        SHAPE,
        30,
        hidden_units=(9,),
        condition_spec=MASKED,
        noise_in_hidden_part=True,
    )
    _, condition = masked_examples()
    mask, visible = (condition[key].numpy() for key in ("mask", "visible"))
    latents = RNG.normal(size=(4, 30)).astype(np.float32)
    kernel, bias, last, last_bias = (w.numpy() for w in network.weights)
    filled = np.where(mask > 0, visible, latents.reshape(4, *SHAPE))
    inputs = np.concatenate([filled.reshape(4, -1), mask.reshape(4, -1)], 1)
    hidden = np.maximum(inputs @ kernel + bias, 0)
    made = 1 / (1 + np.exp(-(hidden @ last + last_bias)))
    expected = np.where(mask > 0, visible, made.reshape(4, *SHAPE))
    np.testing.assert_allclose(
        network([tf.constant(latents), condition]), expected, rtol=1e-5
    )


def small_mask():
    return {**MASKED, "mask": keras.KerasTensor((None, 6, 4, 1), "float32")}


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: list(generators(small_mask())),
            "A mask for samples of shape (6, 5, 1) must be of shape (6, 5, 1), "
            "what it leaves visible of theirs. Received: shapes (6, 4, 1) and "
            "(6, 5, 1).",
        ),
        (
            lambda: list(discriminators(small_mask())),
            "A convolutional network takes as condition labels, or images of 6 "
            "x 5 as its samples are. Received: shape (6, 4, 1).",
        ),
        (
            lambda: mlp.build_generator(SHAPE, 7, condition_spec=LABELS),
            "A network that takes labels needs to know how many classes there "
            "are. Received: a data set with labels and num_classes=None.",
        ),
        (
            lambda: mlp.build_generator(
                SHAPE, 7, condition_spec=MASKED, noise_in_hidden_part=True
            ),
            "`noise_in_hidden_part` needs `datasets.masked`, and a "
            "`latent_dim` of 30 for samples of shape (6, 5, 1). Received: "
            "latent_dim=7 and a mask.",
        ),
        (
            lambda: mlp.build_generator(SHAPE, 30, noise_in_hidden_part=True),
            "Received: latent_dim=30 and no mask.",
        ),
    ],
)
def test_conditions_that_do_not_fit(build, message):
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        build()
