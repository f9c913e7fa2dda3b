"""Smoothness of a generator along straight lines between points in z."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ganzoo.checks import check_counts
from ganzoo.errors import DataError
from ganzoo.evaluators.feature_sets import as_features
from ganzoo.features import Pixels


class Interpolation:
    """How even and how direct the way between two samples is.

    G along z_0 + t (z_1 - z_0), t in equal steps, as in Goodfellow et al. 2014,
    Figure 3. A generator that interpolates moves in steps alike; one that has
    learnt examples by heart stands still and jumps.

    Args:
        features: What steps are measured in, see `ganzoo.features`. None:
            pixels.
        num_pairs: Pairs (z_0, z_1).
        num_steps: Steps of each way.
        seed: Of the pairs.

    Yields:
        (name, value, protocol) of
            interpolation_length  mean length of a way
            interpolation_jump    largest step over mean step: 1 is even,
                                  `num_steps` a single jump
            interpolation_detour  length over the distance of the ends; 1 is
                                  direct
        The last two over ways longer than 0, with standard errors; left out
        where there are none.

    Raises:
        ConfigurationError: If there are fewer than two pairs or steps.
        DataError: If the model has no latents to draw, or makes no numbers.
    """

    needs_generator = True

    def __init__(
        self,
        features: Any = None,
        num_pairs: int = 200,
        num_steps: int = 16,
        seed: int = 0,
    ):
        check_counts(least=2, num_pairs=num_pairs, num_steps=num_steps)
        self.features = features or Pixels()
        self.num_pairs = num_pairs
        self.num_steps = num_steps
        self.seed = seed

    def run(
        self, model: Any, dataset: Any
    ) -> Iterator[tuple[str, float, dict[str, Any]]]:
        """Walks between samples of `model`."""
        if not hasattr(model, "draw_latents"):
            raise DataError(
                "`interpolation` needs a model with `draw_latents`. Received: "
                f"{type(model).__name__}. Evaluate a game, not its samples."
            )
        feature_map = self.features.fit(dataset)
        ends = np.asarray(model.draw_latents(2 * self.num_pairs, self.seed))
        first, last = ends[: self.num_pairs], ends[self.num_pairs :]
        points = np.stack(
            [
                as_features(
                    "`samples`",
                    feature_map,
                    np.asarray(model.generate(first + t * (last - first))),
                )
                for t in np.linspace(0, 1, self.num_steps + 1)
            ]
        )  # [steps + 1, pairs, depth]
        steps = np.linalg.norm(np.diff(points, axis=0), axis=2)
        lengths = steps.sum(axis=0)
        distances = np.linalg.norm(points[-1] - points[0], axis=1)
        protocol = {
            "num_pairs": self.num_pairs,
            "num_steps": self.num_steps,
            "seed": self.seed,
            "features": feature_map.about,
        }
        yield "interpolation_length", float(lengths.mean()), dict(protocol)
        moving = (lengths > 0) & (distances > 0)
        if moving.sum() > 1:
            jumps = (
                steps.max(axis=0)
                * self.num_steps
                / np.maximum(lengths, np.finfo(float).tiny)
            )
            for name, values in [
                ("jump", jumps[moving]),
                ("detour", lengths[moving] / distances[moving]),
            ]:
                error = np.std(values, ddof=1) / math.sqrt(len(values))
                yield (
                    f"interpolation_{name}",
                    float(values.mean()),
                    {
                        **protocol,
                        "standard_error": float(error),
                        "num_moving": int(moving.sum()),
                        "outcomes": ["num_moving"],
                    },
                )
