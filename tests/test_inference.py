"""From samples back: what an inference net predicts, and G from there on."""

import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from ganzoo.companions import join
from ganzoo.datasets.masked import Masked
from ganzoo.discriminators import maxout_mlp
from ganzoo.errors import ComponentError, ConfigurationError, DataError
from ganzoo.gan import Gan
from ganzoo.generators import mlp
from ganzoo.inference import Inference, mlp_encoder
from ganzoo.latents import Uniform
from ganzoo.losses.non_saturating import NonSaturating
from ganzoo.masks import Pixels
from ganzoo.optimizers import SGD
from ganzoo.pictures.inference_figure import reconstruction_figures
from ganzoo.sampling import Sampler
from ganzoo.serving.endpoints import endpoints

LATENT = 3


def encoder(sample_shape, target_shape):
    return mlp_encoder(sample_shape, target_shape, hidden_units=(6,))


def images_game(make=encoder, **settings):
    """A game of 4 x 4 images whose layers have names, with an inference net."""
    keras.utils.set_random_seed(2)
    z = keras.Input((LATENT,))
    hidden = keras.layers.Dense(5, "relu", name="hidden_0")(z)
    flat = keras.layers.Dense(16, "sigmoid", name="output")(hidden)
    x = keras.Input((4, 4, 1))
    features = keras.layers.Dense(7, name="seen")(keras.layers.Flatten()(x))
    gan = Gan(
        keras.Model(z, keras.layers.Reshape((4, 4, 1))(flat)),
        keras.Model(x, keras.layers.Dense(1, name="logit")(features)),
        Uniform(LATENT),
        seed=3,
        ema_decay=0.5,
    ).compile(SGD(), SGD(), [NonSaturating()])
    join(gan, [Inference(make, SGD(), **settings)])
    return gan


class Images:
    sample_shape = (4, 4, 1)
    num_classes = None
    value_range = (0.0, 1.0)

    def examples(self, split):
        assert split == "test"
        return np.random.default_rng(1).random((5, 4, 4, 1), np.float32)

    def to_unit(self, samples):
        return samples


def test_the_encoder_must_fit_its_target():
    def narrow(sample_shape, target_shape):
        units = target_shape[0] - 1
        flat = [keras.layers.Flatten(), keras.layers.Dense(units)]
        return keras.Sequential(
            [keras.Input(sample_shape), *flat], name="narrow"
        )

    for layer, target, shape in (
        (None, "z of 3 numbers", 3),
        ("hidden_0", "the layer 'hidden_0' of generator '", 5),
    ):
        with pytest.raises(ComponentError) as caught:
            images_game(make=narrow, target_layer=layer)
        message = str(caught.value)
        assert message.startswith(
            f"Inference net 'narrow' must fit its target, {target}"
        )
        assert message.endswith(
            f", of shape ({shape},). Received: output of shape ({shape - 1},) "
            "from samples of shape (4, 4, 1). Let the encoder make "
            "`target_shape`."
        )


def test_an_encoder_takes_both_shapes_and_a_list_of_units():
    message = (
        "`encoder` must be a factory of inference nets, a function of "
        "`sample_shape` and `target_shape`. Received: {}. Write, for instance, "
        "@mlp_encoder."
    )
    for wrong, name in (
        (maxout_mlp.build_discriminator, "build_discriminator"),
        (256, "int"),
    ):
        with pytest.raises(
            ConfigurationError, match=re.escape(message.format(name))
        ):
            Inference(wrong, SGD())
    with pytest.raises(
        ConfigurationError,
        match=re.escape(
            "`mlp_encoder.hidden_units` must be a list. Received: "
            "256. Write, for instance, (1200, 1200)."
        ),
    ):
        mlp_encoder((4,), (3,), hidden_units=256)

    def further(sample_shape, target_shape, units):
        """`units` is for a recipe to bind."""

    Inference(further, SGD())


def test_a_layer_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(ConfigurationError) as caught:
        images_game(target_layer="hiden_0")
    assert re.search(
        r"`inference.target_layer` must be a layer of '\w+'. Received: "
        r"'hiden_0'. Did you mean 'hidden_0'\? It has: input_layer\w*, "
        r"hidden_0, output, reshape\w*\.$",
        str(caught.value),
    )


def layers_by_hand(weights, latents):
    """The generator in NumPy: its hidden layer and its images."""
    k0, b0, k1, b1 = (np.float64(np.asarray(w)) for w in weights)
    hidden = np.maximum(latents @ k0 + b0, 0)
    flat = 1 / (1 + np.exp(-(hidden @ k1 + b1)))
    return hidden, flat.reshape(-1, 4, 4, 1)


