import re

import numpy as np
import pytest
from sklearn.datasets import load_digits

from ganzoo.datasets.digits import Digits
from ganzoo.errors import ConfigurationError, DataError


def test_splits_are_all_of_the_digits_in_order():
    dataset = Digits()
    parts = [
        dataset.examples(split) for split in ("train", "validation", "test")
    ]
    assert [len(part) for part in parts] == [1437, 180, 180]
    joined = np.concatenate(parts)
    assert joined.dtype == np.float32
    assert joined.shape == (1797, *dataset.sample_shape)
    np.testing.assert_array_equal(joined[..., 0] * 16, load_digits().images)
    assert (joined.min(), joined.max()) == (0.0, 1.0)


def test_value_range_and_to_unit():
    dataset = Digits(value_range=(-1.0, 1.0))
    samples = dataset.examples("test")
    assert dataset.value_range == (-1.0, 1.0)
    assert (samples.min(), samples.max()) == (-1.0, 1.0)
    np.testing.assert_allclose(
        dataset.to_unit(samples), Digits().examples("test"), atol=1e-7
    )
    np.testing.assert_array_equal(dataset.to_unit([-9.0, 9.0]), [0.0, 1.0])


def test_labels():
    samples, labels = Digits(conditional=True).examples("validation")
    np.testing.assert_array_equal(labels, load_digits().target[1437:1617])
    np.testing.assert_array_equal(labels, Digits().labels("validation"))
    assert labels.dtype == np.int64
    assert len(samples) == len(labels)


def test_bad_split():
    with pytest.raises(
        DataError,
        match=re.escape(
            "`split` must be one of train, validation, test. Received: 'tset'. "
            "Did you mean 'test'?"
        ),
    ):
        Digits().examples("tset")


@pytest.mark.parametrize("value_range", [(1.0, 0.0), (0.0,), None, (0, np.inf)])
def test_bad_range(value_range):
    with pytest.raises(
        ConfigurationError,
        match=re.escape(
            "`value_range` must be two finite numbers, the lower first. "
            f"Received: {value_range!r}. Write (0.0, 1.0) or (-1.0, 1.0)."
        ),
    ):
        Digits(value_range=value_range)
