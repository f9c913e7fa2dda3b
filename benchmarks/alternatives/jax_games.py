"""The games in JAX: `jax_games.py GAME RULE`."""

import functools
import math

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
# Threefry, the default, takes several times as long on CPUs.
jax.config.update("jax_default_prng_impl", "unsafe_rbg")


def uniform(rng, *shape):
    """A kernel and its bias."""
    kernel = rng.uniform(-0.05, 0.05, shape).astype(np.float32)
    return jnp.asarray(kernel), jnp.zeros(shape[-1])


def generate(game, weights, latents):
    """Latents [B, 100] -> samples [B, *sample_shape]."""
    hidden = latents
    layers = list(weights)
    last = layers.pop()
    for (kernel, bias), name in zip(
        layers, game.generator_activations, strict=True
    ):
        hidden = ACTIVATIONS[name](hidden @ kernel + bias)
    kernel, bias = last
    if game.grid:
        hidden = hidden.reshape(-1, *game.grid)
        return bias + jax.lax.conv_transpose(
            hidden, kernel, (3, 3), "VALID", dimension_numbers=LAYOUT
        )
    samples = ACTIVATIONS[game.output_activation](hidden @ kernel + bias)
    return samples.reshape(-1, *game.sample_shape)


def drop(key, hidden, rate):
    """Dropout."""
    kept = jax.random.bernoulli(key, 1 - rate, hidden.shape)
    return jnp.where(kept, hidden / (1 - rate), 0)


def judge(game, weights, samples, key):
    """Samples -> logits [B]."""
    keys = iter(jax.random.split(key, len(weights) + 1))
    layers = iter(weights)
    hidden = drop(next(keys), samples, 0.2)
    for conv in game.convs:
        kernel, bias = next(layers)
        padding = [(conv.padding, conv.padding)] * 2
        hidden = bias + jax.lax.conv_general_dilated(
            hidden, kernel, (1, 1), padding, dimension_numbers=LAYOUT
        )
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
    return (hidden @ kernel + bias)[:, 0]


def initial(game):
    """Weights of both nets."""
    rng = np.random.default_rng(0)
    of_g, num_in = [], game.latent_dim
    for units in game.generator_units:
        of_g.append(uniform(rng, num_in, units))
        num_in = units
    if game.grid:
        of_g.append(uniform(rng, 5, 5, game.grid[2], game.sample_shape[2]))
    else:
        of_g.append(uniform(rng, num_in, math.prod(game.sample_shape)))
    of_d, (size, _, num_in) = [], game.sample_shape
    for conv in game.convs:
        kernel_size = (conv.kernel_size,) * 2
        of_d.append(uniform(rng, *kernel_size, num_in, 2 * conv.filters))
        size += 2 * conv.padding - conv.kernel_size + 1
        size = -(-(size - conv.pool_size) // conv.pool_strides) + 1
        num_in = conv.filters
    num_in *= size**2 if game.convs else math.prod(game.sample_shape[:2])
    for units in game.maxout_units:
        of_d.append(uniform(rng, num_in, units * game.num_pieces))
        num_in = units
    return of_g, [*of_d, uniform(rng, num_in, 1)]


def make(name, rule):
    """The steps of a game."""
    game = games.GAMES[name]
    if isinstance(game, games.ResidualGame):
        raise SystemExit("plays no residual game")
    shape = (games.NUM_EXAMPLES, *game.sample_shape)
    data = np.random.default_rng(0).random(shape, np.float32)

    def draw(key):
        shape = (game.batch_size, game.latent_dim)
        return jax.random.uniform(key, shape, minval=-1, maxval=1)

    def d_cost(real_logits, fake_logits):
        return 0.5 * jnp.mean(
            jax.nn.softplus(-real_logits) + jax.nn.softplus(fake_logits)
        )

    def g_cost(fake_logits):
        return jnp.mean(jax.nn.softplus(-fake_logits))

    def moved(weights, speeds, gradients):
        speeds = jax.tree.map(
            lambda v, g: games.MOMENTUM * v - games.RATE * g, speeds, gradients
        )
        return jax.tree.map(jnp.add, weights, speeds), speeds

    def simultaneous(state, real, keys):
        (of_g, of_d), (speed_g, speed_d) = state
        fake, back_g = jax.vjp(
            lambda weights: generate(game, weights, draw(keys[0])), of_g
        )
        fake_logits, back_fake = jax.vjp(
            lambda *inputs: judge(game, *inputs, keys[1]), of_d, fake
        )
        real_logits, back_real = jax.vjp(
            lambda weights: judge(game, weights, real, keys[2]), of_d
        )
        slopes = jax.grad(d_cost, (0, 1))(real_logits, fake_logits)
        by_d = jax.tree.map(
            jnp.add, back_real(slopes[0])[0], back_fake(slopes[1])[0]
        )
        by_g = back_g(back_fake(jax.grad(g_cost)(fake_logits))[1])[0]
        of_d, speed_d = moved(of_d, speed_d, by_d)
        of_g, speed_g = moved(of_g, speed_g, by_g)
        return (of_g, of_d), (speed_g, speed_d)

    def alternating(state, real, keys):
        (of_g, of_d), (speed_g, speed_d) = state
        fake = generate(game, of_g, draw(keys[0]))

        def cost_of_d(weights):
            both = jnp.concatenate([real, fake])
            return d_cost(*jnp.split(judge(game, weights, both, keys[1]), 2))

        of_d, speed_d = moved(of_d, speed_d, jax.grad(cost_of_d)(of_d))

        def cost_of_g(weights):
            made = generate(game, weights, draw(keys[2]))
            return g_cost(judge(game, of_d, made, keys[3]))

        of_g, speed_g = moved(of_g, speed_g, jax.grad(cost_of_g)(of_g))
        return (of_g, of_d), (speed_g, speed_d)

    rules = {"simultaneous": simultaneous, "alternating": alternating}
    weights = initial(game)
    rng = np.random.default_rng(1)
    key = jax.random.key(0)
    if rule == "sampling":
        sampled = jax.jit(functools.partial(generate, game, weights[0]))

        def sample(num):
            for i in range(num):
                np.asarray(sampled(draw(jax.random.fold_in(key, i))))

        return sample
    state = weights, jax.tree.map(jnp.zeros_like, weights)

    @functools.partial(jax.jit, donate_argnums=0)
    def step(state, real, number):
        keys = jax.random.split(jax.random.fold_in(key, number), 4)
        return rules[rule](state, real, keys)

    def run(num):
        nonlocal state
        for _ in range(num):
            rows = rng.integers(games.NUM_EXAMPLES, size=game.batch_size)
            state = step(state, data[rows], rng.integers(2**31))
        jax.block_until_ready(state)

    return run


if __name__ == "__main__":
    games.serve(make)
