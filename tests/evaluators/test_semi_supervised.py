import re

import keras
import numpy as np
import pytest
from arrays import ArrayDataset, ArrayModel
from sklearn.linear_model import LogisticRegression

from ganzoo.errors import ConfigurationError, DataError
from ganzoo.evaluators.fine_tuning import FineTuning
from ganzoo.evaluators.label_draws import LabelledData
from ganzoo.evaluators.semi_supervised import SemiSupervised
from ganzoo.layers import Dropout

NUM_CLASSES = 3


class Labelled(ArrayDataset):
    """Points around one centre for each class, far from each other or not."""

    num_classes = NUM_CLASSES

    def __init__(self, spread):
        self.classes = {"train": np.arange(90) % 3, "test": np.arange(60) % 3}
        numbers = np.random.default_rng(0)
        centres = np.array([[1.0, 0, 0, 0], [0, 1.0, 0, 0], [0, 0, 1.0, 0]])
        super().__init__(
            **{
                split: np.float32(
                    centres[labels]
                    + spread * numbers.normal(size=(len(labels), 4))
                )
                for split, labels in self.classes.items()
            }
        )
        self.to_unit = None

    def labels(self, split):
        return self.classes[split]


class Cut:
    """A model whose discriminator's features are the sample, times `scale`."""

    def __init__(self, scale=3.0):
        samples = keras.Input((4,))
        hidden = keras.layers.Dense(4, use_bias=False, name="seen")(samples)
        self.network = keras.Model(samples, Dropout(0.2)(hidden))
        self.network.set_weights([scale * np.eye(4)])
        self.asked = []

    def trunk(self, network, layer):
        self.asked.append((network, layer))
        copy = keras.models.clone_model(self.network)
        copy.set_weights(self.network.get_weights())
        return copy


def test_accuracies_are_those_of_scikit_learn_on_the_same_draws():
    data = Labelled(spread=0.6)
    model = Cut()
    evaluator = SemiSupervised(
        num_labels=(6, 30), num_draws=3, layer="seen", seed=4
    )
    found = list(evaluator.run(model, data))
    train, labels = data.splits["train"], data.labels("train")
    labelled = LabelledData(train, labels, train, labels)
    for (name, value, protocol), num in zip(found, (6, 30), strict=True):
        accuracies = []
        for rows in labelled.draws(num, 3, seed=4):
            x = train[rows]
            scale = np.sqrt(np.mean(np.sum(np.float64(x) ** 2, axis=1)))
            classifier = LogisticRegression(C=10.0, max_iter=1000)
            classifier.fit(x / scale, labels[rows])
            accuracies.append(
                classifier.score(
                    data.splits["test"] / scale, data.labels("test")
                )
            )
        assert name == f"discriminator_seen_accuracy_{num}_labels"
        assert value == pytest.approx(np.mean(accuracies))
        assert protocol["accuracies"] == pytest.approx(accuracies)
        assert protocol["standard_error"] == pytest.approx(
            np.std(accuracies, ddof=1) / np.sqrt(3)
        )
    assert set(model.asked) == {("discriminator", "seen")}
    # The features are the samples times 3: pixels must score the same.
    pixels = list(evaluator.baselines(data))
    assert [v for _, v, _ in pixels] == pytest.approx([v for _, v, _ in found])
    assert [(n, p["of"]) for n, _, p in pixels] == [
        (
            f"pixel_accuracy_{n}_labels",
            f"discriminator_seen_accuracy_{n}_labels",
        )
        for n in (6, 30)
    ]


@pytest.mark.parametrize("evaluator", [SemiSupervised, FineTuning])
def test_layers_are_told_apart_by_their_names(evaluator):
    data, model = Labelled(spread=0.1), Cut()
    rest = {"num_draws": 1}
    if evaluator is FineTuning:
        rest["num_steps"] = 1
    names = [
        {
            name
            for name, _, _ in evaluator((6,), layer=layer, **rest).run(
                model, data
            )
        }
        for layer in (None, "seen")
    ]
    assert any("discriminator_accuracy_6" in name for name in names[0])
    assert any("discriminator_seen_accuracy_6" in name for name in names[1])
    assert not names[0] & names[1]


