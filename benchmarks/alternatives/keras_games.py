"""The games in plain Keras, as its guides write a GAN: one graph a step."""

import math
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import games
import keras
import numpy as np
import tensorflow as tf
from keras import layers


def maxout(hidden, num_pieces):
    """The largest of `num_pieces` neighbours in the last axis."""
    *sizes, num = hidden.shape[1:]
    pieces = layers.Reshape((*sizes, num // num_pieces, num_pieces))(hidden)
    return keras.ops.max(pieces, axis=-1)


class UntiedBias(layers.Layer):
    """A bias for each pixel and channel."""

    def build(self, input_shape):
        self.bias = self.add_weight(input_shape[1:], "zeros")

    def call(self, inputs):
        return inputs + self.bias


def residual_generator(game):
    """Latents [B, 128] -> samples: Miyato et al. 2018, appendix B."""
    width = game.generator_width

    def normalized(hidden):
        hidden = layers.BatchNormalization(
            momentum=game.norm_momentum, epsilon=game.norm_epsilon
        )(hidden)
        return layers.ReLU()(hidden)

    def convolved(hidden, **options):
        return layers.Conv2D(width, 3, padding="same", **options)(hidden)

    latents = keras.Input((game.latent_dim,))
    hidden = layers.Dense(16 * width)(latents)
    hidden = layers.Reshape((4, 4, width))(hidden)
    for _ in range(3):
        # 1 x 1 before doubling is the same as after, and cheaper.
        shortcut = layers.UpSampling2D()(layers.Conv2D(width, 1)(hidden))
        hidden = layers.UpSampling2D()(normalized(hidden))
        # No bias before batch normalisation, which would take it out again.
        hidden = normalized(convolved(hidden, use_bias=False))
        hidden = layers.Add()([convolved(hidden), shortcut])
    samples = layers.Conv2D(
        game.sample_shape[2], 3, padding="same", activation="tanh"
    )(normalized(hidden))
    return keras.Model(latents, samples)


def residual_discriminator(game):
    """Samples -> logits [B, 1]; every kernel has spectral norm one."""
    width = game.discriminator_width

    def convolved(hidden, kernel_size):
        layer = layers.Conv2D(width, kernel_size, padding="same")
        return layers.SpectralNormalization(layer)(hidden)

    samples = keras.Input(game.sample_shape)
    hidden = samples
    for block in range(4):
        halves, shortcut = block < 2, hidden
        if halves:  # 1 x 1 after pooling is the same, and cheaper.
            shortcut = convolved(layers.AveragePooling2D(2)(hidden), 1)
        if block:
            hidden = layers.ReLU()(hidden)
        hidden = convolved(hidden, 3)
        hidden = convolved(layers.ReLU()(hidden), 3)
        if halves:
            hidden = layers.AveragePooling2D(2)(hidden)
        hidden = layers.Add()([hidden, shortcut])
    hidden = keras.ops.sum(layers.ReLU()(hidden), (1, 2))
    logits = layers.SpectralNormalization(layers.Dense(1))(hidden)
    return keras.Model(samples, logits)


def generator(game):
    """Latents [B, 100] -> samples [B, *sample_shape]."""
    latents = keras.Input((game.latent_dim,))
    hidden = latents
    for units, activation in zip(
        game.generator_units, game.generator_activations, strict=True
    ):
        hidden = layers.Dense(units, activation)(hidden)
    if game.grid:
        hidden = layers.Reshape(game.grid)(hidden)
        samples = layers.Conv2DTranspose(
            game.sample_shape[2], 5, 3, use_bias=False
        )(hidden)
        samples = UntiedBias()(samples)
    else:
        hidden = layers.Dense(
            math.prod(game.sample_shape), game.output_activation
        )(hidden)
        samples = layers.Reshape(game.sample_shape)(hidden)
    return keras.Model(latents, samples)


def discriminator(game):
    """Samples -> logits [B, 1]."""
    samples = keras.Input(game.sample_shape)
    hidden = layers.Dropout(0.2)(samples)
    for conv in game.convs:
        hidden = layers.ZeroPadding2D(conv.padding)(hidden)
        hidden = layers.Conv2D(2 * conv.filters, conv.kernel_size)(hidden)
        hidden = maxout(hidden, 2)
        over = -(hidden.shape[1] - conv.pool_size) % conv.pool_strides
        hidden = layers.ZeroPadding2D(((0, over), (0, over)))(hidden)
        hidden = layers.MaxPooling2D(conv.pool_size, conv.pool_strides)(hidden)
        hidden = layers.Dropout(0.5)(hidden)
    hidden = layers.Flatten()(hidden)
    for units in game.maxout_units:
        hidden = layers.Dense(units * game.num_pieces)(hidden)
        hidden = layers.Dropout(0.5)(maxout(hidden, game.num_pieces))
    return keras.Model(samples, layers.Dense(1)(hidden))


def nets(game):
    """G and D of a game."""
    if isinstance(game, games.ResidualGame):
        return residual_generator(game), residual_discriminator(game)
    return generator(game), discriminator(game)


class Gan(keras.Model):
    """The guides' class with its two optimizers."""

    def __init__(self, game, rule):
        super().__init__()
        self.generator, self.discriminator = nets(game)
        self.game = game
        self.is_residual = isinstance(game, games.ResidualGame)
        self.rule = rule

    def compile(self):
        """One optimizer for each player."""
        super().compile(optimizer=None, jit_compile=False)
        self.optimizers = [self.new_optimizer() for _ in "gd"]

    def new_optimizer(self):
        """The game's."""
        if self.is_residual:
            return keras.optimizers.Adam(
                self.game.rate, *self.game.betas, self.game.epsilon
            )
        return keras.optimizers.SGD(games.RATE, games.MOMENTUM)

    def train_step(self, real):
        """The chosen rule."""
        return getattr(self, self.rule)(real)

    def generate(self):
        """Fakes of fresh latents."""
        size = (self.game.batch_size, self.game.latent_dim)
        if self.game.is_gaussian:
            latents = tf.random.normal(size)
        else:
            latents = tf.random.uniform(size, -1, 1)
        return self.generator(latents, training=True)

    def d_cost(self, real_logits, fake_logits):
        """D's."""
        if self.is_residual:
            return tf.reduce_mean(
                tf.nn.relu(1 - real_logits) + tf.nn.relu(1 + fake_logits)
            )
        return (
            tf.reduce_mean(
                tf.nn.softplus(-real_logits) + tf.nn.softplus(fake_logits)
            )
            / 2
        )

    def g_cost(self, fake_logits):
        """G's."""
        if self.is_residual:
            return -tf.reduce_mean(fake_logits)
        return tf.reduce_mean(tf.nn.softplus(-fake_logits))

    def move(self, player, tape, cost):
        """One update of a player."""
        network = (self.generator, self.discriminator)[player]
        gradients = tape.gradient(cost, network.trainable_weights)
        self.optimizers[player].apply(gradients, network.trainable_weights)

    def simultaneous(self, real):
        """The 2014 code's rule."""
        with tf.GradientTape(persistent=True) as tape:
            fake = self.generate()
            real_logits = self.discriminator(real, training=True)
            fake_logits = self.discriminator(fake, training=True)
            d_cost = self.d_cost(real_logits, fake_logits)
            g_cost = self.g_cost(fake_logits)
        self.move(1, tape, d_cost)
        self.move(0, tape, g_cost)
        return {"d_cost": d_cost, "g_cost": g_cost}

    def alternating(self, real):
        """Algorithm 1."""
        both = tf.concat([real, self.generate()], axis=0)
        with tf.GradientTape() as tape:
            logits = self.discriminator(both, training=True)
            d_cost = self.d_cost(*tf.split(logits, 2))
        self.move(1, tape, d_cost)
        with tf.GradientTape() as tape:
            logits = self.discriminator(self.generate(), training=True)
            g_cost = self.g_cost(logits)
        self.move(0, tape, g_cost)
        return {"d_cost": d_cost, "g_cost": g_cost}


def make(name, rule):
    """The steps of a game."""
    game = games.GAMES[name]
    if rule == "sampling":
        net, _ = nets(game)
        rng = np.random.default_rng(0)

        def sample(num):
            size = (num * game.batch_size, game.latent_dim)
            if game.is_gaussian:
                latents = rng.standard_normal(size, np.float32)
            else:
                latents = rng.uniform(-1, 1, size).astype(np.float32)
            net.predict(latents, game.batch_size, verbose=0)

        return sample
    shape = (games.NUM_EXAMPLES, *game.sample_shape)
    data = np.random.default_rng(0).random(shape, np.float32)
    iterator = iter(
        tf.data.Dataset.from_tensor_slices(data)
        .shuffle(1000)
        .repeat()
        .batch(game.batch_size, drop_remainder=True)
        .prefetch(2)
    )
    gan = Gan(game, rule)
    gan.compile()
    for optimizer, net in zip(
        gan.optimizers, (gan.generator, gan.discriminator), strict=True
    ):
        optimizer.build(net.trainable_weights)
    gan.make_train_function()
    step = gan.train_function

    def run(num):
        for _ in range(num):
            logs = step(iterator)
        float(logs["g_cost"])

    return run


if __name__ == "__main__":
    games.serve(make)
