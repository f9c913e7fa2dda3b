"""Few labels: which training examples have one, in each of several draws."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from ganzoo.errors import DataError
from ganzoo.evaluators.feature_sets import check_counts
from ganzoo.evaluators.samples import split_samples


class LabelledData(NamedTuple):
    """A data set's samples with their classes.

    Attributes:
        samples: Of the training split, [num, *sample_shape].
        labels: int [num].
        test_samples: Of the split that is scored.
        test_labels: int [num_test].
    """

    samples: np.ndarray
    labels: np.ndarray
    test_samples: np.ndarray
    test_labels: np.ndarray

    def draws(
        self, num_labels: int, num_draws: int, seed: int
    ) -> Iterator[np.ndarray]:
        """Rows of the training split, `num_labels` in each draw.

        Classes come in equal numbers as far as that goes; a draw of fewer
        labels is a part of the draw of more.
        """
        for draw in range(num_draws):
            numbers = np.random.default_rng([seed, draw])
            order = numbers.permutation(len(self.labels))
            ranks = np.empty(len(order), int)
            for label in np.unique(self.labels):
                members = order[self.labels[order] == label]
                ranks[members] = np.arange(len(members))
            # The first of each class, in random order, then the second, ...
            yield order[np.argsort(ranks[order], kind="stable")][:num_labels]


def labelled_data(
    dataset: Any, num_labels: Sequence[int], split: str
) -> LabelledData:
    """The samples of a data set that has classes.

    Args:
        dataset: See `ganzoo.interfaces.Dataset`.
        num_labels: How many labels will be drawn, in each case.
        split: The one that is scored.

    Raises:
        ConfigurationError: If `num_labels` is empty or not positive.
        DataError: If there are no labels, or not so many, or so few that a
            class would have none.
    """
    check_counts(num_labels=min(num_labels, default=0))
    if not (dataset.num_classes and hasattr(dataset, "labels")):
        raise DataError(
            "Semi-supervised learning needs a data set with labels. Received: "
            f"{type(dataset).__name__}, which has none. Choose another."
        )
    labels = np.asarray(dataset.labels("train"))
    if min(num_labels) < dataset.num_classes or max(num_labels) > len(labels):
        raise DataError(
            "`num_labels` must be enough for one of each class, and no more "
            f"than there are: from {dataset.num_classes} to {len(labels)}. "
            f"Received: num_labels={tuple(num_labels)}."
        )
    return LabelledData(
        split_samples(dataset, "train"),
        labels,
        split_samples(dataset, split),
        np.asarray(dataset.labels(split)),
    )


def require_networks(evaluator: str, model: Any) -> None:
    """Raises DataError if a model has no networks that can be cut."""
    if not hasattr(model, "trunk"):
        raise DataError(
            f"`{evaluator}` needs a model whose networks can be cut. Received: "
            f"{type(model).__name__}. Evaluate a game, not its samples."
        )


def spread(accuracies: Sequence[float]) -> dict[str, Any]:
    """What a protocol says of the accuracies of several draws."""
    found: dict[str, Any] = {
        "accuracies": list(accuracies),
        "outcomes": ["accuracies"],
        "better": "higher",
    }
    if len(accuracies) > 1:
        deviation = float(np.std(accuracies, ddof=1))
        found["standard_deviation"] = deviation
        found["standard_error"] = deviation / len(accuracies) ** 0.5
        found["outcomes"].append("standard_deviation")
    return found