@pytest.mark.parametrize(
    ("evaluator", "settings", "message"),
    [
        (evaluator, *case)
        for evaluator in (SemiSupervised, FineTuning)
        for case in (
            (
                {"num_labels": 100},
                "`num_labels` must be a tuple of one number or more. Received: "
                "num_labels=100. Write `(100,)` for one.",
            ),
            (
                {"num_labels": ()},
                "`num_labels` must be a tuple of one number or more. Received: "
                "num_labels=().",
            ),
            (
                {"num_labels": (100.5,)},
                "`num_labels` must be an integer. Received: num_labels=100.5.",
            ),
            (
                {"num_labels": (100, 0)},
                "`num_labels` must be at least 1. Received: num_labels=0.",
            ),
            (
                {"num_labels": (100, 300, 100)},
                "`num_labels` must differ, or two results have one name. "
                "Received: num_labels=(100, 300, 100). Leave one out.",
            ),
            (
                {"seed": -1},
                "`seed` must be at least 0. Received: seed=-1.",
            ),
            (
                {"num_draws": 2.5},
                "`num_draws` must be an integer. Received: num_draws=2.5.",
            ),
        )
    ]
    + [
        (
            evaluator,
            {name: value},
            f"`{name}` must be positive. Received: {name}={value!r}.",
        )
        for evaluator, name in (
            (SemiSupervised, "inverse_penalty"),
            (FineTuning, "learning_rate"),
        )
        for value in (-1, 0.0, np.nan, np.inf, "0.1")
    ],
)
def test_settings_out_of_range_are_refused(evaluator, settings, message):
    with pytest.raises(ConfigurationError, match=f"^{re.escape(message)}"):
        evaluator(**settings)


def test_draws_are_balanced_nested_and_repeatable():
    labels = np.array([0] * 50 + [1] * 30 + [2] * 5)
    data = LabelledData(labels, labels, labels, labels)
    few, many = (list(data.draws(num, 4, seed=1)) for num in (9, 60))
    for small, large in zip(few, many, strict=True):
        assert np.bincount(labels[small]).tolist() == [3, 3, 3]
        # All five of the rare class, the rest in equal numbers.
        counts = np.bincount(labels[large])
        assert counts[2] == 5
        assert abs(counts[0] - counts[1]) <= 1
        np.testing.assert_array_equal(large[:9], small)
        assert len(set(large)) == 60
    assert not np.array_equal(few[0], few[1])
    again = list(data.draws(9, 4, seed=1))
    np.testing.assert_array_equal(again, few)
    other = list(data.draws(9, 4, seed=2))
    assert not np.array_equal(other, few)


def test_fine_tuning_learns_repeats_itself_and_moves_no_one_else():
    data, model = Labelled(spread=0.1), Cut()
    before = model.network.get_weights()
    evaluator = FineTuning((6,), num_draws=1, num_steps=60, learning_rate=0.05)
    results = list(evaluator.run(model, data))
    assert [name for name, _, _ in results] == [
        "fine_tuned_discriminator_accuracy_6_labels",
        "untrained_discriminator_accuracy_6_labels",
    ]
    tuned, untrained = (value for _, value, _ in results)
    assert tuned == 1.0
    assert untrained > 0.9
    assert list(evaluator.run(model, data)) == results
    np.testing.assert_array_equal(model.network.get_weights(), before)


def test_a_linear_head_is_trained_as_derived_by_hand():
    """One step of Adam moves every weight by its rate, against the gradient."""
    data, model = Labelled(spread=0.3), Cut()
    network = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(3, kernel_initializer="zeros")]
    )
    evaluator = FineTuning(num_labels=(90,), num_steps=1, learning_rate=0.25)
    rows = np.arange(90)
    labelled = LabelledData(
        *(f(s) for s in ("train", "test") for f in (data.examples, data.labels))
    )
    evaluator._accuracy(network, labelled, rows, seed=0)
    x, labels = np.float64(data.splits["train"]), data.labels("train")
    # Softmax of zeros is 1/3: the gradient of cross-entropy at the logits.
    gradient = x.T @ (1 / 3 - np.eye(3)[labels])
    np.testing.assert_allclose(
        network.get_weights()[0], -0.25 * np.sign(gradient), atol=1e-3
    )
    assert model.asked == []


@pytest.mark.parametrize("evaluator", [SemiSupervised, FineTuning])
def test_data_without_or_with_too_few_labels_is_refused(evaluator):
    data = Labelled(spread=0.1)
    name = {SemiSupervised: "semi_supervised", FineTuning: "fine_tuning"}
    plain = ArrayDataset(train=np.zeros((9, 4)), test=np.zeros((9, 4)))
    with pytest.raises(
        DataError,
        match=re.escape(
            "Semi-supervised learning needs a data set with labels. Received: "
            "ArrayDataset, which has none."
        ),
    ):
        list(evaluator().run(Cut(), plain))
    for num_labels in ((2, 30), (30, 91)):
        with pytest.raises(
            DataError,
            match=re.escape(
                "`num_labels` must be enough for one of each class, and no "
                "more than there are: from 3 to 90. Received: num_labels="
                f"{num_labels}."
            ),
        ):
            list(evaluator(num_labels=num_labels).run(Cut(), data))
    with pytest.raises(
        ConfigurationError,
        match=re.escape("`num_draws` must be at least 1. Received: num_draws="),
    ):
        evaluator(num_draws=0)
    with pytest.raises(
        DataError,
        match=re.escape(
            f"`{name[evaluator]}` needs a model whose networks can be cut. "
            "Received: ArrayModel. Evaluate a game, not its samples."
        ),
    ):
        list(evaluator().run(ArrayModel(np.zeros((3, 4))), data))
