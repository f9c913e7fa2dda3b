"""A network with a new head, trained further on few labels."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ganzoo import randomness
from ganzoo.checks import check_counts
from ganzoo.evaluators.label_draws import (
    LabelledData,
    check_settings,
    labelled_data,
    require_networks,
    spread,
    subject,
)
from ganzoo.features import in_batches


class FineTuning:
    """Accuracy of D without its last layer, with a new head, on few labels.

    Goodfellow et al. 2014, section 7, item 4; `recapitate_discriminator` of the
    2014 code. A copy of the network and a linear layer on top are trained by
    Adam on the labelled examples, the network's own dropout on; the same
    network from new initial weights is trained beside it.

    Args:
        num_labels: How many labels there are, in each case.
        num_draws: Draws of the examples that have them: those of
            `semi_supervised`.
        network: "discriminator", or the name of an inference net.
        layer: On whose output the head is put. None: what the last one with
            weights takes.
        num_steps: Of training.
        batch_size: Labelled examples in a step, or all where there are fewer.
        learning_rate: Of Adam.
        split: The one that is scored.
        seed: Of the draws, of new weights, batches and masks.

    Yields:
        (name, value, protocol) of
            fine_tuned_<network>_accuracy_<num>_labels
            untrained_<network>_accuracy_<num>_labels  from new weights
        each the mean over draws, with its standard error; where a layer is
        chosen, <network>_<layer>.

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
        num_steps: int = 500,
        batch_size: int = 100,
        learning_rate: float = 0.001,
        split: str = "test",
        seed: int = 0,
    ):
        check_counts(num_steps=num_steps, batch_size=batch_size)
        self.num_labels = check_settings(
            num_labels, num_draws, seed, learning_rate=learning_rate
        )
        self.num_draws = num_draws
        self.network = network
        self.layer = layer
        self.num_steps = num_steps
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.split = split
        self.seed = seed

    def run(
        self, model: Any, dataset: Any
    ) -> Iterator[tuple[str, float, dict[str, Any]]]:
        """Fine-tunes copies of `model`'s network."""
        require_networks("fine_tuning", model)
        data = labelled_data(dataset, self.num_labels, self.split)
        for num in self.num_labels:
            found: dict[str, list[float]] = {"fine_tuned": [], "untrained": []}
            rows_of_draws = data.draws(num, self.num_draws, self.seed)
            for draw, rows in enumerate(rows_of_draws):
                seed = self.seed + draw
                keras.utils.set_random_seed(seed)
                trunk = model.trunk(self.network, self.layer)
                tuned = _with_head(trunk, dataset.num_classes)
                for name, network in (
                    ("fine_tuned", tuned),
                    ("untrained", keras.models.clone_model(tuned)),
                ):
                    accuracy = self._accuracy(network, data, rows, seed)
                    found[name].append(accuracy)
            what = subject(self.network, self.layer)
            for name, accuracies in found.items():
                yield (
                    f"{name}_{what}_accuracy_{num}_labels",
                    float(np.mean(accuracies)),
                    {**self._protocol(num, data), **spread(accuracies)},
                )

    def _protocol(self, num: int, data: LabelledData) -> dict[str, Any]:
        return {
            "num_labels": num,
            "num_draws": self.num_draws,
            "network": self.network,
            "layer": self.layer,
            "num_steps": self.num_steps,
            "batch_size": min(self.batch_size, num),
            "learning_rate": self.learning_rate,
            "split": self.split,
            "num_test": len(data.test_labels),
            "seed": self.seed,
        }

    def _accuracy(
        self,
        network: keras.Model,
        data: LabelledData,
        rows: np.ndarray,
        seed: int,
    ) -> float:
        """Trains the network; its share of right classes after that."""
        step = _training_step(network, self.learning_rate, seed)
        numbers = np.random.default_rng(seed)
        size = min(self.batch_size, len(rows))
        for number in range(self.num_steps):
            batch = numbers.choice(rows, size, replace=False)
            step(
                tf.cast(data.samples[batch], randomness.variable_dtype()),
                tf.cast(data.labels[batch], tf.int64),
                tf.constant(number),
            )
        logits = in_batches(
            lambda samples: network(samples, training=False), data.test_samples
        )
        return float(np.mean(logits.argmax(axis=1) == data.test_labels))


def _training_step(
    network: keras.Model, learning_rate: float, seed: int
) -> Callable[..., None]:
    """(samples, labels, number of the step) -> None: one step of Adam."""
    randomness.adopt(network)
    optimizer = keras.optimizers.Adam(learning_rate)
    optimizer.build(network.trainable_variables)

    def step(samples: tf.Tensor, labels: tf.Tensor, number: tf.Tensor) -> None:
        draws = randomness.Draws(seed, number)
        with randomness.scope(draws), tf.GradientTape() as tape:
            logits = network(samples, training=True)
            losses = keras.losses.sparse_categorical_crossentropy(
                labels, logits, from_logits=True
            )
            loss = tf.reduce_mean(losses) + sum(network.losses)
        weights = network.trainable_variables
        optimizer.apply_gradients(
            zip(tape.gradient(loss, weights), weights, strict=True)
        )

    signature = [
        tf.TensorSpec(network.input_shape, randomness.variable_dtype()),
        tf.TensorSpec([None], tf.int64),
        tf.TensorSpec([], tf.int32),
    ]
    graph = tf.function(step, signature, autograph=False)
    return graph.get_concrete_function()


def _with_head(trunk: keras.Model, num_classes: int) -> keras.Model:
    """The network up to its features, and a linear layer: logits [B, C]."""
    features = keras.layers.Flatten(name="flat_features")(trunk.outputs[0])
    logits = keras.layers.Dense(num_classes, name="head")(features)
    return keras.Model(trunk.inputs[0], logits)
