"""The step of gin/mnist_mlp.gin beside a plain TensorFlow script of it.

Both play the 2014 code's simultaneous rule with the same nets, batch and
precision, each fed by a tf.data pipeline of its own over the same 50,000
images of noise. ganzoo keeps an average of the generator's weights and means
of both losses; the script keeps neither. Blocks of steps alternate, and the
ratio is that of the medians.

    python benchmarks/mnist_step.py [blocks] [steps per block]
"""

import statistics
import sys
import time

import keras
import numpy as np
import tensorflow as tf

from ganzoo import latents, pipeline
from ganzoo.discriminators.maxout_mlp import build_discriminator
from ganzoo.gan import Gan, simultaneous
from ganzoo.generators.mlp import build_generator
from ganzoo.losses.non_saturating import NonSaturating
from ganzoo.optimizers import SGD, ExponentialDecay, LinearRamp

BATCH = 100


def ganzoo_steps(images: np.ndarray):
    """The step of ganzoo, data included: a function of the number of steps."""
    mean = images.mean(axis=0)
    gan = Gan(
        build_generator(
            (28, 28, 1), 100, sample_mean=mean, output_bias="marginals"
        ),
        build_discriminator((28, 28, 1)),
        latents.Uniform(100),
        ema_decay=0.9999,
    )
    optimizers = [
        SGD(ExponentialDecay(0.1), LinearRamp(0.5, 0.7, 500)) for _ in "gd"
    ]
    gan.compile(
        *optimizers, [NonSaturating(discriminator_weight=0.5)], simultaneous
    )
    iterator = iter(pipeline.batches(images, BATCH))
    run_steps = gan.make_step_loop()
    return lambda num: run_steps(iterator, tf.constant(num))


def plain_steps(images: np.ndarray):
    """What one would write in an afternoon, one tf.function a step."""
    uniform = keras.initializers.RandomUniform
    generator = keras.Sequential(
        [
            keras.Input((100,)),
            *(
                keras.layers.Dense(
                    units,
                    activation=activation,
                    kernel_initializer=uniform(-0.05, 0.05),
                )
                for units, activation in (
                    (1200, "relu"),
                    (1200, "relu"),
                    (784, "sigmoid"),
                )
            ),
        ]
    )
    kernels = [
        tf.Variable(tf.random.uniform(shape, -0.005, 0.005))
        for shape in ((784, 1200), (240, 1200), (240, 1))
    ]
    biases = [tf.Variable(tf.zeros(k.shape[1])) for k in kernels]
    optimizers = [keras.optimizers.SGD(0.1, momentum=0.5) for _ in "gd"]
    data = (
        tf.data.Dataset.from_tensor_slices(images.reshape(-1, 784))
        .shuffle(10_000)
        .repeat()
        .batch(BATCH, drop_remainder=True)
        .prefetch(2)
    )
    iterator = iter(data)

    def judge(samples: tf.Tensor) -> tf.Tensor:
        hidden = tf.nn.dropout(samples, 0.2)
        for kernel, bias in zip(kernels[:2], biases[:2], strict=True):
            pieces = tf.reshape(hidden @ kernel + bias, [-1, 240, 5])
            hidden = tf.nn.dropout(tf.reduce_max(pieces, axis=2), 0.5)
        return (hidden @ kernels[2] + biases[2])[:, 0]

    @tf.function
    def step(real: tf.Tensor) -> None:
        z = tf.random.uniform([BATCH, 100], -(3**0.5), 3**0.5)
        with tf.GradientTape(persistent=True) as tape:
            fake = generator(z, training=True)
            fake_logits = judge(fake)
            d_loss = 0.5 * tf.reduce_mean(
                tf.nn.softplus(-judge(real)) + tf.nn.softplus(fake_logits)
            )
            g_loss = tf.reduce_mean(tf.nn.softplus(-fake_logits))
        for optimizer, loss, variables in (
            (optimizers[0], g_loss, generator.trainable_variables),
            (optimizers[1], d_loss, kernels + biases),
        ):
            gradients = tape.gradient(loss, variables)
            optimizer.apply_gradients(zip(gradients, variables, strict=True))

    def run(num: int) -> None:
        for _ in range(num):
            step(next(iterator))

    return run


def main() -> None:
    """Prints milliseconds per step of both, and the ratio."""
    blocks, num = (int(x) for x in (sys.argv[1:] + ["7", "100"])[:2])
    rng = np.random.default_rng(0)
    images = rng.random((50_000, 28, 28, 1), np.float32)
    contestants = {
        "ganzoo": ganzoo_steps(images),
        "plain script": plain_steps(images),
    }
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for run in contestants.values():
        run(5)  # Traces.
    for _ in range(blocks):
        for name, run in contestants.items():
            start = time.perf_counter()
            run(num)
            times[name].append((time.perf_counter() - start) / num * 1e3)
    for name, values in times.items():
        print(
            f"{name:14}{statistics.median(values):7.2f} ms a step "
            f"({min(values):.2f} to {max(values):.2f})"
        )
    ratio = statistics.median(times["ganzoo"]) / statistics.median(
        times["plain script"]
    )
    print(f"ganzoo / plain script: {ratio:.3f}")


if __name__ == "__main__":
    main()
