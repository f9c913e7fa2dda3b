"""What a network has learnt without labels, for a classifier with few."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from ganzoo.evaluators.label_draws import (
    LabelledData,
    check_settings,
    labelled_data,
    require_networks,
    spread,
    subject,
)
from ganzoo.evaluators.samples import require_finite, to_vectors
from ganzoo.features import in_batches

_MAX_ITERATIONS = 1_000


class SemiSupervised:
    """Accuracy of logistic regression on a network's features, few labels.

    Goodfellow et al. 2014, section 7, item 4. Features are the outputs of a
    layer of D, or of an inference net, which have seen all training examples
    or samples and no label. They are divided by one number, so that their
    mean squared length is 1 over the labelled examples, as pixels are.

    Args:
        num_labels: How many labels there are, in each case.
        num_draws: Draws of the examples that have them, the same for every
            network and for pixels.
        network: "discriminator", or the name of an inference net.
        layer: Of the network. None: what its last one with weights takes.
        inverse_penalty: C of scikit-learn's LogisticRegression.
        split: The one that is scored.
        seed: Of the draws.

    Yields:
        (name, value, protocol) of <network>_accuracy_<num>_labels, or
        <network>_<layer>_accuracy_<num>_labels where a layer is chosen: the
        mean over draws, with its standard error; for its baseline the same of
        pixels.

    Raises:
        ConfigurationError: If a number is out of range or a layer is unknown.
        DataError: If the data has no labels or not so many, or if the model
            has no such network.
    """

    needs_generator = True
    ignores_averages = True

    def __init__(
        self,
        num_labels: Sequence[int] = (100, 300, 1_000, 3_000),
        num_draws: int = 5,
        network: str = "discriminator",
        layer: str | None = None,
        inverse_penalty: float = 10.0,
        split: str = "test",
        seed: int = 0,
    ):
        self.num_labels = check_settings(
            num_labels, num_draws, seed, inverse_penalty=inverse_penalty
        )
        self.num_draws = num_draws
        self.network = network
        self.layer = layer
        self.inverse_penalty = inverse_penalty
        self.split = split
        self.seed = seed

    def run(
        self, model: Any, dataset: Any
    ) -> Iterator[tuple[str, float, dict[str, Any]]]:
        """Classifies by the features of `model`'s network."""
        require_networks("semi_supervised", model)
        data = labelled_data(dataset, self.num_labels, self.split)
        trunk = model.trunk(self.network, self.layer)

        def features(samples: np.ndarray) -> np.ndarray:
            found = in_batches(lambda x: trunk(x, training=False), samples)
            return found.reshape(len(found), -1)

        for num, value, protocol in self._accuracies(data, features):
            yield (
                f"{self._subject}_accuracy_{num}_labels",
                value,
                {**protocol, "network": self.network, "layer": self.layer},
            )

    def baselines(
        self, dataset: Any
    ) -> Iterator[tuple[str, float, dict[str, Any]]]:
        """The same classifier on pixels."""
        data = labelled_data(dataset, self.num_labels, self.split)
        for num, value, protocol in self._accuracies(
            data, lambda samples: to_vectors(dataset, samples)
        ):
            of = f"{self._subject}_accuracy_{num}_labels"
            yield f"pixel_accuracy_{num}_labels", value, {**protocol, "of": of}

    @property
    def _subject(self) -> str:
        return subject(self.network, self.layer)

    def _accuracies(
        self, data: LabelledData, features: Callable[[np.ndarray], np.ndarray]
    ) -> Iterator[tuple[int, float, dict[str, Any]]]:
        """(number of labels, mean accuracy, protocol) of each case."""
        test = features(data.test_samples)
        require_finite("Features", test)
        for num in self.num_labels:
            accuracies = []
            for rows in data.draws(num, self.num_draws, self.seed):
                known = features(data.samples[rows])
                scale = _root_mean_square_length(known)
                classifier = LogisticRegression(
                    C=self.inverse_penalty, max_iter=_MAX_ITERATIONS
                ).fit(known / scale, data.labels[rows])
                accuracies.append(
                    classifier.score(test / scale, data.test_labels)
                )
            protocol = {
                "num_labels": num,
                "num_draws": self.num_draws,
                "depth": test.shape[1],
                "classifier": "logistic regression",
                "inverse_penalty": self.inverse_penalty,
                "split": self.split,
                "num_test": len(test),
                "seed": self.seed,
                **spread(accuracies),
            }
            yield num, float(np.mean(accuracies)), protocol


def _root_mean_square_length(features: np.ndarray) -> float:
    """Over the rows; never quite 0."""
    squares = np.sum(np.square(features, dtype=np.float64), axis=1)
    return float(np.sqrt(squares.mean()) + np.finfo(np.float64).tiny)
