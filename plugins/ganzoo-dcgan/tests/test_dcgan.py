"""DCGAN: its promises, its shapes, a few steps on real data."""

import re

import keras
import numpy as np
import pytest
from ganzoo_dcgan.networks import build_discriminator, build_generator

from ganzoo import testing

SHAPES = [(28, 28, 1), (32, 32, 3)]


@pytest.mark.parametrize(
    "check",
    [
        *testing.generator_checks(
            build_generator,
            SHAPES,
            name="ganzoo_dcgan.generators.dcgan",
            width=4,
        ),
        *testing.discriminator_checks(
            build_discriminator,
            SHAPES,
            name="ganzoo_dcgan.discriminators.dcgan",
            width=4,
        ),
    ],
    ids=lambda check: f"{check.component}-{check.promise}",
)
def test_conformance(check):
    check()


@pytest.fixture
def symbolic():
    """Networks built within have shapes, but no weights in memory."""
    with keras.StatelessScope(initialize_variables=False):
        yield


def maps(network, layer_type):
    return [
        tuple(layer.output.shape[1:])
        for layer in network.layers
        if isinstance(layer, layer_type)
    ]


def test_generator_of_figure_1(symbolic):
    generator = build_generator((64, 64, 3), 100)
    assert maps(generator, keras.layers.Reshape) == [(4, 4, 1024)]
    assert maps(generator, keras.layers.Conv2DTranspose) == [
        (8, 8, 512),
        (16, 16, 256),
        (32, 32, 128),
        (64, 64, 3),
    ]


def test_maps_of_28_and_32_pixels(symbolic):
    small = build_generator((28, 28, 1), 100, width=64)
    assert maps(small, keras.layers.Reshape) == [(7, 7, 128)]
    judge = build_discriminator((32, 32, 3))
    assert maps(judge, keras.layers.Conv2D) == [
        (16, 16, 64),
        (8, 8, 128),
        (4, 4, 256),
    ]


def test_where_batch_normalisation_is_and_is_not(symbolic):
    """Not at the generator's output and not at the discriminator's input."""
    generator = build_generator((32, 32, 3), 100)
    kinds = [type(layer).__name__ for layer in generator.layers]
    assert kinds[-4:] == ["ReLU", "Conv2DTranspose", "Activation", "Rescaling"]
    judge = build_discriminator((32, 32, 3))
    kinds = [type(layer).__name__ for layer in judge.layers]
    assert kinds[1:4] == ["Conv2D", "LeakyReLU", "Conv2D"]
    assert kinds.count("BatchNormalization") == 2


def test_a_discriminator_that_judges_each_example_alone():
    """As penalties on its gradient want it; a layer then needs its bias."""
    judge = build_discriminator((16, 16, 1), width=4, batch_norm=False)
    kinds = [type(layer).__name__ for layer in judge.layers]
    assert "BatchNormalization" not in kinds
    assert all(
        layer.use_bias
        for layer in judge.layers
        if isinstance(layer, keras.layers.Conv2D)
    )
    examples = keras.random.normal((6, 16, 16, 1), seed=1)
    together = judge(examples, training=True).numpy()
    alone = judge(examples[:2], training=True).numpy()
    np.testing.assert_allclose(alone, together[:2], rtol=1e-4, atol=1e-6)


def test_samples_fill_the_range_of_the_data():
    generator = build_generator(
        (8, 8, 1), 4, value_range=(10.0, 14.0), width=2, init_stddev=5.0
    )
    samples = generator(keras.random.normal((64, 4), seed=0)).numpy()
    assert 10 <= samples.min() < 10.5
    assert 13.5 < samples.max() <= 14


def test_a_generator_without_batch_normalisation():
    """A layer then needs its bias, and there is nothing but trained weights."""
    generator = build_generator((16, 16, 1), 4, width=2, batch_norm=False)
    assert not generator.non_trainable_variables
    assert all(
        layer.use_bias
        for layer in generator.layers
        if isinstance(layer, (keras.layers.Dense, keras.layers.Conv2DTranspose))
    )


def test_small_weights_begin_at_the_mean_example():
    mean = np.linspace(10.1, 13.9, 64).reshape(8, 8, 1)
    generator = build_generator(
        (8, 8, 1),
        4,
        value_range=(10.0, 14.0),
        sample_mean=mean,
        width=2,
        init_stddev=1e-4,
        batch_norm=False,
        output_bias="marginals",
    )
    samples = generator(keras.random.normal((3, 4), seed=0)).numpy()
    np.testing.assert_allclose(samples, np.stack([mean] * 3), atol=1e-5)
    # A pixel that is never on is no infinity.
    generator = build_generator(
        (8, 8, 1),
        4,
        sample_mean=np.full((8, 8, 1), -1.0),
        output_bias="marginals",
    )
    samples = generator(keras.random.normal((3, 4), seed=0)).numpy()
    np.testing.assert_allclose(samples, -1, atol=1e-5)


@pytest.mark.parametrize(
    "arguments",
    [
        {"output_bias": "mean", "sample_mean": np.zeros((8, 8, 1))},
        {"output_bias": "marginals"},
        {
            "output_bias": "marginals",
            "sample_mean": np.zeros((8, 8, 1)),
            "value_range": None,
        },
    ],
)
def test_an_output_bias_that_there_is_not(arguments):
    message = "`output_bias` must be None, or 'marginals' where the mean of"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        build_generator((8, 8, 1), 4, **arguments)


@pytest.mark.parametrize("build", [build_generator, build_discriminator])
@pytest.mark.parametrize("shape", [(7, 8, 1), (6, 6, 1), (16,)])
def test_sizes_that_cannot_be_halved(build, shape):
    message = (
        "`sample_shape` must be (height, width, channels), height and width "
        f"even and at least 8. Received: sample_shape={shape}."
    )
    arguments = (4,) if build is build_generator else ()
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        build(shape, *arguments)


@pytest.mark.slow
@pytest.mark.parametrize("dataset", ["mnist", "mnist_tuned", "cifar10"])
def test_recipe_trains_on_real_data(dataset, train_recipe):
    steps = train_recipe(
        f"plugins/ganzoo-dcgan/gin/dcgan_{dataset}.gin",
        "generators.dcgan.width = 4",
        "discriminators.dcgan.width = 4",
    )
    assert steps == {"parzen_log_likelihood": 3}
