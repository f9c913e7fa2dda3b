import re

import numpy as np
import pytest
import tensorflow as tf
from arrays import ArrayDataset, ArrayModel

from ganzoo.errors import DataError
from ganzoo.evaluators.samples import (
    comparison_space,
    draw_samples,
    split_vectors,
    to_vectors,
)

IMAGES = np.linspace(0, 1, 10 * 2 * 3).reshape(10, 2, 3, 1)


def dataset(**splits):
    return ArrayDataset(**(splits or {"train": IMAGES}))


def test_draws_what_the_model_gives_in_its_order():
    model = ArrayModel(IMAGES, batch_size=4)
    samples = draw_samples(model, dataset(), 9, seed=3)
    np.testing.assert_array_equal(samples, IMAGES[:9])
    assert model.seeds == [3]


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (
            IMAGES[:6],
            "`samples` must be 10 in number. Received: 6. Provide more, or "
            "bind a smaller `num_samples`.",
        ),
        (
            IMAGES[:0],
            "`samples` must be 10 in number. Received: 0. Provide more, or "
            "bind a smaller `num_samples`.",
        ),
        (
            IMAGES[..., 0],
            "`samples` must have the shape [None, 2, 3, 1] of the data set. "
            "Received: shape (7, 2, 3). Evaluate them on the data set that "
            "they imitate.",
        ),
        (
            np.where(np.arange(10)[:, None, None, None] < 2, np.nan, IMAGES),
            "`samples` must be finite. Received: 2 of 10 with NaN or infinity. "
            "The model diverged, or the data is damaged.",
        ),
        (
            (IMAGES * 255).astype(np.uint8),
            "`samples` must lie in the data set's range [0.0, 1.0]. Received: "
            "values from 0 to 255. Rescale them.",
        ),
    ],
)
def test_unusable_samples_are_errors(samples, message):
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        draw_samples(ArrayModel(samples), dataset(), 10, seed=0)


def test_samples_may_stray_a_little_from_the_range():
    strays = IMAGES * 1.4 - 0.2
    drawn = draw_samples(ArrayModel(strays), dataset(), 10, seed=0)
    np.testing.assert_array_equal(drawn, strays)


def test_unbounded_data_takes_any_finite_sample():
    unbounded = dataset()
    unbounded.value_range = None
    drawn = draw_samples(ArrayModel(IMAGES * 500), unbounded, 10, seed=0)
    assert drawn.max() == 500


@pytest.mark.parametrize("max_examples", [None, 4, 100])
@pytest.mark.parametrize("conditional", [False, True])
@pytest.mark.parametrize("streamed", [False, True])
def test_split_is_the_same_from_arrays_and_streams(
    streamed, conditional, max_examples
):
    examples = (IMAGES, np.arange(10)) if conditional else IMAGES
    if streamed:
        examples = tf.data.Dataset.from_tensor_slices(examples)
    vectors = split_vectors(FixedSplit(examples), "validation", max_examples)
    np.testing.assert_array_equal(vectors, IMAGES.reshape(10, 6)[:max_examples])


class FixedSplit(ArrayDataset):
    def __init__(self, examples):
        super().__init__(train=IMAGES)
        self.splits["validation"] = examples


def test_long_split_is_read_in_batches(monkeypatch):
    monkeypatch.setattr("ganzoo.example_sets._BATCH_SIZE", 3)
    np.testing.assert_array_equal(
        split_vectors(dataset(), "train"), IMAGES.reshape(10, 6)
    )


def test_empty_and_damaged_splits_are_errors():
    message = (
        "The 'test' split of ArrayDataset must have examples. Received: none. "
        "Choose another way to split the data."
    )
    with pytest.raises(DataError, match=re.escape(message)):
        split_vectors(dataset(test=IMAGES[:0]), "test")
    message = (
        "The 'test' split must be finite. Received: 10 of 10 with NaN or "
        "infinity."
    )
    with pytest.raises(DataError, match=re.escape(message)):
        split_vectors(dataset(test=IMAGES + np.inf), "test")


def test_images_are_compared_as_pixels_and_points_as_they_are():
    images = dataset()
    images.to_unit = lambda samples: (samples + 1) / 2
    np.testing.assert_array_equal(
        to_vectors(images, IMAGES), (IMAGES.reshape(10, 6) + 1) / 2
    )
    assert comparison_space(images) == "[0, 1]"
    images.to_unit = None
    np.testing.assert_array_equal(
        to_vectors(images, IMAGES), IMAGES.reshape(10, 6)
    )
    assert comparison_space(images) == "raw"
