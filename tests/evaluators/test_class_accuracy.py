import re

import numpy as np
import pytest

from ganzoo.datasets.digits import Digits
from ganzoo.errors import ConfigurationError, DataError
from ganzoo.evaluators.class_accuracy import ClassAccuracy
from ganzoo.features import FeatureMap

DATA = Digits(conditional=True)
ABOUT = {"name": "oracle", "accuracy": 1.0}


class Oracle:
    """A classifier that reads the class from the first pixel."""

    def fit(self, dataset):
        def classify(samples):
            return np.eye(10)[np.round(samples[:, 0, 0, 0] * 9).astype(int)]

        return FeatureMap(ABOUT, lambda samples: samples, classify)


class Painter:
    """Writes the class into each sample, but a 3 for every 8."""

    def sample(self, num, seed, condition):
        assert len(condition) == num
        samples = np.zeros((num, 8, 8, 1), np.float32)
        shown = np.where(condition == 8, 3, condition)
        samples[:] = (shown / 9)[:, None, None, None]
        yield from np.array_split(samples, 3)


def test_one_class_of_ten_comes_out_as_another():
    evaluator = ClassAccuracy(num_samples=50, features=Oracle())
    (accuracy, worst) = evaluator.run(Painter(), DATA)
    assert accuracy[:2] == ("class_accuracy", 0.9)
    assert worst[:2] == ("worst_class_accuracy", 0.0)
    protocol = accuracy[2]
    assert protocol["by_class"] == {
        str(label): float(label != 8) for label in range(10)
    }
    assert protocol["standard_error"] == pytest.approx(np.sqrt(0.09 / 50))
    assert protocol["features"] == ABOUT


def test_fewer_samples_than_classes():
    evaluator = ClassAccuracy(num_samples=4, features=Oracle())
    (accuracy, worst) = evaluator.run(Painter(), DATA)
    assert accuracy[1] == worst[1] == 1.0
    assert list(accuracy[2]["by_class"]) == ["0", "1", "2", "3"]


def test_data_without_labels_and_without_samples():
    message = (
        "`class_accuracy` needs a data set that gives a label with each "
        "sample. Received: Digits, which gives none. Set its `conditional`"
    )
    with pytest.raises(DataError, match=re.escape(message)):
        list(ClassAccuracy(features=Oracle()).run(Painter(), Digits()))
    message = "`num_samples` must be at least 1. Received: num_samples=0."
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        ClassAccuracy(num_samples=0)
