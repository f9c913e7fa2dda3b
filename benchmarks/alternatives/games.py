"""What is played: the sizes of each recipe's nets. Standard library only.

Every contestant plays the same game: the nets of a recipe with their dropout,
the non-saturating loss with half of D's, gradient descent with momentum, on
noise that lies in memory. None averages weights. The residual game is another
one: nets of a quarter of the recipe's channels, hinge loss, Adam, k = 1.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

NUM_EXAMPLES = 20_000
RATE, MOMENTUM = 0.05, 0.5


class Conv(NamedTuple):
    """A maxout convolution of two pieces, pooled."""

    filters: int
    kernel_size: int
    padding: int
    pool_size: int
    pool_strides: int = 2


class Game(NamedTuple):
    """Sizes, as in the recipe of the same name."""

    sample_shape: tuple[int, int, int]
    batch_size: int
    generator_units: tuple[int, ...]
    generator_activations: tuple[str, ...]
    output_activation: str | None
    maxout_units: tuple[int, ...]
    convs: tuple[Conv, ...] = ()
    grid: tuple[int, int, int] | None = None  # Of a deconvolution, 5 by 3.
    num_pieces: int = 5
    latent_dim: int = 100
    is_gaussian: bool = False  # The prior; else it is uniform.


class ResidualGame(NamedTuple):
    """The nets of SNGAN: three blocks that double, four of which two halve."""

    sample_shape: tuple[int, int, int] = (32, 32, 3)
    batch_size: int = 64
    latent_dim: int = 128
    is_gaussian: bool = True
    generator_width: int = 64
    discriminator_width: int = 32
    rate: float = 0.0002
    betas: tuple[float, float] = (0.0, 0.9)
    epsilon: float = 1e-7  # Adam's; the other one is batch normalisation's.
    norm_epsilon: float = 1e-3
    norm_momentum: float = 0.9


GAMES = {
    "resnet": ResidualGame(),
    "mnist_mlp": Game(
        (28, 28, 1), 100, (1200, 1200), ("relu", "relu"), "sigmoid", (240, 240)
    ),
    "cifar_mlp": Game(
        (32, 32, 3),
        100,
        (8000, 8000),
        ("relu", "sigmoid"),
        None,
        (1600, 1600),
        is_gaussian=True,
    ),
    "cifar_conv": Game(
        (32, 32, 3),
        128,
        (8000, 8000),
        ("relu", "sigmoid"),
        None,
        (500,),
        (Conv(32, 8, 4, 4), Conv(32, 8, 3, 4), Conv(192, 5, 3, 2)),
        (10, 10, 80),
        is_gaussian=True,
    ),
}


def serve(make: Callable[[str, str], Callable[[int], None]]) -> None:
    """A contestant's process: lines with a number in, seconds out.

    Args:
        make: (name of the game, of the rule or "sampling") -> a function that
            does so many steps, or makes so many batches of samples, and
            returns when they are done.
    """
    start = time.perf_counter()
    run = make(*sys.argv[1:3])
    run(1)
    print(json.dumps({"ready": time.perf_counter() - start}), flush=True)
    for line in sys.stdin:
        start = time.perf_counter()
        run(int(line))
        print(json.dumps(time.perf_counter() - start), flush=True)
