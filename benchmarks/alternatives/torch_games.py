"""The games in PyTorch: `torch_games.py GAME RULE [compiled]`."""

import math
import sys

import games
import torch
from torch import nn
from torch.nn import functional as F

ACTIVATIONS = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid, None: nn.Identity}


class Maxout(nn.Module):
    """The largest of several linear functions; pieces lie apart."""

    def __init__(self, num_in, units, num_pieces):
        super().__init__()
        self.linear = nn.Linear(num_in, units * num_pieces)
        self.shape = (-1, num_pieces, units)

    def forward(self, x):
        return self.linear(x).view(self.shape).amax(1)


class MaxoutConv(nn.Module):
    """Convolution, maximum of two pieces, pooling."""

    def __init__(self, num_in, conv):
        super().__init__()
        self.conv = nn.Conv2d(
            num_in, 2 * conv.filters, conv.kernel_size, padding=conv.padding
        )
        self.pool = nn.MaxPool2d(
            conv.pool_size, conv.pool_strides, ceil_mode=True
        )

    def forward(self, x):
        return self.pool(torch.maximum(*self.conv(x).chunk(2, 1)))


class UntiedBias(nn.Module):
    """A bias for each pixel and channel."""

    def __init__(self, *shape):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(shape))

    def forward(self, x):
        return x + self.bias


class Block(nn.Module):
    """A residual block: what it adds, and how a shortcut has its shape."""

    def __init__(self, added, shortcut):
        super().__init__()
        self.added, self.shortcut = nn.Sequential(*added), shortcut

    def forward(self, x):
        return self.added(x) + self.shortcut(x)


class SummedMap(nn.Module):
    """The sum over each map."""

    def forward(self, x):
        return x.sum((2, 3))


def residual_generator(game):
    """Latents [B, 128] -> samples: Miyato et al. 2018, appendix B."""
    width, layers = game.generator_width, []

    def normalized():
        momentum = 1 - game.norm_momentum  # Of what is new.
        return [nn.BatchNorm2d(width, game.norm_epsilon, momentum), nn.ReLU()]

    for _ in range(3):
        added = [*normalized(), nn.Upsample(scale_factor=2)]
        # No bias before batch normalisation, which would take it out again.
        added += [nn.Conv2d(width, width, 3, padding=1, bias=False)]
        added += [*normalized(), nn.Conv2d(width, width, 3, padding=1)]
        # 1 x 1 before doubling is the same as after, and cheaper.
        shortcut = [nn.Conv2d(width, width, 1), nn.Upsample(scale_factor=2)]
        layers.append(Block(added, nn.Sequential(*shortcut)))
    return nn.Sequential(
        nn.Linear(game.latent_dim, 16 * width),
        nn.Unflatten(1, (width, 4, 4)),
        *layers,
        *normalized(),
        nn.Conv2d(width, game.sample_shape[2], 3, padding=1),
        nn.Tanh(),
    )


