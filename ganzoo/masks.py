"""Masks: callables `(draws, num, size)` -> bool [num, height, width, 1].

True is what stays visible. `size` is (height, width), `draws` gives row i the
random numbers of example i.
"""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from ganzoo.checks import check_list
from ganzoo.errors import ConfigurationError
from ganzoo.randomness import Draws


class RightHalf:
    """Hides the right half of the columns, as the 2014 code did."""

    def __call__(
        self, draws: Draws, num: Any, size: tuple[int, int]
    ) -> tf.Tensor:
        """Bool [num, height, width, 1]."""
        left = tf.range(size[1]) < size[1] // 2
        return tf.broadcast_to(left[:, None], [num, *size, 1])


class Blocks:
    """Hides one rectangle of each example, of random size and place.

    Args:
        min_share: Least height and width, as shares of the image's.
        max_share: Greatest.

    Raises:
        ConfigurationError: Unless 0 < `min_share` <= `max_share` <= 1.
    """

    def __init__(self, min_share: float = 0.3, max_share: float = 0.7):
        if not 0 < min_share <= max_share <= 1:
            raise ConfigurationError(
                "`min_share` and `max_share` must be in (0, 1], the lower "
                f"first. Received: min_share={min_share}, "
                f"max_share={max_share}."
            )
        self.min_share = min_share
        self.max_share = max_share

    def __call__(
        self, draws: Draws, num: Any, size: tuple[int, int]
    ) -> tf.Tensor:
        """Bool [num, height, width, 1]."""
        hidden = [self._interval(draws, num, length) for length in size]
        rows, columns = hidden  # [num, height], [num, width]
        return ~(rows[:, :, None, None] & columns[:, None, :, None])

    def _interval(self, draws: Draws, num: Any, length: int) -> tf.Tensor:
        """Bool [num, length], true in an interval of each row."""
        share, place = tf.unstack(draws.uniform([num, 2]), axis=1)
        width = self.min_share + share * (self.max_share - self.min_share)
        width = tf.maximum(tf.round(width * length), 1)
        first = tf.floor(place * (length - width + 1))
        positions = tf.range(length, dtype=width.dtype)
        return (positions >= first[:, None]) & (
            positions < (first + width)[:, None]
        )


class Pixels:
    """Hides each pixel by itself.

    Args:
        hidden_share: Probability that a pixel is hidden.

    Raises:
        ConfigurationError: If `hidden_share` is not in (0, 1].
    """

    def __init__(self, hidden_share: float = 0.75):
        if not 0 < hidden_share <= 1:
            raise ConfigurationError(
                "`hidden_share` must be in (0, 1]. Received: "
                f"hidden_share={hidden_share}. A mask hides something."
            )
        self.hidden_share = hidden_share

    def __call__(
        self, draws: Draws, num: Any, size: tuple[int, int]
    ) -> tf.Tensor:
        """Bool [num, height, width, 1]."""
        return draws.keep_mask([num, *size, 1], 1 - self.hidden_share)


class Mixture:
    """One of several kinds for each example, all equally likely.

    Args:
        masks: The kinds.

    Raises:
        ConfigurationError: If there are none, or `masks` is no list.
    """

    def __init__(self, masks: Sequence[Any]):
        example = "[@masks.blocks(), @masks.pixels()]"
        check_list("masks.mixture.masks", masks, example)
        if not masks:
            raise ConfigurationError(
                "`masks` must name at least one mask. Received: none."
            )
        self.masks = tuple(masks)

    def __call__(
        self, draws: Draws, num: Any, size: tuple[int, int]
    ) -> tf.Tensor:
        """Bool [num, height, width, 1]."""
        kinds = draws.uniform([num], 0, len(self.masks))
        made = tf.stack([mask(draws, num, size) for mask in self.masks], axis=1)
        return tf.gather(made, tf.cast(kinds, tf.int32), batch_dims=1)
