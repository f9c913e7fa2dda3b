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
        samples = layers.Conv2DTranspose(game.sample_shape[2], 5, 3)(hidden)
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


class Gan(keras.Model):
    """The guides' class with its two optimizers."""

    def __init__(self, game, rule):
        super().__init__()
        self.generator = generator(game)
        self.discriminator = discriminator(game)
        self.size = (game.batch_size, game.latent_dim)
        self.rule = rule

    def compile(self):
        """One optimizer for each player."""
        super().compile(optimizer=None, jit_compile=False)
        self.optimizers = [
            keras.optimizers.SGD(games.RATE, games.MOMENTUM) for _ in "gd"
        ]

    def train_step(self, real):
        """The chosen rule."""
        return getattr(self, self.rule)(real)

    def costs(self, real, fake):
        """D's and G's."""
        real_logits = self.discriminator(real, training=True)
        fake_logits = self.discriminator(fake, training=True)
        return (
            tf.reduce_mean(
                tf.nn.softplus(-real_logits) + tf.nn.softplus(fake_logits)
            )
            / 2,
            tf.reduce_mean(tf.nn.softplus(-fake_logits)),
        )

    def move(self, player, tape, cost):
        """One update of a player."""
        network = (self.generator, self.discriminator)[player]
        gradients = tape.gradient(cost, network.trainable_weights)
        self.optimizers[player].apply(gradients, network.trainable_weights)

    def simultaneous(self, real):
        """The 2014 code's rule."""
        with tf.GradientTape(persistent=True) as tape:
            fake = self.generator(tf.random.uniform(self.size, -1, 1))
            d_cost, g_cost = self.costs(real, fake)
        self.move(1, tape, d_cost)
        self.move(0, tape, g_cost)
        return {"d_cost": d_cost, "g_cost": g_cost}

    def alternating(self, real):
        """Algorithm 1."""
        fake = self.generator(tf.random.uniform(self.size, -1, 1))
        with tf.GradientTape() as tape:
            d_cost, _ = self.costs(real, fake)
        self.move(1, tape, d_cost)
        with tf.GradientTape() as tape:
            fake = self.generator(tf.random.uniform(self.size, -1, 1))
            logits = self.discriminator(fake, training=True)
            g_cost = tf.reduce_mean(tf.nn.softplus(-logits))
        self.move(0, tape, g_cost)
        return {"d_cost": d_cost, "g_cost": g_cost}


def make(name, rule):
    """The steps of a game."""
    game = games.GAMES[name]
    if isinstance(game, games.ResidualGame):
        raise SystemExit("plays no residual game")
    if rule == "sampling":
        net = generator(game)

        def sample(num):
            latents = np.random.uniform(
                -1, 1, (num * game.batch_size, game.latent_dim)
            )
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
