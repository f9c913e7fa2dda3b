"""The examples of one round: k minibatches, and parts of them."""

from typing import Any, NamedTuple

import tensorflow as tf

from ganzoo import example_sets, randomness
from ganzoo.conditions import map_condition
from ganzoo.distribution import replicas


class Minibatch(NamedTuple):
    """Examples of the data and what they are conditioned on.

    Attributes:
        samples: [B, *sample_shape], the rows that this replica holds.
        condition: Whatever the data set gives with them, or None.
        first_row: Which row of the global batch the first of them is.
    """

    samples: Any
    condition: Any = None
    first_row: Any = 0

    @property
    def num(self) -> Any:
        """B, an int where it is known as the graph is made."""
        return randomness.num_rows(self.samples)

    def split(self, num_parts: int) -> list["Minibatch"]:
        """Parts of equal size, in order."""
        if num_parts == 1:
            return [self]
        size = self.num // num_parts
        return [
            Minibatch(
                self.samples[i * size : (i + 1) * size],
                map_condition(
                    lambda part, i=i: part[i * size : (i + 1) * size],
                    self.condition,
                ),
                self.first_row + i * size,
            )
            for i in range(num_parts)
        ]


def minibatches_of(batch: Any, num: int) -> list[Minibatch]:
    """Those of a round, from within a replica.

    Args:
        batch: Samples [B, num, *sample_shape], or (samples, condition): a
            strategy splits axis 0.
        num: k of Algorithm 1.
    """
    samples, condition = example_sets.split(batch)
    samples = tf.cast(samples, randomness.variable_dtype())
    first_row = replicas.this_replica() * randomness.num_rows(samples)
    return [
        Minibatch(
            samples[:, i],
            map_condition(lambda part, i=i: part[:, i], condition),
            first_row,
        )
        for i in range(num)
    ]
