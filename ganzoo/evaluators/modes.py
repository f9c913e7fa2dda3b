"""What a model makes of a mixture whose modes are known."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.spatial.distance import cdist
from scipy.stats import chi2

from ganzoo.classifier import Classifier
from ganzoo.errors import ConfigurationError, DataError
from ganzoo.evaluators.class_histogram import class_histogram
from ganzoo.evaluators.samples import draw_samples

# A sample is good within so many standard deviations of its nearest mode.
_GOOD_RADIUS = 3.0


class Modes:
    """Modes found, good samples and the spread within modes of a mixture.

    Of a data set with labels, its classes, as a classifier sees them: see
    `ganzoo.evaluators.class_histogram`. The rest is for mixtures.

    For data sets in closed form: equally likely isotropic Gaussians around
    `means` [modes, d], each with standard deviation `scale`. A sample belongs
    to its nearest mode and is good within three standard deviations of it, as
    in Srivastava et al. 2017 (VEEGAN), https://arxiv.org/abs/1705.07761; there
    one good sample finds a mode, here it takes `min_share`.

    The spread is the standard deviation per dimension of a mode's good samples
    around their own mean, so a mode that collapsed to a point has none,
    wherever the point lies. A Gaussian cut off at three standard deviations
    has F_{d+2}(9) / F_d(9) of the variance of the whole, F_k being the
    distribution function of chi-squared; this factor is divided out.

    Args:
        num_samples: Samples to draw from the model.
        min_share: A mode is found if at least this share of all samples is good
            and belongs to it.
        seed: Seed of the samples.
        features: Of `ganzoo.features`, a classifier. None: one that is trained
            on the data's labels. Without effect on mixtures.

    Yields:
        (name, value, protocol) of
            modes_found                  number of modes
            modes_good_share             good samples / samples
            modes_smallest_share         that of the rarest mode
            modes_kl_divergence          KL(q || uniform) in nats, q being the
                                         share of all samples nearest a mode
            modes_spread_ratio           spread over the found modes / scale
            modes_smallest_spread_ratio  that of the narrowest mode found
            modes_largest_spread_ratio   that of the widest mode found
        The last three are left out where no mode is found. The protocol holds
        num_samples, seed, min_share, good_radius (in standard deviations),
        num_modes, scale, dimensions, and true_good_share, the good share of the
        data itself where modes lie well apart.

    Raises:
        ConfigurationError: If `min_share` does not make two samples.
        DataError: If the data set is no mixture in closed form, or samples
            cannot be used.
    """

    def __init__(
        self,
        num_samples: int = 10_000,
        min_share: float = 0.01,
        seed: int = 0,
        features: Any = None,
    ):
        if not (min_share <= 1 and min_share * num_samples >= 2):
            raise ConfigurationError(
                "`min_share` must be at most 1 and make at least two samples. "
                f"Received: min_share={min_share}, num_samples={num_samples}."
            )
        self.num_samples = num_samples
        self.min_share = min_share
        self.seed = seed
        self.features = features or Classifier()

    def run(
        self, model: Any, dataset: Any
    ) -> Iterator[tuple[str, float, dict[str, Any]]]:
        """Compares samples of `model` with the modes of `dataset`."""
        if hasattr(dataset, "means") and hasattr(dataset, "scale"):
            yield from self._run_on_mixture(model, dataset)
        elif dataset.num_classes and hasattr(dataset, "labels"):
            yield from class_histogram(
                model,
                dataset,
                self.features,
                self.num_samples,
                self.min_share,
                self.seed,
            )
        else:
            raise DataError(
                "`modes` needs a mixture in closed form, a data set with "
                "`means` and `scale`, or one with labels. Received: "
                f"{type(dataset).__name__}. Use it with `gaussian_ring` or "
                "`mnist`."
            )

    def _run_on_mixture(
        self, model: Any, dataset: Any
    ) -> Iterator[tuple[str, float, dict[str, Any]]]:
        means = np.asarray(dataset.means, np.float64)
        num_modes, dimensions = means.shape
        samples = draw_samples(model, dataset, self.num_samples, self.seed)
        samples = samples.reshape(-1, dimensions).astype(np.float64)

        distances = cdist(samples, means)
        nearest = distances.argmin(axis=1)
        is_good = distances.min(axis=1) <= _GOOD_RADIUS * dataset.scale
        all_shares = np.bincount(nearest, minlength=num_modes) / len(samples)
        good_counts = np.bincount(nearest[is_good], minlength=num_modes)
        shares = good_counts / len(samples)
        found = np.flatnonzero(shares >= self.min_share)
        present = all_shares[all_shares > 0]
        results = {
            "modes_found": len(found),
            "modes_good_share": shares.sum(),
            "modes_smallest_share": shares.min(),
            "modes_kl_divergence": np.sum(
                present * np.log(present * num_modes)
            ),
        }
        if len(found):
            members = [samples[is_good & (nearest == mode)] for mode in found]
            results |= _spread_ratios(members, dataset.scale)
        protocol = {
            "num_samples": self.num_samples,
            "seed": self.seed,
            "min_share": self.min_share,
            "good_radius": _GOOD_RADIUS,
            "num_modes": num_modes,
            "scale": float(dataset.scale),
            "dimensions": dimensions,
            "true_good_share": float(chi2.cdf(_GOOD_RADIUS**2, dimensions)),
        }
        for name, value in results.items():
            yield name, float(value), dict(protocol)


def _spread_ratios(members: list[np.ndarray], scale: float) -> dict[str, float]:
    """Spread of the good samples of each mode, relative to the true one."""
    dimensions = members[0].shape[1]
    true_variance = scale**2 * (
        chi2.cdf(_GOOD_RADIUS**2, dimensions + 2)
        / chi2.cdf(_GOOD_RADIUS**2, dimensions)
    )
    variances = np.array(
        [np.var(samples, axis=0, ddof=1).mean() for samples in members]
    )
    degrees = np.array([len(samples) - 1 for samples in members])
    pooled = np.sum(variances * degrees) / np.sum(degrees)
    return {
        "modes_spread_ratio": math.sqrt(pooled / true_variance),
        "modes_smallest_spread_ratio": math.sqrt(
            variances.min() / true_variance
        ),
        "modes_largest_spread_ratio": math.sqrt(
            variances.max() / true_variance
        ),
    }