@pytest.mark.parametrize("use_ema", [False, True])
def test_the_layer_and_g_from_there_on_are_those_by_hand(use_ema):
    gan = images_game(target_layer="hidden_0")
    for average in gan.ema:
        average.assign(average * 1.5 + 0.1)
    latents = np.random.default_rng(0).normal(size=(4, LATENT))
    latents = latents.astype(np.float32)
    work = Sampler(gan, use_ema=use_ema).inference()
    speaking = gan.ema if use_ema else gan.generator.weights
    hidden, images = layers_by_hand(speaking, latents)
    np.testing.assert_allclose(work.target(latents), hidden, atol=1e-5)
    found = work.decode(hidden.astype(np.float32))
    np.testing.assert_allclose(found, images, atol=1e-5)


@pytest.mark.parametrize("use_ema", [False, True])
def test_decoding_the_target_is_sampling_whichever_weights_speak(use_ema):
    gan = images_game(target_layer="hidden_0")
    for average in gan.ema:
        average.assign(average * 1.5 + 0.1)
    sampler = Sampler(gan, use_ema=use_ema)
    latents = np.asarray(sampler.draw_latents(5, seed=1))
    work = sampler.inference()
    decoded = work.decode(work.target(latents))
    np.testing.assert_allclose(decoded, sampler.generate(latents), atol=1e-6)


def test_z_is_its_own_target_and_decoding_is_sampling():
    gan = images_game()
    sampler = Sampler(gan)
    latents = np.asarray(sampler.draw_latents(5, seed=1))
    work = sampler.inference()
    np.testing.assert_array_equal(work.target(latents), latents)
    samples = sampler.generate(latents)
    np.testing.assert_allclose(work.decode(latents), samples, atol=1e-6)
    net = gan.players["inference"][0]
    np.testing.assert_allclose(work.infer(samples), net(samples), atol=1e-6)
    table = endpoints(gan, Images())
    (spec,) = table["predict_inference"].inputs
    assert (spec.name, spec.shape) == ("samples", (None, 4, 4, 1))
    found = table["predict_inference"].compile()(samples=tf.constant(samples))
    np.testing.assert_allclose(found["predicted"], net(samples), atol=1e-6)


def test_a_condition_reaches_the_layer_that_it_goes_into():
    z, c = keras.Input((LATENT,)), keras.Input((2,))
    both = keras.layers.Concatenate()([z, c])
    hidden = keras.layers.Dense(5, name="hidden_0")(both)
    generator = keras.Model([z, c], keras.layers.Dense(2)(hidden))
    net = Inference(encoder, SGD(), target_layer="hidden_0")
    net.build(generator, LATENT)
    latents = np.ones([4, LATENT], np.float32)
    condition = np.eye(4, 2, dtype=np.float32)
    kernel, bias = generator.get_layer("hidden_0").get_weights()
    expected = np.hstack([latents, condition]) @ kernel + bias
    found = net.target(latents, condition)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    fake = generator([latents, condition])
    error = expected - net.network(fake).numpy()
    np.testing.assert_allclose(
        net.loss(latents, fake, condition), (error**2).mean(axis=1), rtol=1e-4
    )


@pytest.mark.parametrize("layer", [None, "hidden_0"])
def test_a_conditional_game_is_inverted_row_by_row(layer):
    """Over more than two batches, by given conditions and by the data's."""
    z, c = keras.Input((LATENT,)), keras.Input((2,))
    both = keras.layers.Concatenate()([z, c])
    hidden = keras.layers.Dense(5, name="hidden_0")(both)
    generator = keras.Model([z, c], keras.layers.Dense(2)(hidden))
    x, d = keras.Input((2,)), keras.Input((2,))
    judged = keras.layers.Dense(1)(keras.layers.Concatenate()([x, d]))
    gan = Gan(
        generator,
        keras.Model([x, d], judged),
        Uniform(LATENT),
        condition_spec=keras.KerasTensor((None, 2)),
    ).compile(SGD(), SGD(), [NonSaturating()])
    of_data = np.random.default_rng(8).normal(size=(1_100, 2)).astype("float32")
    gan.networks.conditions = lambda num: of_data[:num]
    join(gan, [Inference(encoder, SGD(), target_layer=layer)])
    sampler = Sampler(gan)
    work = sampler.inference()
    latents = np.asarray(sampler.draw_latents(1_100, seed=1))
    for given in (of_data[::-1], None):
        expected = sampler.generate(latents, given)
        targets = work.target(latents, given)
        decoded = work.decode(targets, given)
        np.testing.assert_allclose(decoded, expected, atol=1e-5)
    other = work.decode(work.target(latents, of_data[::-1]), of_data[::-1])
    assert np.abs(other - decoded).max() > 0.1