def residual_discriminator(game):
    """Samples -> logits [B, 1]; every kernel has spectral norm one."""
    width, layers, num_in = game.discriminator_width, [], game.sample_shape[2]

    def conv(num_in, size):
        layer = nn.Conv2d(num_in, width, size, padding=size // 2)
        return nn.utils.parametrizations.spectral_norm(layer)

    for block in range(4):
        is_first, halves = block == 0, block < 2
        pool = [nn.AvgPool2d(2)] if halves else []
        added = [] if is_first else [nn.ReLU()]
        added += [conv(num_in, 3), nn.ReLU(), conv(width, 3), *pool]
        # 1 x 1 after pooling is the same, and cheaper.
        shortcut = [*pool, conv(num_in, 1)] if halves else []
        layers.append(Block(added, nn.Sequential(*shortcut)))
        num_in = width
    last = nn.utils.parametrizations.spectral_norm(nn.Linear(width, 1))
    return nn.Sequential(*layers, nn.ReLU(), SummedMap(), last)


def generator(game):
    """Latents [B, 100] -> samples [B, channels, height, width]."""
    height, width, channels = game.sample_shape
    layers, num_in = [], game.latent_dim
    for units, activation in zip(
        game.generator_units, game.generator_activations, strict=True
    ):
        layers += [nn.Linear(num_in, units), ACTIVATIONS[activation]()]
        num_in = units
    if game.grid:
        h, w, c = game.grid
        layers += [
            nn.Unflatten(1, (c, h, w)),
            nn.ConvTranspose2d(c, channels, 5, 3, bias=False),
            UntiedBias(channels, height, width),
        ]
    else:
        layers += [
            nn.Linear(num_in, math.prod(game.sample_shape)),
            ACTIVATIONS[game.output_activation](),
            nn.Unflatten(1, (channels, height, width)),
        ]
    return nn.Sequential(*layers)


def discriminator(game):
    """Samples -> logits [B, 1]."""
    layers, num_in = [nn.Dropout(0.2)], game.sample_shape[2]
    for conv in game.convs:
        layers += [MaxoutConv(num_in, conv), nn.Dropout(0.5)]
        num_in = conv.filters
    layers.append(nn.Flatten())
    height, width, channels = game.sample_shape
    probe = torch.zeros(1, channels, height, width)
    num_in = nn.Sequential(*layers)(probe).shape[1]
    for units in game.maxout_units:
        layers += [Maxout(num_in, units, game.num_pieces), nn.Dropout(0.5)]
        num_in = units
    return nn.Sequential(*layers, nn.Linear(num_in, 1))


def make(name, rule):
    """The steps of a game."""
    game = games.GAMES[name]
    is_residual = isinstance(game, games.ResidualGame)
    if is_residual:
        net_g, net_d = residual_generator(game), residual_discriminator(game)
    else:
        net_g, net_d = generator(game), discriminator(game)
    weights_g, weights_d = list(net_g.parameters()), list(net_d.parameters())
    if is_residual or game.convs:  # PyTorch's advice for convolutions on CPUs.
        net_d = net_d.to(memory_format=torch.channels_last)
        net_g = net_g.to(memory_format=torch.channels_last)
    optimizers = [
        torch.optim.Adam(
            weights, game.rate, game.betas, game.epsilon, fused=True
        )
        if is_residual
        else torch.optim.SGD(weights, games.RATE, games.MOMENTUM, fused=True)
        for weights in (weights_g, weights_d)
    ]
    height, width, channels = game.sample_shape
    data = torch.rand(games.NUM_EXAMPLES, channels, height, width)
    if "compiled" in sys.argv:
        # Under this rule both players pass back through one graph.
        torch._functorch.config.donated_buffer = rule != "simultaneous"
        net_g, net_d = torch.compile(net_g), torch.compile(net_d)

    if rule == "sampling":
        net_g.eval()  # Batch normalisation by its moving statistics.

    def draw():
        if game.is_gaussian:
            return torch.randn(game.batch_size, game.latent_dim)
        return torch.rand(game.batch_size, game.latent_dim) * 2 - 1

    def g_cost(logits):
        return -logits.mean() if is_residual else F.softplus(-logits).mean()

    def d_cost(real_logits, fake_logits):
        if is_residual:
            return (F.relu(1 - real_logits) + F.relu(1 + fake_logits)).mean()
        return (F.softplus(-real_logits) + F.softplus(fake_logits)).mean() / 2

    def apply(optimizer, weights, gradients):
        for weight, gradient in zip(weights, gradients, strict=True):
            weight.grad = gradient
        optimizer.step()

    def simultaneous(real):
        fake = net_g(draw())
        fake_logits = net_d(fake)
        cost = d_cost(net_d(real), fake_logits)
        of_d = torch.autograd.grad(cost, weights_d, retain_graph=True)
        of_g = torch.autograd.grad(g_cost(fake_logits), weights_g)
        apply(optimizers[1], weights_d, of_d)
        apply(optimizers[0], weights_g, of_g)

    def alternating(real):
        with torch.no_grad():
            fake = net_g(draw())
        logits = net_d(torch.cat([real, fake]))
        cost = d_cost(*logits.chunk(2))
        apply(optimizers[1], weights_d, torch.autograd.grad(cost, weights_d))
        cost = g_cost(net_d(net_g(draw())))
        apply(optimizers[0], weights_g, torch.autograd.grad(cost, weights_g))

    rules = {"simultaneous": simultaneous, "alternating": alternating}

    def run(num):
        for _ in range(num):
            rules[rule](
                data[torch.randint(games.NUM_EXAMPLES, (game.batch_size,))]
            )

    @torch.inference_mode()
    def sample(num):
        for _ in range(num):
            net_g(draw()).numpy()

    return sample if rule == "sampling" else run


if __name__ == "__main__":
    games.serve(make)
