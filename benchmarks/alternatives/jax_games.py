"""The games in JAX: `jax_games.py GAME RULE`.

A net is a function of its weights and of what it keeps beside them: the moving
statistics of batch normalisation, the vectors of spectral normalisation.
"""

import functools
import math
import os

# The last line of an error is then the error.
os.environ.setdefault("JAX_TRACEBACK_FILTERING", "off")

import games
import jax
import jax.numpy as jnp
import numpy as np

ACTIVATIONS = {
    "relu": jax.nn.relu,
    "sigmoid": jax.nn.sigmoid,
    None: lambda x: x,
}
LAYOUT = ("NHWC", "HWIO", "NHWC")
# XLA's gradient by the kernel takes two to three times as long for a batch as
# for its parts.
PART = 16
# Threefry, the default, takes several times as long on CPUs.
jax.config.update("jax_default_prng_impl", "unsafe_rbg")


def kernel(rng, *shape):
    """A kernel alone."""
    return jnp.asarray(rng.uniform(-0.05, 0.05, shape).astype(np.float32))


def uniform(rng, *shape):
    """A kernel and its bias."""
    return kernel(rng, *shape), jnp.zeros(shape[-1])


def convolved(hidden, kernel, padding):
    """A convolution, part of the batch by part."""
    paddings = [(padding, padding)] * 2
    starts = list(range(PART, len(hidden), PART))
    parts = [
        jax.lax.conv_general_dilated(
            part, kernel, (1, 1), paddings, dimension_numbers=LAYOUT
        )
        for part in jnp.split(hidden, starts)
    ]
    return jnp.concatenate(parts)


def generate(game, weights, kept, latents, is_training):
    """Latents [B, 100] -> samples [B, *sample_shape], and what is kept."""
    hidden = latents
    layers = list(weights)
    kernel, bias = layers.pop()
    for layer, name in zip(layers, game.generator_activations, strict=True):
        hidden = ACTIVATIONS[name](hidden @ layer[0] + layer[1])
    if game.grid:
        hidden = hidden.reshape(-1, *game.grid)
        samples = jax.lax.conv_transpose(
            hidden, kernel, (3, 3), "VALID", dimension_numbers=LAYOUT
        )
        return samples + bias, kept
    samples = ACTIVATIONS[game.output_activation](hidden @ kernel + bias)
    return samples.reshape(-1, *game.sample_shape), kept


def drop(key, hidden, rate):
    """Dropout."""
    is_kept = jax.random.bernoulli(key, 1 - rate, hidden.shape)
    return jnp.where(is_kept, hidden / (1 - rate), 0)


