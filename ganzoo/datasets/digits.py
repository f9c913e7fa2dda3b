"""scikit-learn's handwritten digits: real data that needs no download."""

from typing import Any

import numpy as np

from ganzoo.datasets import pixels, splits

# 80, 10 and 10 %, in file order.
_ROWS = {
    "train": slice(0, 1437),
    "validation": slice(1437, 1617),
    "test": slice(1617, 1797),
}


class Digits:
    """1,797 handwritten digits of 8x8 pixels, as scikit-learn ships them.

    The test part of Alpaydin & Kaynak 1998, "Optical Recognition of Handwritten
    Digits" (UCI). Train is images 0 to 1436, validation 1437 to 1616, test 1617
    to 1796, in file order. Never uses the network.

    Args:
        value_range: Ink-free and darkest value of a pixel.
        conditional: Whether examples are (samples, labels).

    Samples: float32 [8, 8, 1] in `value_range`. Labels: int64, 0 to 9.

    Raises:
        ConfigurationError: If `value_range` is no range.
    """

    sample_shape = (8, 8, 1)
    num_classes = 10

    def __init__(
        self,
        value_range: tuple[float, float] = (0.0, 1.0),
        conditional: bool = False,
    ):
        self.value_range = pixels.check_range(value_range)
        self.conditional = conditional

    def examples(self, split: str) -> Any:
        """Samples, or (samples, labels), of "train", "validation" or "test"."""
        images, labels = self._load(split)
        samples = pixels.to_range(
            images[..., np.newaxis], self.value_range, white=16.0
        )
        return (samples, labels) if self.conditional else samples

    def labels(self, split: str) -> np.ndarray:
        """The digit that each example shows, int64 [num]."""
        return self._load(split)[1]

    def to_unit(self, samples: Any) -> Any:
        """Samples as float images in [0, 1]."""
        return pixels.range_to_unit(samples, self.value_range)

    def _load(self, split: str) -> tuple[np.ndarray, np.ndarray]:
        from sklearn import datasets  # Takes a second.

        splits.check(split)
        bunch = datasets.load_digits()
        rows = _ROWS[split]
        return bunch.images[rows], bunch.target[rows].astype(np.int64)
