"""A model and a data set made of arrays, for the tests of evaluators."""

import numpy as np

from ganzoo.errors import DataError


class ArrayModel:
    """Gives out the rows of an array, `batch_size` at a time."""

    def __init__(self, samples, batch_size=7):
        self.samples = samples
        self.batch_size = batch_size
        self.seeds = []

    def sample(self, num, seed, condition=None):
        self.seeds.append(seed)
        for first in range(0, min(num, len(self.samples)), self.batch_size):
            last = min(first + self.batch_size, num)
            yield self.samples[first:last]


class ArrayDataset:
    """Splits that are arrays; images unless `to_unit` is None."""

    num_classes = None
    value_range = (0.0, 1.0)

    def __init__(self, **splits):
        self.splits = splits
        first = next(iter(splits.values()))
        self.sample_shape = np.shape(
            first[0] if isinstance(first, tuple) else first
        )[1:]

    def examples(self, split):
        if split not in self.splits:
            raise DataError(f"No split {split!r}.")
        return self.splits[split]

    def to_unit(self, samples):
        return samples