def judge(game, weights, kept, samples, key):
    """Samples -> logits [B], and what is kept."""
    keys = iter(jax.random.split(key, len(weights) + 1))
    layers = iter(weights)
    hidden = drop(next(keys), samples, 0.2)
    for conv in game.convs:
        kernel, bias = next(layers)
        hidden = convolved(hidden, kernel, conv.padding) + bias
        hidden = jnp.maximum(*jnp.split(hidden, 2, axis=-1))
        stride = conv.pool_strides
        over = []
        for n in hidden.shape[1:3]:
            last = -(-(n - conv.pool_size) // stride) * stride
            over.append((0, last + conv.pool_size - n))
        hidden = jax.lax.reduce_window(
            hidden,
            -jnp.inf,
            jax.lax.max,
            (1, conv.pool_size, conv.pool_size, 1),
            (1, stride, stride, 1),
            [(0, 0), *over, (0, 0)],
        )
        hidden = drop(next(keys), hidden, 0.5)
    hidden = hidden.reshape(len(hidden), -1)
    for units in game.maxout_units:
        kernel, bias = next(layers)
        hidden = (hidden @ kernel + bias).reshape(-1, game.num_pieces, units)
        hidden = drop(next(keys), hidden.max(axis=1), 0.5)
    kernel, bias = next(layers)
    return (hidden @ kernel + bias)[:, 0], kept


def initial(game):
    """Weights of both nets, and what they keep: nothing."""
    rng = np.random.default_rng(0)
    of_g, num_in = [], game.latent_dim
    for units in game.generator_units:
        of_g.append(uniform(rng, num_in, units))
        num_in = units
    if game.grid:
        last = kernel(rng, 5, 5, game.grid[2], game.sample_shape[2])
        of_g.append((last, jnp.zeros(game.sample_shape)))
    else:
        of_g.append(uniform(rng, num_in, math.prod(game.sample_shape)))
    of_d, (size, _, num_in) = [], game.sample_shape
    for conv in game.convs:
        kernel_size = (conv.kernel_size,) * 2
        of_d.append(uniform(rng, *kernel_size, num_in, 2 * conv.filters))
        size += 2 * conv.padding - conv.kernel_size + 1
        size = -(-(size - conv.pool_size) // conv.pool_strides) + 1
        num_in = conv.filters
    num_in *= size**2
    for units in game.maxout_units:
        of_d.append(uniform(rng, num_in, units * game.num_pieces))
        num_in = units
    return (of_g, [*of_d, uniform(rng, num_in, 1)]), ((), ())


def doubled(hidden):
    """Each pixel as two by two."""
    num, height, width, channels = hidden.shape
    shape = (num, height, 2, width, 2, channels)
    hidden = jnp.broadcast_to(hidden[:, :, None, :, None], shape)
    return hidden.reshape(num, 2 * height, 2 * width, channels)


def halved(hidden):
    """The mean of each two by two pixels."""
    num, height, width, channels = hidden.shape
    shape = (num, height // 2, 2, width // 2, 2, channels)
    return hidden.reshape(shape).mean((2, 4))


def normalized(game, hidden, weights, moving, is_training):
    """Batch normalisation, and its moving mean and variance."""
    scale, shift = weights
    mean, variance = moving
    if is_training:
        mean = hidden.mean((0, 1, 2))
        # One pass for both moments, as Flax does it.
        variance = jnp.square(hidden).mean((0, 1, 2)) - mean**2
        momentum = game.norm_momentum
        moving = tuple(
            momentum * before + (1 - momentum) * now
            for before, now in zip(moving, (mean, variance), strict=True)
        )
    scale = scale * jax.lax.rsqrt(variance + game.norm_epsilon)
    return hidden * scale + (shift - mean * scale), moving


def residual_generate(game, weights, kept, latents, is_training):
    """Latents [B, 128] -> samples: Miyato et al. 2018, appendix B."""
    layers, moving, moved = iter(weights), iter(kept), []

    def rectified(hidden):
        hidden, moments = normalized(
            game, hidden, next(layers), next(moving), is_training
        )
        moved.append(moments)
        return jax.nn.relu(hidden)

    kernel, bias = next(layers)
    hidden = latents @ kernel + bias
    hidden = hidden.reshape(-1, 4, 4, game.generator_width)
    for _ in range(3):
        kernel, bias = next(layers)
        # 1 x 1 before doubling is the same as after, and cheaper.
        shortcut = doubled(hidden @ kernel + bias)
        hidden = doubled(rectified(hidden))
        hidden = rectified(convolved(hidden, next(layers), 1))
        kernel, bias = next(layers)
        hidden = convolved(hidden, kernel, 1) + bias + shortcut
    hidden = rectified(hidden)
    kernel, bias = next(layers)
    return jnp.tanh(convolved(hidden, kernel, 1) + bias), moved


def unit(vector):
    """The vector over its length."""
    return vector / (jnp.linalg.norm(vector) + 1e-12)


def residual_judge(game, weights, kept, samples, key):
    """Samples -> logits [B]; every kernel has spectral norm one."""
    layers, vectors, turned = iter(weights), iter(kept), []

    def spectral():
        kernel, bias = next(layers)
        matrix = kernel.reshape(-1, kernel.shape[-1])
        constant = jax.lax.stop_gradient(matrix)
        u = unit(unit(constant @ next(vectors)) @ constant)
        turned.append(u)
        return kernel / (unit(constant @ u) @ matrix @ u), bias

    def added_to(shortcut, hidden, is_first, halves):
        hidden = hidden if is_first else jax.nn.relu(hidden)
        kernel, bias = spectral()
        hidden = jax.nn.relu(convolved(hidden, kernel, 1) + bias)
        kernel, bias = spectral()
        hidden = convolved(hidden, kernel, 1) + bias
        return (halved(hidden) if halves else hidden) + shortcut

    hidden = samples
    for block in range(4):
        halves, shortcut = block < 2, hidden
        if halves:  # 1 x 1 after pooling is the same, and cheaper.
            kernel, bias = spectral()
            shortcut = halved(hidden) @ kernel + bias
        hidden = added_to(shortcut, hidden, block == 0, halves)
    kernel, bias = spectral()
    return (jax.nn.relu(hidden).sum((1, 2)) @ kernel + bias)[:, 0], turned


def residual_initial(game):
    """Weights of both nets; moving statistics and vectors."""
    rng, width = np.random.default_rng(0), game.generator_width
    norm = jnp.ones(width), jnp.zeros(width)
    of_g = [uniform(rng, game.latent_dim, 16 * width)]
    for _ in range(3):
        of_g += [uniform(rng, width, width), norm]
        # No bias before batch normalisation, which would take it out again.
        of_g += [kernel(rng, 3, 3, width, width), norm]
        of_g.append(uniform(rng, 3, 3, width, width))
    of_g += [norm, uniform(rng, 3, 3, width, game.sample_shape[2])]
    width, num_in, of_d = game.discriminator_width, game.sample_shape[2], []
    for block in range(4):
        if block < 2:
            of_d.append(uniform(rng, num_in, width))
        of_d.append(uniform(rng, 3, 3, num_in, width))
        of_d.append(uniform(rng, 3, 3, width, width))
        num_in = width
    of_d.append(uniform(rng, width, 1))
    moving = 7 * [norm[::-1]]
    vectors = [
        jnp.asarray(rng.standard_normal(len(bias)), jnp.float32)
        for _, bias in of_d
    ]
    return (of_g, of_d), (moving, vectors)


def descent(weights, speeds, gradients):
    """Gradient descent with momentum."""
    speeds = jax.tree.map(
        lambda v, g: games.MOMENTUM * v - games.RATE * g, speeds, gradients
    )
    return jax.tree.map(jnp.add, weights, speeds), speeds


def adam(game, weights, moments, gradients):
    """Kingma & Ba 2015; moments: first, second, and how many updates."""
    (first, second, num), (beta_1, beta_2) = moments, game.betas
    num = num + 1
    first = jax.tree.map(
        lambda m, g: beta_1 * m + (1 - beta_1) * g, first, gradients
    )
    second = jax.tree.map(
        lambda v, g: beta_2 * v + (1 - beta_2) * g**2, second, gradients
    )
    rate = game.rate * jnp.sqrt(1 - beta_2**num) / (1 - beta_1**num)
    weights = jax.tree.map(
        lambda w, m, v: w - rate * m / (jnp.sqrt(v) + game.epsilon),
        weights,
        first,
        second,
    )
    return weights, (first, second, num)


def costs(game):
    """D's cost of logits of examples and fakes; G's of fakes."""
    relu, softplus = jax.nn.relu, jax.nn.softplus
    if isinstance(game, games.ResidualGame):
        return (
            lambda real, fake: jnp.mean(relu(1 - real) + relu(1 + fake)),
            lambda fake: -jnp.mean(fake),
        )
    return (
        lambda real, fake: jnp.mean(softplus(-real) + softplus(fake)) / 2,
        lambda fake: jnp.mean(softplus(-fake)),
    )


class Play:
    """A game: its nets, costs, optimizer and rules."""

    def __init__(self, game):
        self.game = game
        is_residual = isinstance(game, games.ResidualGame)
        nets = (
            (residual_generate, residual_judge)
            if is_residual
            else (generate, judge)
        )
        self.generate, self.judge = (
            functools.partial(net, game) for net in nets
        )
        self.d_cost, self.g_cost = costs(game)
        self.move = functools.partial(adam, game) if is_residual else descent

    def start(self):
        """Weights of both nets, what they keep, what their optimizers do."""
        is_residual = isinstance(self.game, games.ResidualGame)
        make = residual_initial if is_residual else initial
        weights, kept = make(self.game)
        moments = jax.tree.map(jnp.zeros_like, weights)
        if is_residual:
            moments = tuple((zeros, zeros, jnp.zeros(())) for zeros in moments)
        # A step's memory is its state's: nothing may be there twice.
        return jax.tree.map(jnp.copy, (weights, kept, moments))

    def draw(self, key):
        """Latents."""
        shape = (self.game.batch_size, self.game.latent_dim)
        if self.game.is_gaussian:
            return jax.random.normal(key, shape)
        return jax.random.uniform(key, shape, minval=-1, maxval=1)

    def simultaneous(self, state, real, keys):
        """The 2014 code's rule."""
        (of_g, of_d), (kept_g, kept_d), (moments_g, moments_d) = state
        fake, back_g, kept_g = jax.vjp(
            lambda of_g: self.generate(of_g, kept_g, self.draw(keys[0]), True),
            of_g,
            has_aux=True,
        )
        real_logits, back_real, kept_d = jax.vjp(
            lambda of_d: self.judge(of_d, kept_d, real, keys[2]),
            of_d,
            has_aux=True,
        )
        fake_logits, back_fake, kept_d = jax.vjp(
            lambda of_d, fake: self.judge(of_d, kept_d, fake, keys[1]),
            of_d,
            fake,
            has_aux=True,
        )
        slopes = jax.grad(self.d_cost, (0, 1))(real_logits, fake_logits)
        by_d = jax.tree.map(
            jnp.add, back_real(slopes[0])[0], back_fake(slopes[1])[0]
        )
        slope = jax.grad(self.g_cost)(fake_logits)
        (by_g,) = back_g(back_fake(slope)[1])
        of_d, moments_d = self.move(of_d, moments_d, by_d)
        of_g, moments_g = self.move(of_g, moments_g, by_g)
        return (of_g, of_d), (kept_g, kept_d), (moments_g, moments_d)

    def alternating(self, state, real, keys):
        """Algorithm 1."""
        (of_g, of_d), (kept_g, kept_d), (moments_g, moments_d) = state
        fake, kept_g = self.generate(of_g, kept_g, self.draw(keys[0]), True)

        def cost_of_d(of_d):
            both = jnp.concatenate([real, fake])
            logits, kept = self.judge(of_d, kept_d, both, keys[1])
            return self.d_cost(*jnp.split(logits, 2)), kept

        by_d, kept_d = jax.grad(cost_of_d, has_aux=True)(of_d)
        of_d, moments_d = self.move(of_d, moments_d, by_d)

        def cost_of_g(of_g):
            fake, kept = self.generate(of_g, kept_g, self.draw(keys[2]), True)
            logits, kept_too = self.judge(of_d, kept_d, fake, keys[3])
            return self.g_cost(logits), (kept, kept_too)

        by_g, kept = jax.grad(cost_of_g, has_aux=True)(of_g)
        of_g, moments_g = self.move(of_g, moments_g, by_g)
        return (of_g, of_d), kept, (moments_g, moments_d)


def make(name, rule):
    """The steps of a game."""
    game = games.GAMES[name]
    play, key = Play(game), jax.random.key(0)
    state = play.start()
    if rule == "sampling":
        (of_g, _), (kept_g, _), _ = state

        @jax.jit
        def sampled(of_g, kept_g, number):
            latents = play.draw(jax.random.fold_in(key, number))
            return play.generate(of_g, kept_g, latents, False)[0]

        def sample(num):
            for i in range(num):
                np.asarray(sampled(of_g, kept_g, i))

        return sample
    shape = (games.NUM_EXAMPLES, *game.sample_shape)
    data = np.random.default_rng(0).random(shape, np.float32)
    rng = np.random.default_rng(1)

    @functools.partial(jax.jit, donate_argnums=0)
    def step(state, real, number):
        keys = jax.random.split(jax.random.fold_in(key, number), 4)
        return getattr(play, rule)(state, real, keys)

    def run(num):
        nonlocal state
        for _ in range(num):
            rows = rng.integers(games.NUM_EXAMPLES, size=game.batch_size)
            state = step(state, data[rows], rng.integers(2**31))
        jax.block_until_ready(state)

    return run


if __name__ == "__main__":
    games.serve(make)
