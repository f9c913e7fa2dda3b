"""What a step has to take: its arithmetic at the rate of matrix products.

The multiplications of the layers as the recipe has them, products with padding
among them, at the rate of the largest matrix product of the game; then the
optimizer's pass over weights, velocities and gradients at the bandwidth of a
sum of arrays. Both rates are of this run. A 3 x 3 convolution of a doubled map,
or one that is halved, counts as 4 x 4 products for each pixel of the small map,
as ganzoo computes it. Other arithmetic for the same function (Winograd's) can
take less.
"""

import math
import os
import pathlib
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

# Read w, v, g and write w, v: float32. As many for Adam with beta_1 = 0, whose
# first moment is g.
BYTES_PER_WEIGHT = 20


def layers(game):
    """(products for an example, weights) of each layer: G's, and D's."""
    if hasattr(game, "discriminator_width"):
        return residual_layers(game)
    of_g, num_in = [], game.latent_dim
    for units in game.generator_units:
        of_g.append((num_in * units, (num_in + 1) * units))
        num_in = units
    channels, num = game.sample_shape[2], math.prod(game.sample_shape)
    if game.grid:
        num_kernel = 25 * game.grid[2] * channels  # A bias for each pixel.
        of_g.append((math.prod(game.grid[:2]) * num_kernel, num_kernel + num))
    else:
        of_g.append((num_in * num, (num_in + 1) * num))
    of_d, (size, _, num_in) = [], game.sample_shape
    for conv in game.convs:
        size += 2 * conv.padding - conv.kernel_size + 1
        num_kernel = conv.kernel_size**2 * num_in * 2 * conv.filters
        of_d.append((size**2 * num_kernel, num_kernel + 2 * conv.filters))
        size = -(-(size - conv.pool_size) // conv.pool_strides) + 1
        num_in = conv.filters
    num_in *= size**2
    for units in game.maxout_units:
        columns = units * game.num_pieces
        of_d.append((num_in * columns, (num_in + 1) * columns))
        num_in = units
    return of_g, [*of_d, (num_in, num_in + 1)]


def residual_layers(game):
    """As `layers`, of the nets of Miyato et al. 2018, appendix B."""

    def conv(area, num_in, num_out, size=3, num_others=None, taps=None):
        products = area * (taps or size**2) * num_in * num_out
        # Beside the kernel: by default a bias.
        num_others = num_out if num_others is None else num_others
        return products, size**2 * num_in * num_out + num_others

    side, _, channels = game.sample_shape
    width = game.generator_width
    norm = 2 * width  # A scale and a shift for each channel.
    of_g = [(game.latent_dim * 16 * width, (game.latent_dim + 1) * 16 * width)]
    for area in (8**2, 16**2, 32**2):
        of_g.append(conv(area // 4, width, width, size=1))
        of_g.append(conv(area // 4, width, width, num_others=norm, taps=16))
        of_g.append(conv(area, width, width, num_others=norm + width))
    of_g.append(conv(side**2, width, channels, num_others=norm + channels))
    width = game.discriminator_width
    # The first convolution and the first shortcut read the sample: one entry.
    ends = zip(
        conv(32**2, channels, width),
        conv(16**2, channels, width, size=1),
        strict=True,
    )
    of_d = [tuple(map(sum, ends)), conv(16**2, width, width, taps=16)]
    of_d += [conv(16**2, width, width), conv(8**2, width, width, taps=16)]
    of_d += [conv(8**2, width, width, 1)] + 4 * [conv(8**2, width, width)]
    return of_g, [*of_d, (width, width + 1)]


def step(game, rule):
    """(floating-point operations, bytes of the optimizers) of a step, k = 1.

    A pass back through D for G needs, beside D's own, the gradient by the fakes
    alone: rows that D's cost has passed back are G's but for a factor.
    """
    of_g, of_d = layers(game)
    g, d = (sum(products for products, _ in net) for net in (of_g, of_d))
    first_g, first_d = of_g[0][0], of_d[0][0]
    train_g = g + g + (g - first_g)  # Forward, by weights, by what is below.
    train_d = 2 * (d + d + (d - first_d))  # Of examples and of fakes.
    if rule == "simultaneous":
        products = train_g + train_d + first_d
    else:
        products = (g + train_d) + (train_g + d + d)
    num_weights = sum(num for _, num in [*of_g, *of_d])
    return 2 * game.batch_size * products, BYTES_PER_WEIGHT * num_weights


def rates(game):
    """(operations a second, bytes a second), measured."""
    import tensorflow as tf

    if hasattr(game, "discriminator_width"):
        # The last 3 x 3 convolution of width to width, as a product.
        num_out = game.generator_width
        num_in, num_rows = 9 * num_out, game.batch_size * 32**2
    else:
        sizes = [game.latent_dim, *game.generator_units]
        pairs = zip(sizes, sizes[1:], strict=False)
        num_in, num_out = max(pairs, key=math.prod)
        num_rows = 2 * game.batch_size
    batch = tf.random.normal([num_rows, num_in])
    kernel = tf.random.normal([num_in, num_out])
    product = tf.function(lambda a, b: tf.matmul(a, b))
    operations = 2 * len(batch) * num_in * num_out
    weights = tf.Variable(tf.random.normal([2**24]))  # 64 MiB.
    change = tf.random.normal([2**24])
    return (
        operations / _best(lambda: product(batch, kernel)),
        # In place: new memory would cost more than what is done to it.
        12 * 2**24 / _best(lambda: weights.assign_add(change)),
    )


def _best(function, seconds=0.5):
    function()
    best, end = math.inf, time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        function()
        best = min(best, time.perf_counter() - start)
    return best


def main():
    """Prints [milliseconds, GFLOP, GFLOP/s, GB/s] of GAME RULE."""
    here = pathlib.Path(__file__).parent
    sys.path.insert(0, str(here / "alternatives"))
    from games import GAMES

    game = GAMES[sys.argv[1]]
    operations, num_bytes = step(game, sys.argv[2])
    per_second, bandwidth = rates(game)
    milliseconds = 1e3 * (operations / per_second + num_bytes / bandwidth)
    print([milliseconds, operations / 1e9, per_second / 1e9, bandwidth / 1e9])


if __name__ == "__main__":
    main()
