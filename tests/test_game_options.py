"""Transforms, paces, a prior that learns: on two replicas, and resumed."""

import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from processes import complete
from small_runs import Data, arguments, check_identical, newest

from ganzoo import latents
from ganzoo.building import build_gan
from ganzoo.conditions import with_condition
from ganzoo.errors import ConfigurationError
from ganzoo.losses.non_saturating import NonSaturating
from ganzoo.optimizers import SGD
from ganzoo.pacing import Every
from ganzoo.sampling import Sampler
from ganzoo.serving import exports
from ganzoo.storage.checkpoints import Checkpoints, arrays
from ganzoo.transforms import DiffAugment, EnlargeGradients, Noise

OPTIONS = (
    "experiment.seed = 1",
    "experiment.dtype_policy = 'float64'",
    "build_gan.latents = @latents.learned_diagonal()",
    "latents.learned_diagonal.latent_dim = 8",
    "build_gan.losses = [@losses.without_dropout()]",
    "losses.without_dropout.loss = @losses.lazy()",
    "build_gan.generator_pace = @pacing.every()",
    "pacing.every.period_steps = 2",
    "build_gan.transforms = [@transforms.noise(), @transforms.diff_augment(), "
    "@transforms.enlarge_gradients()]",
    "transforms.enlarge_gradients.target_scale = 10.0",
    "generators.mlp.dropout = 0.2",
    "train.batch_size = 20",
    "train.log_every_steps = 3",
)
MIRRORED = (
    "experiment.strategy = @strategies.mirrored()",
    "strategies.mirrored.num_cpus = 2",
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The directory of a run of nine steps, trained and exported."""
    folder = tmp_path_factory.mktemp("whole")
    played(folder / "run", "train.num_steps = 9", mode="train,export")
    return folder / "run"


def played(run_dir, *params, mode="train"):
    flags = arguments(run_dir, *OPTIONS, *params, mode=mode)
    status, output = complete(flags, run_dir.with_suffix(".log"))
    assert status == 0, output


@pytest.mark.slow
def test_two_replicas_do_what_one_does(whole, tmp_path):
    played(tmp_path / "two", "train.num_steps = 9", *MIRRORED)
    one, two = newest(whole), newest(tmp_path / "two")
    assert one.keys() == two.keys()
    for name in one:
        if not name.startswith("metrics"):
            np.testing.assert_allclose(two[name], one[name], 0, 1e-12, name)


@pytest.mark.slow
def test_the_prior_has_learned_and_is_averaged_and_exported(whole):
    kept = newest(whole)
    mean, log_stddev = (
        kept[f"generator_ema/{place}"]
        for place in ("000/ema_mean", "001/ema_log_stddev")
    )
    assert np.abs(mean).max() > 0 < np.abs(log_stddev).max()
    export = exports.Export(whole / "export")
    num, seed = tf.constant(3), tf.constant(5, tf.int64)
    n = export.signatures["latents"](
        num=num, seed=seed, first_row=tf.constant(0, tf.int64)
    )["latents"]
    weights = [kept[name] for name in sorted(kept) if "generator_ema" in name]
    values = mean + np.exp(log_stddev) * n.numpy()
    values = np.maximum(values @ weights[2] + weights[3], 0)
    expected = 1 / (1 + np.exp(-(values @ weights[4] + weights[5])))
    found = export.signatures["sample"](num=num, seed=seed)["samples"]
    np.testing.assert_allclose(found.numpy().reshape(3, -1), expected, 1e-9)


class Labelled(Data):
    """`Data` with two classes."""

    num_classes = 2

    def examples(self, split):
        samples = super().examples(split)
        return samples, np.arange(len(samples)) % 2


def built(dataset, **options):
    def generator(latent_dim, condition_spec):
        z = keras.Input((latent_dim,))
        if condition_spec is None:
            return keras.Model(z, keras.layers.Dense(2)(z))
        label = keras.Input((), dtype=condition_spec.dtype)
        joined = keras.layers.Concatenate()(
            [z, keras.ops.cast(label, z.dtype)[:, None]]
        )
        return keras.Model([z, label], keras.layers.Dense(2)(joined))

    def discriminator(sample_shape, condition_spec):
        x = keras.Input(sample_shape)
        logits = keras.layers.Dense(1)(x)
        if condition_spec is None:
            return keras.Model(x, logits)
        label = keras.Input((), dtype=condition_spec.dtype)
        return keras.Model([x, label], logits)

    return build_gan(
        dataset,
        dataset.examples("train"),
        seed=1,
        generator=generator,
        discriminator=discriminator,
        losses=[NonSaturating()],
        generator_optimizer=SGD(0.1),
        discriminator_optimizer=SGD(0.1),
        **{"latents": latents.LearnedDiagonal(3), **options},
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"num_micro_batches": 0},
            "`build_gan.num_micro_batches` must be at least 1. Received: "
            "num_micro_batches=0.",
        ),
        (
            {"discriminator_steps": 1.5},
            "`build_gan.discriminator_steps` must be an integer. Received: "
            "discriminator_steps=1.5.",
        ),
        (
            {"ema_decay": 0.9, "ema_start": 1e1},
            "`build_gan.ema_start` must be an integer. Received: "
            "ema_start=10.0. Write 10.",
        ),
        (
            {"transforms": Noise()},
            "`build_gan.transforms` must be a list. Received: Noise. Write, "
            "for instance, [@transforms.noise()].",
        ),
        (
            {"generator_pace": 0.5},
            "`build_gan.generator_pace` must be a function of the step. "
            "Received: 0.5. Write, for instance, @pacing.constant().",
        ),
        (
            {"update_rule": Every()},
            "`build_gan.update_rule` must be a function of the game and its "
            "minibatches. Received: Every. Write, for instance, @alternating.",
        ),
        (
            {"ema_decay": 0.9, "ema_start": -1},
            "`ema_start` must be a step, not negative, and stand "
            "beside an `ema_decay`. Received: ema_start=-1, ema_decay=0.9.",
        ),
        (
            {"ema_start": 5},
            "beside an `ema_decay`. Received: ema_start=5, ema_decay=None.",
        ),
    ],
)
def test_counts_that_cannot_be_are_refused(options, message):
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        built(Labelled(), **options)


def test_a_prior_learns_under_a_condition():
    gan = built(Labelled())
    samples, labels = Labelled().examples("train")
    before = [w.numpy() for w in gan.generator.weights]
    gan.fit((samples, labels), batch_size=16, verbose=0)
    for old, new in zip(before, gan.generator.weights, strict=True):
        assert np.abs(old - new.numpy()).max() > 0, new.path
    z = np.ones((2, 3), "float32")
    found = Sampler(gan).generate(z, labels[:2])
    inner = gan.generator.layers[-1]
    mean, log_stddev = gan.generator.get_layer("prior").get_weights()
    taken = with_condition(mean + np.exp(log_stddev) * z, labels[:2])
    np.testing.assert_allclose(found, inner(taken), rtol=1e-5)


def test_a_transform_is_told_of_the_data():
    message = (
        "Received: samples of shape (2,), value_range=None. Use "
        "`transforms.noise`, or another data set."
    )
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        built(Data(), transforms=[DiffAugment()])


def test_a_resumed_game_ends_the_same(tmp_path):
    def begun():
        return built(
            Data(),
            ema_decay=0.9,
            transforms=[Noise(), EnlargeGradients()],
            generator_pace=Every(2),
        )

    examples = Data().examples("train")
    whole, first, second = begun(), begun(), begun()
    whole.fit(examples, batch_size=16, steps_per_epoch=9, verbose=0)
    first.fit(examples, batch_size=16, steps_per_epoch=4, verbose=0)
    kept = Checkpoints(tmp_path)
    kept.save(first, {})
    kept.wait()
    kept.restore(second)
    # G moves at step 5, counted from 0.
    second.fit(examples, batch_size=16, steps_per_epoch=5, verbose=0)
    found, expected = (
        {
            name: value
            for name, value in arrays(gan).items()
            if not name.startswith("metrics")  # `fit` begins a new mean.
        }
        for gan in (second, whole)
    )
    check_identical(found, expected)
