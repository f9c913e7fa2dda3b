"""Whether samples of a class are of that class."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ganzoo.checks import check_counts
from ganzoo.classifier import Classifier
from ganzoo.errors import DataError
from ganzoo.evaluators.samples import draw_samples, has_label_condition


class ClassAccuracy:
    """Share of samples that a classifier gives the class they were asked for.

    Of a model of p(x | c), c being a class. Sample i is of class i modulo their
    number. What the classifier reaches on test data bounds what can be said.

    Args:
        num_samples: Samples to draw.
        seed: Of the samples.
        features: Of `ganzoo.features`, a classifier. None: one that is trained
            on the data's labels.

    Yields:
        (name, value, protocol) of
            class_accuracy        0 to 1; the protocol holds that of each class
                                  and, of the classifier, that on test data
            worst_class_accuracy  of the class that comes out worst

    Raises:
        ConfigurationError: If there are no samples.
        DataError: If the data's condition is no label, or samples cannot be
            used.
    """

    needs_generator = True

    def __init__(
        self, num_samples: int = 10_000, seed: int = 0, features: Any = None
    ):
        check_counts(num_samples=num_samples)
        self.num_samples = num_samples
        self.seed = seed
        self.features = features or Classifier()

    def run(
        self, model: Any, dataset: Any
    ) -> Iterator[tuple[str, float, dict[str, Any]]]:
        """Classifies samples of `model`."""
        if not has_label_condition(dataset):
            raise DataError(
                "`class_accuracy` needs a data set that gives a label with "
                f"each sample. Received: {type(dataset).__name__}, which gives "
                "none. Set its `conditional`, or leave the evaluator out."
            )
        num_classes = dataset.num_classes
        labels = np.arange(self.num_samples) % num_classes
        samples = draw_samples(
            model, dataset, self.num_samples, self.seed, labels
        )
        feature_map = self.features.fit(dataset)
        found = feature_map.probabilities(samples).argmax(axis=1)
        accuracies = {
            str(label): float(np.mean(found[labels == label] == label))
            for label in np.unique(labels)
        }
        accuracy = float(np.mean(found == labels))
        spread = math.sqrt(accuracy * (1 - accuracy) / self.num_samples)
        protocol = {
            "num_samples": self.num_samples,
            "seed": self.seed,
            "num_classes": num_classes,
            "features": feature_map.about,
            "by_class": accuracies,
            "outcomes": ["by_class"],
            "better": "higher",
        }
        yield (
            "class_accuracy",
            accuracy,
            {**protocol, "standard_error": spread},
        )
        yield "worst_class_accuracy", min(accuracies.values()), protocol
