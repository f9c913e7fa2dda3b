"""The density of Parzen windows: one matrix of distances serves all widths."""

import math

import numpy as np
import numpy.typing as npt

from ganzoo.errors import DataError
from ganzoo.evaluators.samples import require_finite

# Distances that are held at a time: 32 MiB in float64.
_BLOCK_SIZE = 2**22


def log_likelihoods(
    points: np.ndarray, centres: np.ndarray, sigmas: npt.ArrayLike
) -> np.ndarray:
    """Log-density at `points` of Parzen windows around `centres`.

    One matrix of distances, made block by block, serves every sigma.

    Args:
        points: Array [num_points, d].
        centres: Array [num_centres, d].
        sigmas: Standard deviations of the windows.

    Returns:
        float64 [num_sigmas, num_points], in nats.

    Raises:
        DataError: If an array is not finite or the shapes do not agree.
    """
    points, centres = np.asarray(points), np.asarray(centres)
    if (
        points.ndim != 2
        or centres.ndim != 2
        or points.shape[1] != centres.shape[1]
        or not len(centres)
    ):
        raise DataError(
            "`points` and `centres` must be rows of one length. Received: "
            f"shapes {points.shape} and {centres.shape}. Flatten examples."
        )
    require_finite("`points`", points)
    require_finite("`centres`", centres)
    origin = centres.mean(axis=0, dtype=np.float64)
    # With |g|^2 as one more coordinate, the product alone gives
    # |g|^2 - 2 x.g = |x - g|^2 - |x|^2: no further pass over the block.
    extended = np.empty([len(centres), centres.shape[1] + 1])
    shifted = extended[:, :-1]
    np.subtract(centres, origin, out=shifted)
    extended[:, -1] = np.einsum("ij,ij->i", shifted, shifted)
    shifted *= -2.0
    sigmas = np.asarray(sigmas, np.float64)
    values = np.empty([len(sigmas), len(points)])
    num_rows = max(1, _BLOCK_SIZE // len(centres))
    for first in range(0, len(points), num_rows):
        rows = slice(first, first + num_rows)
        values[:, rows] = _block_log_sums(
            points[rows] - origin, extended, sigmas
        )
    log_sigmas = np.log(sigmas * math.sqrt(2 * math.pi))
    dimensions = points.shape[1]
    return values - (math.log(len(centres)) + dimensions * log_sigmas)[:, None]


def _block_log_sums(
    points: np.ndarray, extended_centres: np.ndarray, sigmas: np.ndarray
) -> np.ndarray:
    """Returns log sum_j exp(-|x - g_j|^2 / (2 sigma^2)), [sigmas, points].

    The nearest centre is nearest under every sigma, so its distance is taken
    out once, in float64. What is left to `exp` is at most 0 and its sum at
    least 1: float32 is exact enough for that, and five times as fast.
    """
    ones = np.ones([len(points), 1])
    distances = np.hstack([points, ones]) @ extended_centres.T
    nearest = distances.min(axis=1, keepdims=True)
    distances -= nearest
    excess = distances.astype(np.float32)
    nearest = np.maximum(nearest[:, 0] + np.sum(points**2, axis=1), 0.0)
    terms = np.empty_like(excess)
    log_sums = np.empty([len(sigmas), len(points)])
    for index, sigma in enumerate(sigmas):
        rate = 1 / (2 * sigma**2)
        np.multiply(excess, np.float32(-rate), out=terms)
        np.exp(terms, out=terms)
        log_sums[index] = np.log(terms.sum(axis=1)) - rate * nearest
    return log_sums
