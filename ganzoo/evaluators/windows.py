"""The density of Parzen windows: one matrix of distances serves all widths."""

import concurrent.futures
import math
import os

import numpy as np
import numpy.typing as npt
import threadpoolctl

from ganzoo.errors import DataError
from ganzoo.evaluators.samples import require_finite

# Distances that a thread holds at a time: 8 MiB in float64.
_BLOCK_SIZE = 2**20
_MAX_THREADS = 8
# A sum may lack so much, relatively, of terms that are left out: in nats, so
# much of a log-likelihood.
_NEGLIGIBLE = 1e-7


def log_likelihoods(
    points: np.ndarray, centres: np.ndarray, sigmas: npt.ArrayLike
) -> np.ndarray:
    """Log-density at `points` of Parzen windows around `centres`.

    One matrix of distances, made block by block, serves every sigma. Within
    1e-6 nats of what float64 throughout would give.

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
    num_rows = max(1, _BLOCK_SIZE // len(centres))
    blocks = range(0, len(points), num_rows)
    values = np.empty([len(sigmas), len(points)])

    def fill(share: range) -> None:
        block = _Block(min(num_rows, len(points)), extended, sigmas)
        for first in share:
            rows = slice(first, first + num_rows)
            values[:, rows] = block.log_sums(points[rows] - origin)

    num_threads = min(_MAX_THREADS, os.cpu_count() or 1)
    with (
        # A block in each thread, and not a matrix product in all of them.
        threadpoolctl.threadpool_limits(1, "blas"),
        concurrent.futures.ThreadPoolExecutor(num_threads) as threads,
    ):
        list(
            threads.map(
                fill, [blocks[i::num_threads] for i in range(num_threads)]
            )
        )
    log_sigmas = np.log(sigmas * math.sqrt(2 * math.pi))
    dimensions = points.shape[1]
    return values - (math.log(len(centres)) + dimensions * log_sigmas)[:, None]


class _Block:
    """Room for the distances of some points, used again and again.

    Args:
        num_points: At most so many at a time.
        extended_centres: [num_centres, d + 1]; see `log_likelihoods`.
        sigmas: Of the windows.
    """

    def __init__(
        self, num_points: int, extended_centres: np.ndarray, sigmas: np.ndarray
    ):
        self.centres = extended_centres
        self.rates = 1 / (2 * sigmas**2)
        shape = (num_points, len(extended_centres))
        self.distances = np.empty(shape)
        self.excess = np.empty(shape, np.float32)
        self.terms = np.empty(shape, np.float32)
        # Beyond that, all terms together are negligible.
        self.farthest = math.log(len(extended_centres) / _NEGLIGIBLE)

    def log_sums(self, points: np.ndarray) -> np.ndarray:
        """Returns log sum_j exp(-|x - g_j|^2 / (2 sigma^2)), [sigmas, points].

        The nearest centre is nearest under every sigma, so its distance is
        taken out once, in float64. What is left to `exp` is at most 0 and its
        sum at least 1: float32 is exact enough for that, and five times as
        fast.
        """
        num = len(points)
        extended = np.hstack([points, np.ones([num, 1])])
        distances = np.matmul(
            extended, self.centres.T, out=self.distances[:num]
        )
        nearest = distances.min(axis=1, keepdims=True)
        distances -= nearest
        excess = self.excess[:num]
        excess[...] = distances
        nearest = np.maximum(nearest[:, 0] + np.sum(points**2, axis=1), 0.0)
        return np.log(self._sums(excess)) - self.rates[:, None] * nearest

    def _sums(self, excess: np.ndarray) -> np.ndarray:
        """Returns sum_j exp(-rate * excess_j), float64 [rates, points].

        From the widest window on: the narrower, the fewer centres are near
        enough to count, and the others are not looked at again.
        """
        num_points, num_centres = excess.shape
        # Where each row begins among all entries, and among those that are
        # left.
        row_places = starts = np.arange(num_points) * num_centres
        excess, places = excess.ravel(), None
        terms = self.terms.ravel()[: len(excess)]
        sums = np.empty([len(self.rates), num_points])
        for index in np.argsort(self.rates):
            rate = np.float32(self.rates[index])
            is_near = excess < self.farthest / rate
            if np.count_nonzero(is_near) < len(excess) / 2:
                near = np.flatnonzero(is_near)
                places = near if places is None else places[near]
                excess, terms = excess[near], terms[: len(near)]
                starts = np.searchsorted(places, row_places)
            np.multiply(excess, -rate, out=terms)
            np.exp(terms, out=terms)
            sums[index] = np.add.reduceat(terms, starts, dtype=np.float64)
        return sums
