"""Labels of any integer dtype, from a step to files; labels too many."""

import functools
import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from exported_runs import LATENT_DIM, LabelledImages, points

from ganzoo import pipeline
from ganzoo.building import build_gan
from ganzoo.conditions import OneHot
from ganzoo.discriminators import maxout_mlp
from ganzoo.errors import DataError
from ganzoo.example_sets import condition_spec
from ganzoo.generators import mlp
from ganzoo.latents import Uniform
from ganzoo.losses.non_saturating import NonSaturating
from ganzoo.sampling import Sampler
from ganzoo.serving import sample_writer
from ganzoo.serving.endpoints import endpoints
from ganzoo.serving.exporting import export
from ganzoo.serving.exports import Export
from ganzoo.storage.run_directory import RunDirectory
from ganzoo.training import loop


class Images(LabelledImages):
    def __init__(self, dtype):
        self.dtype = dtype

    def examples(self, split):
        samples, labels = super().examples(split)
        return samples, labels.astype(self.dtype)


def conditional_game(dataset, examples):
    return build_gan(
        dataset,
        examples,
        0,
        generator=functools.partial(mlp.build_generator, hidden_units=(5,)),
        discriminator=functools.partial(
            maxout_mlp.build_discriminator, hidden_units=(5,)
        ),
        latents=Uniform(LATENT_DIM),
        losses=[NonSaturating()],
        generator_optimizer=keras.optimizers.SGD(),
        discriminator_optimizer=keras.optimizers.SGD(),
    )


@pytest.mark.parametrize("dtype", ["int32", "uint8"])
def test_a_game_takes_labels_of_any_integer_dtype(dtype, tmp_path):
    dataset = Images(dtype)
    examples = samples, labels = dataset.examples("train")
    gan = conditional_game(dataset, examples)
    step = tf.function(gan.train_step, autograph=False)
    step((tf.constant(samples[:, None]), tf.constant(labels[:, None])))
    expected = Sampler(gan).generate(points(3), labels[:3])
    spec = condition_spec(examples)
    folder = export(gan, dataset, RunDirectory(tmp_path / "run"), {}, spec)
    signature = Export(folder).signatures["serving_default"]
    found = signature(
        latents=tf.constant(points(3)), labels=tf.constant(labels[:3])
    )["samples"]
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    with pytest.raises(tf.errors.InvalidArgumentError, match="must be 0 to 3"):
        signature(
            latents=tf.constant(points(1)), labels=tf.constant([4], dtype)
        )
    sample_writer.sample_export(folder, 5, 0, tmp_path / "export.npz")
    table = endpoints(gan, dataset, spec)
    signatures = {name: point.compile() for name, point in table.items()}
    condition = table["serving_default"].inputs[1:]
    sample_writer.write(signatures, 5, 0, tmp_path / "run.npz", condition, 4)
    with np.load(tmp_path / "export.npz") as one:
        with np.load(tmp_path / "run.npz") as other:
            assert one["labels"].tolist() == [0, 1, 2, 3, 0]
            assert one["labels"].dtype == dtype
            for name in ("samples", "labels"):
                np.testing.assert_allclose(one[name], other[name], rtol=1e-5)


@pytest.mark.parametrize(
    ("dtype", "wrong"),
    [("int32", 3), ("uint8", 255), ("int16", -1), ("int64", 2**32)],
)
def test_labels_that_there_are_not_stop_whatever_their_dtype(dtype, wrong):
    layer = OneHot(3)
    np.testing.assert_array_equal(
        layer(tf.constant([2, 0], dtype)), np.eye(3)[[2, 0]]
    )
    with pytest.raises(tf.errors.InvalidArgumentError, match="is not in"):
        layer(tf.constant([0, wrong], dtype))


def test_a_stream_with_a_label_too_many_stops_with_a_word():
    dataset = Images("int64")
    samples, labels = dataset.examples("train")
    stream = tf.data.Dataset.from_tensor_slices((samples, labels + 1))
    gan = conditional_game(dataset, stream)
    batches = pipeline.batches(stream, 10, 1, seed=0, first_step=0)
    with pytest.raises(
        DataError,
        match=re.escape(
            "What a step looks up must be 0 to 3, as labels of 4 classes are. "
            "Received: 4. Count classes from zero."
        ),
    ):
        loop.play(gan, batches, 2, [], lambda step: None, [])
