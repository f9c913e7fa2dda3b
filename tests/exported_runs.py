"""A small run with its export, and games whose exports differ from it."""

import keras
import numpy as np
import small_runs

from ganzoo import configuration
from ganzoo.commands.session import Session
from ganzoo.latents import Uniform
from ganzoo.run import run
from ganzoo.storage.run_directory import RunDirectory

LATENT_DIM = 8
PARAMS = (
    *small_runs.SMALL,
    "train.num_steps = 30",
    "evaluators.parzen.num_samples = 100",
    "evaluators.parzen.num_sigmas = 1",
    "evaluators.parzen.max_sigma = 0.1",
)


def make(folder, *params, mode="train,evaluate,export"):
    """Runs the digits recipe, small; returns the run directory."""
    bound = [f"--gin_param={param}" for param in (*PARAMS, *params)]
    arguments = [f"--gin_file={small_runs.RECIPE}", f"--run_dir={folder}"]
    assert run(["ganzoo", *arguments, f"--mode={mode}", *bound]) == 0
    return folder


def game(folder):
    """The run's own game, from its checkpoint, and its data set."""
    found = configuration.read([str(folder / "config.gin")])
    found.activate()
    session = Session(found, RunDirectory(folder))
    return session.gan, session.experiment.dataset


def points(num, seed=0):
    """Points of z: float32 [num, LATENT_DIM]."""
    numbers = np.random.default_rng(seed)
    return numbers.uniform(-1.7, 1.7, [num, LATENT_DIM]).astype("float32")


class LabelledImages:
    """Noise in [-1, 1] as RGB images, with a class each."""

    sample_shape = (6, 5, 3)
    value_range = (-1.0, 1.0)
    num_classes = 4

    def examples(self, split):
        numbers = np.random.default_rng(1)
        samples = numbers.uniform(-1, 1, [40, *self.sample_shape])
        return samples.astype("float32"), np.arange(40) % self.num_classes

    def to_unit(self, samples):
        return (samples + 1) / 2


def labelled_game():
    """A conditional game with batch statistics and stock random layers."""
    from ganzoo.gan import Gan

    keras.utils.set_random_seed(3)
    layers = keras.layers
    z, label = keras.Input((LATENT_DIM,)), keras.Input((), dtype="int64")
    hidden = layers.Concatenate()([z, layers.Embedding(4, 8)(label)])
    hidden = layers.Dense(32, use_bias=False)(hidden)
    hidden = layers.BatchNormalization(synchronized=True)(hidden)
    hidden = layers.Dropout(0.5)(layers.Activation("relu")(hidden))
    made = layers.Dense(90, activation="tanh", dtype="float32")(hidden)
    generator = keras.Model([z, label], layers.Reshape((6, 5, 3))(made))
    x = keras.Input((6, 5, 3))
    hidden = layers.Concatenate()(
        [layers.Flatten()(x), layers.Embedding(4, 8)(label)]
    )
    hidden = layers.Dropout(0.5)(layers.Dense(16, "relu")(hidden))
    logits = layers.Dense(1, dtype="float32")(hidden)
    discriminator = keras.Model([x, label], logits)
    spec = keras.KerasTensor((None,), "int64")
    gan = Gan(
        generator, discriminator, Uniform(LATENT_DIM), condition_spec=spec
    )
    for weight in gan.generator.non_trainable_variables:
        if "moving" in weight.name:  # Of a net that has seen data.
            weight.assign(np.linspace(0.5, 2, weight.shape[0]))
    return gan, spec
