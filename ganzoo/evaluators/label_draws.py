"""Few labels: which training examples have one, in each of several draws."""

import math
import numbers
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from ganzoo.checks import check_counts
from ganzoo.errors import ConfigurationError, DataError
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
            generator = np.random.default_rng([seed, draw])
            order = generator.permutation(len(self.labels))
            ranks = np.empty(len(order), int)
            for label in np.unique(self.labels):
                members = order[self.labels[order] == label]
                ranks[members] = np.arange(len(members))
            # The first of each class, in random order, then the second, ...
            yield order[np.argsort(ranks[order], kind="stable")][:num_labels]


def check_settings(
    num_labels: Sequence[int], num_draws: int, seed: int, **rates: float
) -> tuple[int, ...]:
    """What evaluators with few labels have in common.

    Args:
        num_labels: How many labels will be drawn, in each case.
        num_draws: Draws of the examples that have them.
        seed: Of the draws.
        **rates: Numbers that must be positive.

    Returns:
        `num_labels`.

    Raises:
        ConfigurationError: If a number is out of range, or one of `num_labels`
            stands there twice.
    """
    check_counts(num_draws=num_draws)
    check_counts(least=0, seed=seed)
    for name, rate in rates.items():
        is_number = isinstance(rate, numbers.Real)
        if not is_number or not 0 < rate < math.inf:
            raise ConfigurationError(
                f"`{name}` must be positive. Received: {name}={rate!r}."
            )
    if not isinstance(num_labels, (tuple, list)) or not num_labels:
        raise ConfigurationError(
            "`num_labels` must be a tuple of one number or more. Received: "
            f"num_labels={num_labels!r}. Write `(100,)` for one."
        )
    for num in num_labels:
        check_counts(num_labels=num)
    if len(set(num_labels)) < len(num_labels):
        raise ConfigurationError(
            "`num_labels` must differ, or two results have one name. Received: "
            f"num_labels={tuple(num_labels)}. Leave one out."
        )
    return tuple(num_labels)


def subject(network: str, layer: str | None) -> str:
    """How the names of results call a network, or a layer that was chosen."""
    return network if layer is None else f"{network}_{layer}"


def labelled_data(
    dataset: Any, num_labels: Sequence[int], split: str
) -> LabelledData:
    """The samples of a data set that has classes.

    Args:
        dataset: See `ganzoo.interfaces.Dataset`.
        num_labels: How many labels will be drawn, in each case, checked by
            `check_settings`.
        split: The one that is scored.

    Raises:
        DataError: If there are no labels, or not so many, or so few that a
            class would have none.
    """
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
