"""Jensen-Shannon divergence on densities known in closed form."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ganzoo.checks import check_counts
from ganzoo.errors import DataError
from ganzoo.evaluators.samples import draw_samples
from ganzoo.randomness import Draws, Segment

# The grid reaches so many standard deviations beyond the outermost modes; what
# falls outside shares one more bin.
_MARGIN = 6.0
_BATCH_SIZE = 10_000


class Divergence:
    """JSD between model and data, and V(D, G) beside its optimum over D.

    Theorem 1 of Goodfellow et al. 2014: max_D V(D, G) = -log 4 + 2 JSD. The JSD
    is that of a histogram of samples and of the data's density on the same
    bins; V is the mean of log D(x) + log(1 - D(G(z))) on fresh draws of both.
    Where D is at its optimum, the gap is 0.

    A histogram of finitely many samples is never quite the density: the
    `noise_floor` of the protocol is the JSD of as many draws of the data.

    Args:
        num_samples: Samples of the model, and draws of the data.
        bins_per_scale: Bins in one standard deviation of a mode.
        seed: Of both.

    Yields:
        (name, value, protocol), in nats, of
            jensen_shannon_divergence  0 to log 2
            value_function             V(D, G), for a model with a discriminator
            value_function_gap         (-log 4 + 2 JSD) - V(D, G)

    Raises:
        ConfigurationError: If a count is not positive.
        DataError: If the data is no mixture in closed form of one or two
            dimensions.
    """

    def __init__(
        self,
        num_samples: int = 100_000,
        bins_per_scale: int = 4,
        seed: int = 0,
    ):
        check_counts(num_samples=num_samples, bins_per_scale=bins_per_scale)
        self.num_samples = num_samples
        self.bins_per_scale = bins_per_scale
        self.seed = seed

    def run(
        self, model: Any, dataset: Any
    ) -> Iterator[tuple[str, float, dict[str, Any]]]:
        """Compares samples of `model` with the density of `dataset`."""
        known = ("means", "scale", "log_density", "sample")
        if not all(hasattr(dataset, name) for name in known) or (
            np.shape(dataset.means)[1] > 2
        ):
            raise DataError(
                "`divergence` needs a mixture in closed form of one or two "
                f"dimensions. Received: {type(dataset).__name__}. Use it with "
                "`gaussian`, `gaussian_ring` or `gaussian_grid`."
            )
        samples = draw_samples(model, dataset, self.num_samples, self.seed)
        draws = Draws(self.seed, segments=[Segment("divergence/data")])
        real = np.asarray(dataset.sample(self.num_samples, draws))
        edges, masses = self._bins(dataset)
        divergence = jensen_shannon(masses, _histogram(samples, edges))
        protocol = {
            "num_samples": self.num_samples,
            "seed": self.seed,
            "bins_per_scale": self.bins_per_scale,
            "num_bins": len(masses),
            "noise_floor": jensen_shannon(masses, _histogram(real, edges)),
        }
        yield (
            "jensen_shannon_divergence",
            divergence,
            {**protocol, "better": "lower"},
        )
        if hasattr(model, "discriminate"):
            value, error = value_function(model, real, samples)
            protocol["standard_error"] = error
            yield "value_function", value, dict(protocol)
            gap = 2 * divergence - math.log(4) - value
            yield "value_function_gap", gap, dict(protocol)

    def _bins(self, dataset: Any) -> tuple[list[np.ndarray], np.ndarray]:
        """Edges along each axis; the data's mass in each bin and outside."""
        means, scale = np.asarray(dataset.means, np.float64), dataset.scale
        width = scale / self.bins_per_scale
        edges = []
        for low, high in zip(means.min(axis=0), means.max(axis=0), strict=True):
            num = math.ceil((high - low + 2 * _MARGIN * scale) / width)
            start = (low + high - num * width) / 2
            edges.append(start + width * np.arange(num + 1))
        centres = np.meshgrid(
            *(axis[:-1] + width / 2 for axis in edges), indexing="ij"
        )
        points = np.stack([axis.ravel() for axis in centres], axis=1)
        log_densities = np.concatenate(
            [
                np.asarray(dataset.log_density(points[i : i + _BATCH_SIZE]))
                for i in range(0, len(points), _BATCH_SIZE)
            ]
        )
        masses = np.exp(log_densities.astype(np.float64))
        return edges, np.append(masses / masses.sum(), 0.0)


def jensen_shannon(p: np.ndarray, q: np.ndarray) -> float:
    """JSD in nats of two distributions over the same bins."""
    mean = (p + q) / 2
    total = 0.0
    for one in (p, q):
        # Half of the smallest positive number is zero.
        present = (one > 0) & (mean > 0)
        total += np.sum(one[present] * np.log(one[present] / mean[present]))
    return float(max(total, 0.0) / 2)


def value_function(
    model: Any, real: np.ndarray, fake: np.ndarray
) -> tuple[float, float]:
    """V(D, G) = mean log D(x) + mean log(1 - D(G(z))), and standard error."""
    terms = []
    for samples, sign in ((real, -1.0), (fake, 1.0)):
        logits = np.concatenate(
            [
                np.asarray(model.discriminate(samples[i : i + _BATCH_SIZE]))
                for i in range(0, len(samples), _BATCH_SIZE)
            ]
        )
        # log D = -softplus(-logit), log(1 - D) = -softplus(logit).
        terms.append(-np.logaddexp(0.0, sign * logits.astype(np.float64)))
    error = math.sqrt(sum(np.var(term) / len(term) for term in terms))
    return float(sum(term.mean() for term in terms)), error


def _histogram(samples: np.ndarray, edges: list[np.ndarray]) -> np.ndarray:
    """Share of samples in each bin, and outside of all."""
    counts, _ = np.histogramdd(samples.astype(np.float64), edges)
    inside = counts.ravel()
    return np.append(inside, len(samples) - inside.sum()) / len(samples)
