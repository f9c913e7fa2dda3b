"""Do replicas and workers compute what one device does, and what does it cost?

    python benchmarks/exactness.py table
    python benchmarks/exactness.py cost

`table` trains each recipe for 20 steps in every cell, by the command line, and
prints the largest difference of a weight from one device at the same global
batch. `cost` prints steps per second with ganzoo's random numbers and with
Keras' stateful ones, the two taking turns in one process.
"""

import argparse
import contextlib
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).parents[1]
RECIPES = ("gin/digits_mlp.gin", "benchmarks/batch_norm_conv.gin")
_MIRRORED = "experiment.strategy = @strategies.mirrored()"
_WORKERS = "experiment.strategy = @strategies.multi_worker()"
CELLS = {
    "one device": ([], 0),
    "mirrored x1": ([_MIRRORED, "strategies.mirrored.num_cpus = 1"], 0),
    "mirrored x2": ([_MIRRORED, "strategies.mirrored.num_cpus = 2"], 0),
    "1 worker": ([_WORKERS], 1),
    "2 workers": ([_WORKERS], 2),
}
_SGD = [
    f"build_gan.{player}_optimizer = @{player}/optimizers.sgd()"
    for player in ("generator", "discriminator")
]
SETTINGS = {
    "float64, Adam": ["experiment.dtype_policy = 'float64'"],
    "float32, Adam": [],
    "float32, SGD": [
        *_SGD,
        "optimizers.sgd.learning_rate = 0.05",
        "optimizers.sgd.momentum = 0.5",
    ],
}
BATCH_SIZE = 100
LATENT_DIM = 100
STEPS_PER_TURN = 20
NUM_TURNS = 15


def train(recipe, cell, setting, run_dir, num_steps):
    """Trains one cell of the table; the arrays of its last checkpoint."""
    from ganzoo.storage import checkpoint_files

    params, num_workers = CELLS[cell]
    command = [
        sys.executable,
        "-m",
        "ganzoo.run",
        f"--gin_file={ROOT / recipe}",
        "--mode=train",
        f"--workers={num_workers}",
        f"--run_dir={run_dir}",
        f"--gin_param=train.num_steps = {num_steps}",
        *(f"--gin_param={param}" for param in SETTINGS[setting] + params),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    folder = pathlib.Path(run_dir, "checkpoints", f"step-{num_steps:08d}")
    return checkpoint_files.read(folder)[0]


def difference(arrays, others):
    """The largest of any weight of either network or of the averages."""
    groups = ("generator/", "discriminator/", "generator_ema/")
    return max(
        float(abs(arrays[name].astype("float64") - others[name]).max())
        for name in arrays
        if name.startswith(groups)
    )


def table(num_steps):
    """Prints the table, in Markdown."""
    print(f"| recipe | numbers | {' | '.join(list(CELLS)[1:])} |")
    print("|---" * (len(CELLS) + 1) + "|")
    for recipe in RECIPES:
        for setting in SETTINGS:
            with tempfile.TemporaryDirectory() as folder:
                arrays = {
                    cell: train(
                        recipe,
                        cell,
                        setting,
                        pathlib.Path(folder, str(index)),
                        num_steps,
                    )
                    for index, cell in enumerate(CELLS)
                }
            one = arrays.pop("one device")
            found = [
                f"{difference(one, other):.1e}" for other in arrays.values()
            ]
            name = pathlib.Path(recipe).stem
            print(f"| {name} | {setting} | {' | '.join(found)} |", flush=True)


class StatefulUniform:
    """A prior that asks TensorFlow's own stateful generator."""

    latent_dim = LATENT_DIM

    def __call__(self, draws, num):
        import tensorflow as tf

        return tf.random.uniform([num, self.latent_dim], -(3**0.5), 3**0.5)


def step_loop(strategy, is_exact):
    """The MNIST nets of the 2014 paper, ready to step."""
    import numpy as np

    from ganzoo import pipeline, randomness
    from ganzoo.discriminators import maxout_mlp
    from ganzoo.gan import Gan
    from ganzoo.generators import mlp
    from ganzoo.latents import Uniform
    from ganzoo.losses.non_saturating import NonSaturating
    from ganzoo.optimizers import SGD

    images = np.random.default_rng(0).uniform(size=(2000, 28, 28, 1))
    with strategy.scope():
        gan = Gan(
            mlp.build_generator(
                (28, 28, 1), LATENT_DIM, hidden_units=(1200, 1200)
            ),
            maxout_mlp.build_discriminator((28, 28, 1)),
            Uniform(LATENT_DIM) if is_exact else StatefulUniform(),
        )
        gan.compile(SGD(0.1, 0.5), SGD(0.1, 0.5), [NonSaturating()])
    batches = pipeline.batches(images.astype("float32"), BATCH_SIZE)
    iterator = iter(strategy.experimental_distribute_dataset(batches))
    run_steps = gan.make_step_loop()
    scope = randomness.scope
    if not is_exact:  # Outside of a scope, layers are Keras' own.
        randomness.scope = lambda draws: contextlib.nullcontext()
    import tensorflow as tf

    run_steps(iterator, tf.constant(2))  # Traces.
    randomness.scope = scope
    return lambda: run_steps(iterator, tf.constant(STEPS_PER_TURN))


def cost():
    """Prints steps per second, exact and stateful, on 1 and 2 replicas."""
    from ganzoo.distribution import strategies

    mirrored = strategies.mirrored(num_cpus=2)
    for name, strategy in (
        ("1 replica", strategies.one_device()),
        ("2 replicas", mirrored),
    ):
        loops = {
            "ganzoo": step_loop(strategy, True),
            "stateful Keras": step_loop(strategy, False),
        }
        seconds = {kind: [] for kind in loops}
        for _ in range(NUM_TURNS):
            for kind, run in loops.items():
                start = time.perf_counter()
                run()
                seconds[kind].append(time.perf_counter() - start)
        rates = {
            kind: STEPS_PER_TURN / statistics.median(values)
            for kind, values in seconds.items()
        }
        slower = 100 * (1 - rates["ganzoo"] / rates["stateful Keras"])
        print(
            f"{name}: "
            + ", ".join(f"{k} {rate:.1f} steps/s" for k, rate in rates.items())
            + f"; exactness costs {slower:.1f} %"
        )


def main():
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("table", "cost"))
    parser.add_argument("--num_steps", type=int, default=20)
    chosen = parser.parse_args()
    table(chosen.num_steps) if chosen.what == "table" else cost()


if __name__ == "__main__":
    main()
