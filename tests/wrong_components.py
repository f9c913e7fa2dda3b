"""Components that each break one promise; the conformance kit must say which.

Functions and classes at the top level, for the kit calls some of them in a
process of its own.
"""

import itertools

import keras
import numpy as np
import tensorflow as tf

from ganzoo.errors import DataError


class Wrapped(keras.layers.Layer):
    """A layer whose `call` is the function `change` below; no weights."""

    def call(self, inputs, training=False):
        return self.change(inputs, training)


class Hidden:
    """What a layer cannot track: an attribute of a plain object."""

    def __init__(self, value):
        self.value = value


def net(input_shape, output_shape, change=None):
    inputs = keras.Input(input_shape, dtype=dtype())
    hidden = keras.layers.Flatten()(inputs)
    hidden = keras.layers.Dense(4, activation="tanh")(hidden)
    if change is not None:
        layer = type("Changed", (Wrapped,), {"change": staticmethod(change)})
        hidden = layer()(hidden)
    outputs = keras.layers.Dense(int(np.prod(output_shape)), dtype=dtype())(
        hidden
    )
    outputs = keras.layers.Reshape(output_shape, dtype=dtype())(outputs)
    return keras.Model(inputs, outputs)


def dtype():
    return keras.config.dtype_policy().variable_dtype


def right_generator(sample_shape, latent_dim):
    return net((latent_dim,), sample_shape)


def generator_of_one_shape(sample_shape, latent_dim):
    return net((latent_dim,), (4, 4, 1))


def generator_that_casts(sample_shape, latent_dim):
    def change(hidden, training):
        return keras.ops.cast(keras.ops.cast(hidden, "float32"), hidden.dtype)

    return net((latent_dim,), sample_shape, change)


class Unused(keras.layers.Layer):
    def build(self, input_shape):
        self.unused = self.add_weight(shape=(3,), name="unused")

    def call(self, inputs):
        return inputs


def generator_with_unused_weight(sample_shape, latent_dim):
    network = net((latent_dim,), sample_shape)
    outputs = Unused(dtype=dtype(), name="idle")(network.outputs[0])
    return keras.Model(network.inputs, outputs)


def generator_that_overflows(sample_shape, latent_dim):
    inputs = keras.Input((latent_dim,), dtype=dtype())
    loud = keras.layers.Rescaling(10.0, dtype=dtype())(inputs)
    loud = keras.layers.Activation("exponential", dtype=dtype())(loud)
    outputs = keras.layers.Dense(int(np.prod(sample_shape)), dtype=dtype())(
        loud
    )
    outputs = keras.layers.Reshape(sample_shape, dtype=dtype())(outputs)
    return keras.Model(inputs, outputs)


def generator_that_writes_kernels(sample_shape, latent_dim):
    inputs = keras.Input((latent_dim,), dtype=dtype())
    hidden = keras.layers.SpectralNormalization(
        keras.layers.Dense(int(np.prod(sample_shape)))
    )(inputs)
    outputs = keras.layers.Reshape(sample_shape)(hidden)
    return keras.Model(inputs, outputs)


def generator_without_seed(sample_shape, latent_dim):
    def change(hidden, training):
        if not training:
            return hidden
        return hidden + tf.random.normal(tf.shape(hidden), dtype=hidden.dtype)

    return net((latent_dim,), sample_shape, change)


def generator_with_one_mask_for_all(sample_shape, latent_dim):
    hidden_seed = Hidden(keras.random.SeedGenerator(1))

    def change(hidden, training):
        if not training:
            return hidden
        return keras.random.dropout(hidden, 0.5, seed=hidden_seed.value)

    return net((latent_dim,), sample_shape, change)


def generator_deaf_to_conditions(sample_shape, latent_dim, condition_spec=None):
    network = net((latent_dim,), sample_shape)
    if condition_spec is None:
        return network
    labels = keras.Input(
        batch_shape=condition_spec.shape, dtype=condition_spec.dtype
    )
    return keras.Model([network.inputs[0], labels], network.outputs)


def generator_with_state_in_python(sample_shape, latent_dim):
    calls = itertools.count(1)

    def change(hidden, training):
        return hidden / next(calls)

    return net((latent_dim,), sample_shape, change)


def generator_that_is_no_model(sample_shape, latent_dim):
    return lambda latents, training=False: latents


def right_discriminator(sample_shape):
    return net(sample_shape, (1,))


def discriminator_without_last_axis(sample_shape):
    return net(sample_shape, ())


def discriminator_that_compares(sample_shape):
    def change(hidden, training):
        return hidden - keras.ops.mean(hidden, axis=0, keepdims=True)

    return net(sample_shape, (1,), change)


class RightLoss:
    def discriminator(self, real_logits, fake_logits):
        return tf.nn.softplus(-real_logits) + tf.nn.softplus(fake_logits)

    def generator(self, fake_logits):
        return tf.nn.softplus(-fake_logits)


