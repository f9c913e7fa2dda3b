"""The Parzen evaluator beside a bare matrix product and scikit-learn.

    python benchmarks/parzen.py            # 10,000 x 10,000 x 784, ten sigmas
    python benchmarks/parzen.py --mnist    # the same of digits

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
NUM, DIMENSIONS = 10_000, 784


def uniform():
    """Centres and points without any structure: none is far from all others."""
    numbers = np.random.default_rng(0)
    shape = (NUM, DIMENSIONS)
    return numbers.random(shape, np.float32), numbers.random(shape, np.float32)


def digits():
    """10,000 training images of MNIST as centres, its test images as points."""
    from ganzoo.datasets.tfds_images import Mnist

    mnist = Mnist()
    parts = mnist.examples("train")[:NUM], mnist.examples("test")[:NUM]
    return [np.reshape(part, [NUM, DIMENSIONS]) for part in parts]


def timed(function):
    """Returns what `function` gives, and its seconds."""
    start = time.perf_counter()
    value = function()
    return value, time.perf_counter() - start


def main():
    """Runs the three in one process and prints a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mnist", action="store_true")
    parser.add_argument("--sklearn_points", type=int, default=50)
    chosen = parser.parse_args()
    centres, points = digits() if chosen.mnist else uniform()
    before = peak_memory()

    def product():
        for first in range(0, NUM, 500):
            points[first : first + 500] @ centres.T

    # In turn, and the best of each: what else the machine does is in neither.
    once, seconds = [], []
    for _ in range(3):
        once.append(timed(product)[1])
        ours, took = timed(lambda: log_likelihoods(points, centres, SIGMAS))
        seconds.append(took)
    peak = peak_memory()
    few = points[: chosen.sklearn_points]

    def fits():
        return [
            KernelDensity(bandwidth=sigma, leaf_size=NUM + 1).fit(centres)
            for sigma in SIGMAS
        ]

    fitted, once_for_all = timed(fits)
    theirs, part = timed(lambda: [one.score_samples(few) for one in fitted])
    full = once_for_all + part * NUM / len(few)
    difference = np.abs(ours[:, : len(few)] - np.array(theirs)).max()
    bare, best = min(once), min(seconds)
    print(
        f"parzen          {best:9.1f} s   peak {peak:.2f} GB, of which "
        f"{before:.2f} GB before"
    )
    print(
        f"matrix product  {bare:9.1f} s   float32, one; parzen takes "
        f"{best / bare:.2f} times as long"
    )
    print(
        f"scikit-learn    {full:9.1f} s   from {len(few)} points; "
        f"{full / best:.0f} times as long as parzen"
    )
    print(f"largest difference to scikit-learn: {difference:.2g} nats")


def peak_memory():
    """Of this process so far, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


if __name__ == "__main__":
    main()