@pytest.mark.parametrize("use_ema", [False, True])
def test_a_layer_of_a_masked_game_is_decoded_with_what_is_visible(use_ema):
    spec = {
        "mask": keras.KerasTensor((None, 4, 4, 1), "float32"),
        "visible": keras.KerasTensor((None, 4, 4, 1), "float32"),
    }
    gan = Gan(
        mlp.build_generator(
            (4, 4, 1), LATENT, hidden_units=(5, 6), condition_spec=spec
        ),
        maxout_mlp.build_discriminator((4, 4, 1), (5,), condition_spec=spec),
        Uniform(LATENT),
        condition_spec=spec,
        ema_decay=0.5,
    ).compile(SGD(), SGD(), [NonSaturating()])
    for average in gan.ema:
        average.assign(average * 1.5 + 0.1)
    join(gan, [Inference(encoder, SGD(), target_layer="hidden_1")])
    data = Masked(Images(), Pixels(0.5))
    _, condition = data.examples("test")
    sampler = Sampler(gan, use_ema=use_ema)
    latents = np.asarray(sampler.draw_latents(5, seed=1))
    work = sampler.inference()
    decoded = work.decode(work.target(latents, condition), condition)
    expected = sampler.generate(latents, condition)
    np.testing.assert_allclose(decoded, expected, atol=1e-6)
    mask = condition["mask"]
    np.testing.assert_array_equal(decoded * mask, condition["visible"])
    assert len(reconstruction_figures(sampler, data, 1, 2, "")) == 1


def test_pairs_of_test_images_and_reconstructions_are_drawn():
    gan = images_game()
    sampler = Sampler(gan, use_ema=True)
    ((name, (figure, title, caption)),) = reconstruction_figures(
        sampler, Images(), num_rows=2, num_columns=2, about="Step 7."
    )
    assert name == "inference_reconstructions"
    assert title == "Test images and their reconstructions"
    assert caption.endswith(
        "which predicts z (paper, section 7, item 2). Step 7."
    )
    (picture,) = figure.axes[0].images
    # 2 columns and 2 x 2 rows of 4 x 12 pixels, with 2 of padding.
    assert picture.get_array().shape == (4 * 50 + 2, 2 * 50 + 2)
    images = Images().examples("test")
    again = sampler.inference().decode(sampler.inference().infer(images))
    for row, expected in enumerate((images[0], again[0], images[2], again[2])):
        cell = picture.get_array()[50 * row + 2 : 50 * row + 50, 2:50]
        expected = np.kron(np.round(expected[..., 0] * 255), np.ones((12, 12)))
        assert np.abs(cell - expected).max() <= 1  # Rounded apart.


def test_what_g_cannot_go_on_from_is_exported_and_not_drawn(capsys):
    z = keras.Input((LATENT,))
    hidden = keras.layers.Dense(16, name="hidden_0")(z)
    beside = keras.layers.Dense(16)(z)
    both = keras.layers.Add()([hidden, beside])
    x = keras.Input((4, 4, 1))
    gan = Gan(
        keras.Model(z, keras.layers.Reshape((4, 4, 1))(both), name="two"),
        keras.Model(x, keras.layers.Dense(1)(keras.layers.Flatten()(x))),
        Uniform(LATENT),
    ).compile(SGD(), SGD(), [NonSaturating()])
    join(gan, [Inference(encoder, SGD(), target_layer="hidden_0")])
    sampler = Sampler(gan)
    assert reconstruction_figures(sampler, Images(), 2, 2, "") == []
    assert capsys.readouterr().out.startswith(
        "No reconstructions by 'inference': `inference.target_layer` must be"
    )
    samples = tf.constant(Images().examples("test"))
    predict = endpoints(gan, Images())["predict_inference"].compile()
    assert predict(samples=samples)["predicted"].shape == (5, 16)


def test_without_an_inference_net_there_is_nothing_to_draw():
    gan = images_game(name="other")
    with pytest.raises(
        DataError,
        match=re.escape(
            "Reconstructions need a game with an inference net. Received: "
            "'inference' of a game whose inference nets are: other. Bind "
            "`build_gan.companions = [@companions.inference()]`."
        ),
    ):
        Sampler(gan).inference()
    gan.companions.clear()
    assert reconstruction_figures(Sampler(gan), Images(), 2, 2, "") == []
    assert "predict_other" not in endpoints(gan, Images())


def test_a_trunk_is_a_copy_below_the_last_layer_or_the_one_named():
    gan = images_game()
    sampler = Sampler(gan)
    images = Images().examples("test")
    kernel, bias = gan.discriminator.get_layer("seen").get_weights()
    expected = images.reshape(5, 16) @ kernel + bias
    for layer in (None, "seen"):
        trunk = sampler.trunk(layer=layer)
        np.testing.assert_allclose(trunk(images), expected, atol=1e-5)
    trunk.set_weights([w * 0 for w in trunk.get_weights()])
    np.testing.assert_array_equal(
        gan.discriminator.get_layer("seen").get_weights()[0], kernel
    )
    assert sampler.trunk("inference", "hidden_0").output_shape == (None, 6)


def test_a_trunk_that_is_not_there_is_named_with_those_that_are():
    sampler = Sampler(images_game())
    for network in ("generator", "inferense"):
        with pytest.raises(
            ConfigurationError,
            match=r"`network` must be one that takes samples. Received: "
            rf"'{network}'.* There are: discriminator, inference.$",
        ):
            sampler.trunk(network)
    with pytest.raises(
        ConfigurationError,
        match="`layer` must be a layer of .* Received: 'last'. It has: .*seen",
    ):
        sampler.trunk(layer="last")
