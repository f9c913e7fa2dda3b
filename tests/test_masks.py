import re

import numpy as np
import pytest
import tensorflow as tf

from ganzoo import masks
from ganzoo.errors import ConfigurationError
from ganzoo.randomness import Draws, Segment

NUM, SIZE = 400, (10, 20)
KINDS = [
    masks.RightHalf(),
    masks.Blocks(),
    masks.Pixels(),
    masks.Mixture([masks.RightHalf(), masks.Blocks(), masks.Pixels()]),
]


def draw(mask, num=NUM, first_row=0):
    draws = Draws(5, 0, [Segment("mask", first_row, num)])
    return mask(draws, num, SIZE).numpy()


@pytest.mark.parametrize("mask", KINDS, ids=lambda mask: type(mask).__name__)
def test_rows_are_bool_and_do_not_depend_on_their_neighbours(mask):
    together = draw(mask)
    assert together.shape == (NUM, *SIZE, 1)
    assert together.dtype == bool
    parts = [draw(mask, 150), draw(mask, 250, first_row=150)]
    np.testing.assert_array_equal(together, np.concatenate(parts))


def test_the_right_half_is_hidden():
    hidden = ~draw(masks.RightHalf(), 2)
    assert hidden[:, :, 10:].all()
    assert not hidden[:, :, :10].any()
    odd = masks.RightHalf()(Draws(0), 1, (2, 5)).numpy()
    assert odd[0, 0, :, 0].tolist() == [True, True, False, False, False]


def test_a_block_is_one_rectangle_within_its_limits():
    hidden = ~draw(masks.Blocks(0.2, 0.5))[..., 0]
    rows, columns = hidden.any(axis=2), hidden.any(axis=1)
    np.testing.assert_array_equal(
        hidden, rows[:, :, None] & columns[:, None, :]
    )
    for places, length in ((rows, 10), (columns, 20)):
        # Neighbours: one beginning at most, counted round the edge.
        edges = np.diff(places.astype(int), axis=1, prepend=0)
        assert ((edges == 1).sum(axis=1) == 1).all()
        sizes = places.sum(axis=1)
        assert (sizes.min(), sizes.max()) == (0.2 * length, 0.5 * length)
        assert places.any(axis=0).all()  # Every place is hidden sometimes.
    whole = draw(masks.Blocks(1.0, 1.0))
    assert not whole.any()


def test_pixels_are_hidden_with_their_probability():
    hidden = ~draw(masks.Pixels(0.75))
    # Four standard errors of 80,000 pixels.
    assert abs(hidden.mean() - 0.75) < 4 * np.sqrt(0.75 * 0.25 / hidden.size)
    assert not draw(masks.Pixels(1.0)).any()


def test_a_mixture_takes_each_kind_for_a_share_of_the_examples():
    def of(value):
        return lambda draws, num, size: tf.fill([num, *size, 1], value)

    made = draw(masks.Mixture([of(True), of(True), of(False)]))
    kinds = made.reshape(NUM, -1)
    assert (kinds.all(axis=1) | ~kinds.any(axis=1)).all()
    assert abs(kinds[:, 0].mean() - 2 / 3) < 4 * np.sqrt(2 / 9 / NUM)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: masks.Blocks(0.7, 0.3),
            "`min_share` and `max_share` must be in (0, 1], the lower first. "
            "Received: min_share=0.7, max_share=0.3.",
        ),
        (
            lambda: masks.Pixels(0.0),
            "`hidden_share` must be in (0, 1]. Received: hidden_share=0.0. A "
            "mask hides something.",
        ),
        (
            lambda: masks.Mixture([]),
            "`masks` must name at least one mask. Received: none.",
        ),
        (
            lambda: masks.Mixture(masks.Blocks()),
            "`masks.mixture.masks` must be a list. Received: Blocks. "
            "Write, for instance, [@masks.blocks(), @masks.pixels()].",
        ),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        make()
