import re

import numpy as np
import pytest
import tensorflow as tf

from ganzoo import masks
from ganzoo.datasets.densities import GaussianRing
from ganzoo.datasets.digits import Digits
from ganzoo.datasets.masked import Masked
from ganzoo.errors import ConfigurationError, DataError


class Streamed(Digits):
    """The digits as a tf.data.Dataset."""

    def examples(self, split):
        return tf.data.Dataset.from_tensor_slices(super().examples(split))


class Augmented(Digits):
    def augment(self, samples, draws):
        return samples


def test_the_visible_part_is_the_sample_where_the_mask_is_one():
    plain = Digits()
    dataset = Masked(plain, masks.Blocks())
    samples, condition = dataset.examples("test")
    mask, visible = condition["mask"], condition["visible"]
    np.testing.assert_array_equal(samples, plain.examples("test"))
    assert mask.shape == (180, 8, 8, 1)
    assert (mask.dtype, visible.dtype) == (np.float32, np.float32)
    assert set(np.unique(mask)) == {0.0, 1.0}
    np.testing.assert_array_equal(visible, mask * samples)
    assert len(np.unique(mask.reshape(180, -1), axis=0)) > 50


def test_it_has_what_the_data_set_has():
    plain = Digits(value_range=(-1.0, 1.0))
    dataset = Masked(plain, masks.RightHalf())
    assert dataset.sample_shape == (8, 8, 1)
    assert dataset.value_range == (-1.0, 1.0)
    assert dataset.num_classes == 10
    np.testing.assert_array_equal(dataset.labels("test"), plain.labels("test"))
    samples, condition = dataset.examples("test")
    # Hidden is 0, whatever the range.
    assert not condition["visible"][:, :, 4:].any()
    np.testing.assert_array_equal(
        dataset.to_unit(samples), plain.to_unit(samples)
    )


def test_masks_depend_on_seed_split_and_example_alone():
    def of(dataset, split):
        return dataset.examples(split)[1]["mask"]

    first, again, other = (
        Masked(Digits(), masks.Pixels(), seed) for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(of(first, "test"), of(again, "test"))
    assert not np.array_equal(of(first, "test"), of(other, "test"))
    assert not np.array_equal(of(first, "test"), of(first, "validation"))


def test_a_stream_is_masked_like_an_array():
    array, stream = (
        Masked(kind(), masks.Mixture([masks.Blocks(), masks.Pixels()]))
        for kind in (Digits, Streamed)
    )
    samples, condition = next(
        stream.examples("test").batch(180).as_numpy_iterator()
    )
    assert stream.examples("test").cardinality() == 180
    wanted, wanted_condition = array.examples("test")
    np.testing.assert_array_equal(samples, wanted)
    for name, part in wanted_condition.items():
        np.testing.assert_array_equal(condition[name], part)


def hide_nothing(draws, num, size):
    return tf.ones([num, *size, 1], tf.bool)


def hide_some(draws, num, size):
    return draws.uniform([num, *size, 1]) > 0.02


def without_channel(draws, num, size):
    return tf.zeros([num, *size], tf.bool)


def of_floats(draws, num, size):
    return tf.zeros([num, *size, 1])


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (
            hide_nothing,
            "`mask` must hide something of each example. Received: function, "
            "which hides nothing of 180 of 180 in 'test', first of example 0.",
        ),
        (
            hide_some,
            "`mask` must hide something of each example. Received: function, "
            "which hides nothing of ",
        ),
        (
            without_channel,
            "`mask` must give bool of shape [180, 8, 8, 1] for samples of "
            "shape (8, 8, 1). Received: bool of shape [180, 8, 8] from "
            "function.",
        ),
        (
            of_floats,
            "Received: float32 of shape [180, 8, 8, 1] from function.",
        ),
    ],
)
def test_masks_of_the_wrong_form(mask, message):
    with pytest.raises(DataError, match=re.escape(message)):
        Masked(Digits(), mask).examples("test")


def test_a_mask_that_hides_nothing_of_a_stream():
    stream = Masked(Streamed(), hide_nothing).examples("test")
    message = "`mask` hides nothing of"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        next(stream.as_numpy_iterator())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Masked(GaussianRing(), masks.RightHalf()),
            "`datasets.masked` needs images (height, width, channels). "
            "Received: GaussianRing with samples of shape (2,).",
        ),
        (
            lambda: Masked(Augmented(), masks.RightHalf()),
            "`datasets.masked` needs a data set without `augment`. Received: "
            "Augmented, which has it.",
        ),
        (
            lambda: Masked(
                Digits(conditional=True), masks.RightHalf()
            ).examples("test"),
            "`datasets.masked` needs a data set without condition. Received: "
            "Digits, which gives one with each sample.",
        ),
    ],
)
def test_data_that_cannot_be_masked(make, message):
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        make()
