"""What a model makes of the hidden part of images that it has not seen."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from ganzoo import example_sets
from ganzoo.checks import check_counts
from ganzoo.conditions import is_masked, map_condition
from ganzoo.errors import DataError
from ganzoo.evaluators.nearest_neighbor import nearest_distances
from ganzoo.evaluators.samples import (
    draw_samples,
    require_finite,
    split_samples,
)


class Completion:
    """Completions of masked examples: exact, different, convincing, new?

    For models of p(x_S | x_not S) on `datasets.masked`: Goodfellow et al. 2014,
    section 7, extension 3. Each of the first images of a split is completed
    several times. Values are compared in [0, 1], over the hidden part alone.

    Args:
        num_images: Images, at most; the first ones count.
        num_completions: Of each image.
        split: That the model was not trained on.
        seed: Of z.

    Yields:
        (name, value, protocol) of
            completion_visible_error    largest difference in the visible part,
                                        in the data's own space: 0 if exact
            completion_diversity        standard deviation of a hidden value
                                        over the completions of an image, root
                                        mean square over images and values
            completion_error            root mean square of a completion less
                                        the original
            completion_error_of_mean    the same of the mean of an image's
                                        completions
            completion_verdict          mean of D at completions; the protocol
                                        holds that at the originals
            completion_neighbor_ratio   median distance of a completed image to
                                        its nearest training example, over that
                                        of the originals; well below 1: copies

    Raises:
        ConfigurationError: If a count is too small.
        DataError: If the data is not masked, or samples cannot be used.
    """

    needs_generator = True

    def __init__(
        self,
        num_images: int = 500,
        num_completions: int = 8,
        split: str = "test",
        seed: int = 0,
    ):
        check_counts(num_images=num_images)
        check_counts(least=2, num_completions=num_completions)
        self.num_images = num_images
        self.num_completions = num_completions
        self.split = split
        self.seed = seed

    def run(
        self, model: Any, dataset: Any
    ) -> Iterator[tuple[str, float, dict[str, Any]]]:
        """Completes images of the split by `model`."""
        originals, condition = self._masked_examples(dataset)
        num = len(originals)
        repeated = {
            name: np.repeat(part, self.num_completions, axis=0)
            for name, part in condition.items()
        }
        completions = draw_samples(
            model, dataset, num * self.num_completions, self.seed, repeated
        )
        visible = repeated["mask"] * (completions - repeated["visible"])
        unit = np.asarray(dataset.to_unit(completions), np.float64)
        unit = unit.reshape(num, self.num_completions, *originals.shape[1:])
        target = np.asarray(dataset.to_unit(originals), np.float64)
        hidden = np.broadcast_to(condition["mask"] == 0, originals.shape)
        of_images = np.asarray(model.discriminate(originals, condition))
        of_completions = np.asarray(model.discriminate(completions, repeated))
        require_finite("Logits", np.append(of_images, of_completions)[:, None])
        train = _flat(dataset.to_unit(split_samples(dataset, "train")))
        held_out = np.median(nearest_distances(_flat(target), train))
        made = np.median(nearest_distances(_flat(unit[:, 0]), train))
        protocol = {
            "num_images": num,
            "num_completions": self.num_completions,
            "split": self.split,
            "seed": self.seed,
            "hidden_share": float(hidden.mean()),
            "verdict_on_originals": float(_sigmoid(of_images).mean()),
            "held_out_distance": float(held_out),
            "outcomes": ["verdict_on_originals", "held_out_distance"],
        }
        values = {
            "visible_error": np.abs(visible).max(),
            "diversity": _root_mean(unit.var(axis=1, ddof=1), hidden),
            "error": _root_mean(
                np.mean((unit - target[:, None]) ** 2, axis=1), hidden
            ),
            "error_of_mean": _root_mean(
                (unit.mean(axis=1) - target) ** 2, hidden
            ),
            "verdict": _sigmoid(of_completions).mean(),
        }
        if held_out > 0:
            values["neighbor_ratio"] = made / held_out
        for name, value in values.items():
            yield f"completion_{name}", float(value), dict(protocol)

    def _masked_examples(self, dataset: Any) -> tuple[np.ndarray, Any]:
        originals, condition = example_sets.first_examples(
            dataset.examples(self.split), self.num_images
        )
        if not is_masked(condition) or dataset.to_unit is None:
            raise DataError(
                "`completion` needs masked images. Received: "
                f"{type(dataset).__name__}, which hides nothing. Use it with "
                "`datasets.masked`."
            )
        return np.asarray(originals), map_condition(np.asarray, condition)


def _root_mean(squares: np.ndarray, where: np.ndarray) -> float:
    return float(np.sqrt(squares[where].mean()))


def _sigmoid(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logits.astype(np.float64)))


def _flat(images: Any) -> np.ndarray:
    return np.reshape(images, [len(images), -1]).astype(np.float64)
