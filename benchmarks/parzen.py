"""The Parzen evaluator beside bare matrix products and scikit-learn.

    python benchmarks/parzen.py            # 10,000 x 10,000 x 784, ten sigmas

Prints seconds, peak memory and the largest difference of the answers. A tree of
scikit-learn's sums inexactly where densities span many magnitudes; it is given
one leaf, and a part of the points, by which its time is scaled up.
"""

import argparse
import resource
import time

import numpy as np
from sklearn.neighbors import KernelDensity

from ganzoo.evaluators.windows import log_likelihoods

SIGMAS = np.geomspace(0.1, 1.0, 10)


def timed(function):
    """Returns what `function` gives, and its seconds."""
    start = time.perf_counter()
    value = function()
    return value, time.perf_counter() - start


def main():
    """Runs the three in one process and prints a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--num", type=int, default=10_000)
    parser.add_argument("--dimensions", type=int, default=784)
    parser.add_argument("--sklearn_points", type=int, default=100)
    chosen = parser.parse_args()
    numbers = np.random.default_rng(0)
    shape = (chosen.num, chosen.dimensions)
    centres = numbers.random(shape, np.float32)
    points = numbers.random(shape, np.float32)

    ours, seconds = timed(lambda: log_likelihoods(points, centres, SIGMAS))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20

    def products():
        for first in range(0, len(points), 500):
            points[first : first + 500] @ centres.T

    _, once = timed(products)
    # One product for each sigma is what the 2014 code did.
    bare = len(SIGMAS) * once
    few = points[: chosen.sklearn_points]

    def scores():
        return np.array(
            [
                KernelDensity(bandwidth=sigma, leaf_size=len(centres) + 1)
                .fit(centres)
                .score_samples(few)
                for sigma in SIGMAS
            ]
        )

    theirs, part = timed(scores)
    full = part * len(points) / len(few)
    difference = np.abs(ours[:, : len(few)] - theirs).max()
    print(f"parzen           {seconds:10.1f} s   peak {peak:.2f} GB")
    print(
        f"matrix products  {bare:10.1f} s   float32, one for each sigma; "
        f"parzen takes {seconds / bare:.2f} of it ({once:.1f} s for one)"
    )
    print(
        f"scikit-learn     {full:10.1f} s   from {len(few)} points; "
        f"{full / seconds:.0f} times as long as parzen"
    )
    print(f"largest difference to scikit-learn: {difference:.2g} nats")


if __name__ == "__main__":
    main()
