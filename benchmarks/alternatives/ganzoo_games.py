"""The games in ganzoo: the recipes themselves, without averaged weights."""

import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # As `ganzoo.run` does.

import games
import numpy as np
import tensorflow as tf

from ganzoo import configuration, pipeline
from ganzoo.gan import Gan
from ganzoo.sampling import Sampler

ROOT = pathlib.Path(__file__).parents[2]


class Noise:
    """Stands where a recipe has its data set."""

    value_range = (-1.0, 1.0)
    num_classes = None

    def __init__(self, sample_shape: tuple[int, ...]):
        self.sample_shape = sample_shape
        shape = (games.NUM_EXAMPLES, *sample_shape)
        self.examples = np.random.default_rng(0).random(shape, np.float32)


def built(name: str, rule: str, *params: str) -> tuple[Gan, np.ndarray]:
    """The game of a recipe on noise, under a rule."""
    game, recipe = games.GAMES[name], f"gin/{name}.gin"
    bindings = [
        f"build_gan.update_rule = @{rule}",
        "build_gan.ema_decay = None",
        *params,
    ]
    if isinstance(game, games.ResidualGame):
        recipe = "plugins/ganzoo-resnet/gin/resnet_cifar10.gin"
        bindings += [
            "build_gan.discriminator_steps = 1",
            f"generators.resnet.width = {game.generator_width}",
            f"discriminators.resnet.width = {game.discriminator_width}",
        ]
    configuration.read([str(ROOT / recipe)], bindings).activate()
    data = Noise(game.sample_shape)
    gan = configuration.configured("build_gan")(data, data.examples, 1)
    return gan, data.examples


def make(name: str, rule: str):
    """The steps of a game."""
    batch_size = games.GAMES[name].batch_size
    if rule == "sampling":
        gan, _ = built(name, "simultaneous")
        sampler = Sampler(gan, batch_size=batch_size)

        def sample(num: int) -> None:
            for _ in sampler.sample(num * batch_size, seed=1):
                pass

        return sample
    gan, examples = built(name, rule)
    iterator = iter(pipeline.batches(examples, batch_size, seed=1))
    run_steps = gan.make_step_loop()

    def run(num: int) -> None:
        run_steps(iterator, tf.constant(num))
        gan.step.numpy()

    return run


if __name__ == "__main__":
    games.serve(make)
