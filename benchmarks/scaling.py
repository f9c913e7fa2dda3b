"""What a step of mnist_mlp costs against batch, k and replicas.

    python benchmarks/scaling.py

Algorithm 1 on noise; blocks of each in turn, medians. Two replicas share the
same processor here: what they cost is what distribution itself does.
"""

import os
import pathlib
import statistics
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # As `ganzoo.run` does.
sys.path.insert(0, str(pathlib.Path(__file__).parent / "alternatives"))

import contests
import tensorflow as tf
from ganzoo_games import built

from ganzoo import pipeline
from ganzoo.distribution import strategies

CASES = [(batch, 1, 1) for batch in (50, 100, 200, 400)]
CASES += [(100, k, 1) for k in (2, 5)] + [(100, 1, 2)]
BLOCK_STEPS, NUM_ROUNDS = 10, 5


def steps(batch_size, k, strategy):
    """A function that does a block of steps."""
    with strategy.scope():
        gan, examples = built(
            "mnist_mlp",
            "alternating",
            f"build_gan.discriminator_steps = {k}",
        )
    batches = pipeline.batches(examples, batch_size, k, seed=1)
    iterator = iter(strategy.experimental_distribute_dataset(batches))
    run_steps = gan.make_step_loop()

    def block():
        run_steps(iterator, tf.constant(BLOCK_STEPS))
        gan.step.numpy()

    block()
    return block


def main():
    """Prints a table in Markdown."""
    mirrored = strategies.mirrored(num_cpus=2)
    one = strategies.one_device()
    blocks = {
        case: steps(case[0], case[1], one if case[2] == 1 else mirrored)
        for case in CASES
    }
    times = {case: [] for case in CASES}
    with contests.Others() as others:
        for _ in range(NUM_ROUNDS):
            for case, block in blocks.items():
                start = time.perf_counter()
                block()
                seconds = time.perf_counter() - start
                times[case].append(1e3 * seconds / BLOCK_STEPS)
    medians = {case: statistics.median(found) for case, found in times.items()}
    base = medians[100, 1, 1]
    print("| batch | k | replicas | ms a step | beside batch 100, k = 1 |")
    print("|---:|---:|---:|---:|---:|")
    for (batch, k, replicas), found in medians.items():
        print(
            f"| {batch} | {k} | {replicas} | {found:.1f} | {found / base:.2f} |"
        )
    print(f"Others used {others.share:.0%} of the processors.")


if __name__ == "__main__":
    main()
