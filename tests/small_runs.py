"""Small runs of the digits recipe, and games smaller still."""

import json
import pathlib

import keras
import numpy as np

from ganzoo.storage import checkpoint_files

RECIPE = pathlib.Path(__file__).parents[1] / "gin" / "digits_mlp.gin"
SMALL = (
    "generators.mlp.hidden_units = (16,)",
    "discriminators.maxout_mlp.hidden_units = (16,)",
    "discriminators.maxout_mlp.num_pieces = 2",
    "latents.uniform.latent_dim = 8",
    "train.num_samples = 16",
)


def arguments(run_dir, *params, mode="train"):
    """Flags of a small run; `params` are further bindings."""
    return [
        f"--gin_file={RECIPE}",
        f"--mode={mode}",
        f"--run_dir={run_dir}",
        *(f"--gin_param={param}" for param in (*SMALL, *params)),
    ]


def newest(run_dir):
    """The arrays of a run's last checkpoint, by name."""
    folders = sorted(pathlib.Path(run_dir, "checkpoints").glob("step-*"))
    return checkpoint_files.read(folders[-1])[0]


def check_identical(found, expected):
    assert found.keys() == expected.keys()
    for name in expected:
        np.testing.assert_array_equal(found[name], expected[name], name)


def lines(run_dir):
    """metrics.jsonl without what the clock says."""
    path = pathlib.Path(run_dir, "metrics.jsonl")
    parsed = [json.loads(text) for text in path.read_text().splitlines()]
    for line in parsed:
        del line["wall_time"]
        line.pop("images_per_second", None)  # Not in a line of evaluators.
    return parsed


class Data:
    """Two numbers in each example, from a fixed Gaussian."""

    sample_shape = (2,)
    value_range = None
    num_classes = None
    to_unit = None

    def examples(self, split):
        numbers = np.random.default_rng(3).normal(size=(64, 2))
        return numbers.astype("float32")


def networks(with_batch_norm=False):
    """A generator and a discriminator of a few weights, with dropout."""
    from ganzoo.factories import output_dtype
    from ganzoo.layers import Dropout

    keras.utils.set_random_seed(7)
    z = keras.Input((3,))
    # A bias before batch normalisation would have gradient zero.
    hidden = keras.layers.Dense(8, use_bias=not with_batch_norm)(z)
    if with_batch_norm:
        hidden = keras.layers.BatchNormalization(synchronized=True)(hidden)
    hidden = keras.layers.Activation("relu")(hidden)
    samples = keras.layers.Dense(2, dtype=output_dtype())(hidden)
    x = keras.Input((2,))
    hidden = keras.layers.Dense(8, activation="relu")(x)
    logits = keras.layers.Dense(1, dtype=output_dtype())(Dropout(0.5)(hidden))
    return keras.Model(z, samples), keras.Model(x, logits)


def game(rate=0.01, optimizer=keras.optimizers.Adam, **compiled):
    """A game of `networks`, compiled."""
    from ganzoo.gan import Gan
    from ganzoo.gradients import scaled
    from ganzoo.latents import Uniform
    from ganzoo.losses.non_saturating import NonSaturating

    with_batch_norm = compiled.pop("with_batch_norm", False)
    gan = Gan(*networks(with_batch_norm), Uniform(3), seed=11, ema_decay=0.9)
    return gan.compile(
        scaled(optimizer(rate)),
        scaled(optimizer(rate)),
        **{"losses": [NonSaturating()], **compiled},
    )
