"""How well an inference net goes back from samples to what made them."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from ganzoo import example_sets
from ganzoo.checks import check_counts
from ganzoo.errors import ConfigurationError, DataError
from ganzoo.evaluators.nearest_neighbor import nearest_distances
from ganzoo.evaluators.samples import (
    comparison_space,
    split_samples,
    split_vectors,
    to_vectors,
)


class Reconstruction:
    """Errors of an inference net E: in what it predicts, and in x.

    Goodfellow et al. 2014, section 7, item 2. All are mean squared errors of
    one number: of an entry of z (or of the layer of G that E predicts) for
    samples G(z) of noise that E was not trained on, or of an entry of x (of a
    pixel in [0, 1], where samples are images) between x and G(E(x)). Where the
    data has a condition, G is given that of x.

    Args:
        companion: Name of the inference net.
        num_samples: Draws of z, and at most as many examples of the split.
        split: Of the examples.
        seed: Of z.

    Yields:
        (name, value, protocol) of
            latent_error                  in z, or in the layer
            latent_error_of_mean          of predicting their mean instead
            sample_reconstruction_error   in x, for x = G(z)
            reconstruction_error          in x, for x of the split
            reconstruction_error_of_nearest  of the nearest of `num_samples`
                                          samples in place of G(E(x))
        The last one's baseline is the mean training example. Those in x are
        left out, with a warning, where G cannot go on from what E predicts.

    Raises:
        ConfigurationError: If `num_samples` is not positive.
        DataError: If the model has no such net.
    """

    needs_generator = True

    def __init__(
        self,
        companion: str = "inference",
        num_samples: int = 10_000,
        split: str = "test",
        seed: int = 0,
    ):
        check_counts(num_samples=num_samples)
        self.companion = companion
        self.num_samples = num_samples
        self.split = split
        self.seed = seed

    def run(
        self, model: Any, dataset: Any
    ) -> Iterator[tuple[str, float, dict[str, Any]]]:
        """Reconstructs samples of `model` and examples of the split."""
        if not hasattr(model, "inference"):
            raise DataError(
                "`reconstruction` needs a model with an inference net. "
                f"Received: {type(model).__name__}. Evaluate a game that has "
                "one, not its samples."
            )
        net = model.inference(self.companion)
        latents = np.asarray(model.draw_latents(self.num_samples, self.seed))
        targets = net.target(latents)
        samples = np.asarray(model.generate(latents))
        codes = net.infer(samples)
        examples = split_samples(dataset, self.split, self.num_samples)
        protocol = self._protocol(dataset, len(examples))
        try:
            decoded = net.decode(codes)
        except ConfigurationError as error:  # No part of G goes on from them.
            decoded, protocol["warnings"] = None, [str(error)]
        yield "latent_error", _mean_square(codes, targets), dict(protocol)
        yield (
            "latent_error_of_mean",
            _mean_square(targets, targets.mean(axis=0)),
            dict(protocol),
        )
        if decoded is None:
            return
        _, condition = example_sets.first_examples(
            dataset.examples(self.split), len(examples)
        )
        again = net.decode(net.infer(examples), condition)

        def in_x(first: np.ndarray, second: np.ndarray) -> float:
            pair = (to_vectors(dataset, part) for part in (first, second))
            return _mean_square(*pair)

        vectors = to_vectors(dataset, examples)
        nearest = nearest_distances(
            vectors.astype(np.float64),
            to_vectors(dataset, samples).astype(np.float64),
        )
        yield (
            "sample_reconstruction_error",
            in_x(samples, decoded),
            dict(protocol),
        )
        yield "reconstruction_error", in_x(examples, again), dict(protocol)
        yield (
            "reconstruction_error_of_nearest",
            float(np.mean(nearest**2)) / vectors.shape[1],
            dict(protocol),
        )

    def baselines(
        self, dataset: Any
    ) -> Iterator[tuple[str, float, dict[str, Any]]]:
        """The mean training example in place of every reconstruction."""
        mean = split_vectors(dataset, "train").mean(axis=0, dtype=np.float64)
        examples = split_vectors(dataset, self.split, self.num_samples)
        yield (
            "reconstruction_error_of_mean",
            _mean_square(examples, mean),
            {
                "of": "reconstruction_error",
                "split": self.split,
                "num_examples": len(examples),
                "space": comparison_space(dataset),
            },
        )

    def _protocol(self, dataset: Any, num_examples: int) -> dict[str, Any]:
        return {
            "companion": self.companion,
            "num_samples": self.num_samples,
            "num_examples": num_examples,
            "split": self.split,
            "seed": self.seed,
            "space": comparison_space(dataset),
            "better": "lower",
        }


def _mean_square(first: Any, second: Any) -> float:
    difference = np.asarray(first, np.float64) - np.asarray(second, np.float64)
    return float(np.mean(difference**2))