class LossThatAsksForMore(RightLoss):
    def generator(self, fake_logits, temperature=1.0):
        return tf.nn.softplus(-fake_logits) * temperature


class LossThatAverages(RightLoss):
    def generator(self, fake_logits):
        return tf.reduce_mean(super().generator(fake_logits))


class LossThatCasts(RightLoss):
    def generator(self, fake_logits):
        return tf.cast(super().generator(fake_logits), tf.float32)


class LossWithoutGradient(RightLoss):
    def generator(self, fake_logits):
        return tf.stop_gradient(super().generator(fake_logits))


class LossOfProbabilities(RightLoss):
    def generator(self, fake_logits):
        return -tf.math.log(tf.sigmoid(fake_logits))


class LossWithoutSeed(RightLoss):
    def generator(self, fake_logits):
        noise = tf.random.normal(tf.shape(fake_logits), dtype=fake_logits.dtype)
        return super().generator(fake_logits) + noise


class LossWithOneNoiseForAll(RightLoss):
    def __init__(self):
        self.seed_generator = keras.random.SeedGenerator(1)

    def generator(self, fake_logits):
        noise = keras.random.normal(
            tf.shape(fake_logits),
            dtype=fake_logits.dtype,
            seed=self.seed_generator,
        )
        return super().generator(fake_logits) + noise


class PenaltyThatIsNaNWhereFlat(RightLoss):
    def penalty(self, discriminate, real_samples, fake_samples, draws):
        with tf.GradientTape() as tape:
            tape.watch(real_samples)
            total = tf.reduce_sum(discriminate(real_samples))
        gradient = tape.gradient(total, real_samples)
        return tf.norm(
            tf.reshape(gradient, [tf.shape(gradient)[0], -1]), axis=1
        )


class RightData:
    sample_shape = (4, 4, 1)
    value_range = (0.0, 1.0)
    num_classes = 10
    to_unit = None

    def examples(self, split):
        if split not in ("train", "validation", "test"):
            raise DataError(split)
        return np.random.default_rng(0).random((20, 4, 4, 1), np.float32)


class DataOfAnotherShape(RightData):
    sample_shape = (4, 4, 3)


class DataOfPixels(RightData):
    value_range = (0.0, 255.0)

    def examples(self, split):
        return (255 * super().examples(split)).astype(np.uint8)


class DataWithNaN(RightData):
    def examples(self, split):
        samples = super().examples(split)
        samples[3, 0, 0, 0] = np.nan
        return samples


class DataOutOfRange(RightData):
    def examples(self, split):
        return 2 * super().examples(split)


class ShuffledData(RightData):
    def examples(self, split):
        return np.random.default_rng().permutation(super().examples(split))


class DataOfAnySplit(RightData):
    def examples(self, split):
        return super().examples("train")


class DataOfRelativeImages(RightData):
    def to_unit(self, samples):
        return samples / tf.reduce_max(samples)


class DataWithLabelsFromOne(RightData):
    num_classes = 5

    def examples(self, split):
        return super().examples(split), np.arange(20) % 5 + 1


class DataWithOneDensity(RightData):
    def sample(self, num, draws):
        return draws.uniform([num, 4, 4, 1])

    def log_density(self, samples):
        return tf.reduce_sum(samples)


class DataAugmentedAnyhow(RightData):
    def augment(self, samples, draws):
        return samples + tf.random.uniform([])


class RightEvaluator:
    def run(self, model, dataset):
        (samples,) = model.sample(50, seed=0)
        yield "mean", float(samples.mean()), {"num_samples": 50, "seed": 0}


class EvaluatorOfNothing(RightEvaluator):
    def run(self, model, dataset):
        yield "mean", -np.inf, {"num_samples": 50}


class EvaluatorWithoutProtocol(RightEvaluator):
    def run(self, model, dataset):
        yield "mean", 1.0, {"samples": np.zeros(3)}


class EvaluatorOfScalars(RightEvaluator):
    """Right: NumPy's scalars are taken as numbers."""

    def run(self, model, dataset):
        yield "mean", np.float32(1.0), {"num_samples": np.int64(50)}


class EvaluatorOfText(RightEvaluator):
    def run(self, model, dataset):
        yield "mean", "0.5", {"num_samples": 50}


class EvaluatorOfPairs(RightEvaluator):
    def run(self, model, dataset):
        yield "mean", 0.5


class EvaluatorThatReturnsNone(RightEvaluator):
    def run(self, model, dataset):
        return None


class EvaluatorThatCannotRun:
    pass


class EvaluatorThatPrints(RightEvaluator):
    def run(self, model, dataset):
        print("mean")
        yield from super().run(model, dataset)


class EvaluatorWithoutSeed(RightEvaluator):
    calls = itertools.count()

    def run(self, model, dataset):
        yield "mean", float(next(self.calls)), {"num_samples": 50}
