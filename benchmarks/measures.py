"""What a run costs beside its steps: `measures.py NAME ROUNDS` prints JSON.

Each gives {who: milliseconds of each round}; "ganzoo" is what a user has, the
other what it would be without.
"""

import contextlib
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent
sys.path.insert(0, str(HERE / "alternatives"))
STEPS = 100
BY_HAND = """
import keras, tensorflow
from keras import layers
keras.Sequential([keras.Input((32,)), layers.Dense(128, "relu"),
    layers.Dense(128, "relu"), layers.Dense(64, "sigmoid")])
samples = keras.Input((64,))
hidden = layers.Dropout(0.2)(samples)
for _ in range(2):
    hidden = layers.Reshape((64, 5))(layers.Dense(320)(hidden))
    hidden = layers.Dropout(0.5)(keras.ops.max(hidden, axis=-1))
keras.Model(samples, layers.Dense(1)(hidden))
print("built", flush=True)
"""


def epoch(num_rounds):
    """Steps as `train` does them, and the same on a batch that is there."""
    import tensorflow as tf
    from ganzoo_games import built

    from ganzoo import pipeline
    from ganzoo.training import loop
    from ganzoo.training.callbacks import MetricsLog
    from ganzoo.training.monitors import Monitors

    gan, examples = built("mnist_mlp", "simultaneous")
    batches = pipeline.batches(examples, 100)
    there = iter(tf.data.Dataset.from_tensors(next(iter(batches))).repeat())
    run_steps = gan.make_step_loop()
    times = {"ganzoo": [], "steps in memory": []}

    class Clock:
        """Between two hundreds of steps, a hundred on what is there."""

        every_steps = STEPS
        start = time.perf_counter()

        def __call__(self, gan, step):
            times["ganzoo"].append(1e3 * (time.perf_counter() - self.start))
            start = time.perf_counter()
            run_steps(there, tf.constant(STEPS))
            gan.step.assign(step)  # The loop's own steps count.
            gan.step.numpy()
            self.start = time.perf_counter()
            times["steps in memory"].append(1e3 * (self.start - start))

    with tempfile.TemporaryDirectory() as folder:
        num_steps = (num_rounds + 2) * STEPS  # The first of them warm up.
        monitors = Monitors(gan, examples[:100])
        log = MetricsLog(
            pathlib.Path(folder), STEPS, 0, num_steps, 100, 200, monitors
        )
        callbacks = [log, Clock()]
        with contextlib.redirect_stdout(sys.stderr):
            loop.play(gan, batches, num_steps, callbacks, lambda step: None, [])
        log.close()
    return {who: found[2:] for who, found in times.items()}


def checkpoint(num_rounds):
    """1,000 steps and a checkpoint that is waited for, and without it."""
    import tensorflow as tf
    from ganzoo_games import built

    from ganzoo import pipeline
    from ganzoo.storage.checkpoints import Checkpoints

    gan, examples = built("mnist_mlp", "simultaneous")
    run_steps = gan.make_step_loop()
    iterator = iter(pipeline.batches(examples, 100))
    with tempfile.TemporaryDirectory() as folder:
        checkpoints = Checkpoints(pathlib.Path(folder))

        def save():
            checkpoints.save(gan, {})
            checkpoints.wait()

        def steps():
            run_steps(iterator, tf.constant(STEPS))
            gan.step.numpy()

        found = rounds({"save": save, "steps": steps}, num_rounds)
    without = [value * 1000 / STEPS for value in found["steps"]]
    with_it = [a + b for a, b in zip(found["save"], without, strict=True)]
    return {"ganzoo": with_it, "without": without}


def resume(num_rounds):
    """Putting the newest checkpoint back, and the same by hand."""
    from ganzoo_games import built

    from ganzoo.storage.checkpoints import Checkpoints, state

    gan, _ = built("mnist_mlp", "simultaneous")
    with tempfile.TemporaryDirectory() as folder:
        checkpoints = Checkpoints(pathlib.Path(folder))
        checkpoints.save(gan, {})
        checkpoints.wait()
        path, variables = checkpoints.path(0), state(gan)
        return rounds(
            {
                "ganzoo": lambda: checkpoints.restore(gan),
                "by hand": lambda: put_back(path, variables),
            },
            num_rounds,
            num_turns=10,
        )


def put_back(path, variables):
    """Checks the sums of a checkpoint, reads its arrays, assigns them."""
    import safetensors.numpy

    for line in (path / "SHA256SUMS").read_text().splitlines():
        wanted, name = line.split()
        with open(path / name, "rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != wanted:
                raise ValueError(f"{name} is damaged.")
    arrays = safetensors.numpy.load_file(path / "state.safetensors")
    for name, variable in variables.items():
        variable.assign(arrays[name])


def startup(num_rounds):
    """From command to first step, and imports and two nets by hand."""

    def train():
        with tempfile.TemporaryDirectory() as folder:
            until(
                "First step",
                "-m",
                "ganzoo.run",
                f"--gin_file={ROOT / 'gin/digits_mlp.gin'}",
                f"--run_dir={folder}",
            )

    return rounds(
        {"ganzoo": train, "by hand": lambda: until("built", "-c", BY_HAND)},
        num_rounds,
    )


def listing(num_rounds):
    """`--list`, and an interpreter that does nothing."""
    return rounds(
        {
            "ganzoo": lambda: until("", "-m", "ganzoo.run", "--list"),
            "Python alone": lambda: until("", "-c", ""),
        },
        num_rounds,
    )


def resolution(num_rounds):
    """Reading and checking a recipe, and an interpreter that does nothing."""
    code = (
        "from ganzoo import configuration; "
        f"configuration.read(['{ROOT / 'gin/mnist_mlp.gin'}'])"
    )
    return rounds(
        {
            "ganzoo": lambda: until("", "-c", code),
            "Python alone": lambda: until("", "-c", ""),
        },
        num_rounds,
    )


def until(prefix, *arguments):
    """Runs Python until it prints a line with the prefix, or to its end."""
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    for line in process.stdout:
        if prefix and line.startswith(prefix):
            process.kill()
            process.wait()
            return
    if process.wait() or prefix:
        raise RuntimeError(f"{arguments} ended with {process.returncode}.")


def rounds(functions, num_rounds, num_turns=1):
    """Milliseconds of each, after a round that does not count.

    In a round they take so many turns, of which the fastest counts: what is
    short is as fast as it can be only now and then.
    """
    times = {name: [] for name in functions}
    for _ in range(num_rounds + 1):
        turns = {name: [] for name in functions}
        for _ in range(num_turns):
            for name, function in functions.items():
                start = time.perf_counter()
                function()
                turns[name].append(1e3 * (time.perf_counter() - start))
        for name, values in turns.items():
            times[name].append(min(values))
    return {name: values[1:] for name, values in times.items()}


MEASURES = {
    "epoch": epoch,
    "checkpoint": checkpoint,
    "resume": resume,
    "startup": startup,
    "list": listing,
    "resolution": resolution,
}

if __name__ == "__main__":
    print(json.dumps(MEASURES[sys.argv[1]](int(sys.argv[2]))))
