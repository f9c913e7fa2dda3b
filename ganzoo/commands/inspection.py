"""What a recipe comes to, before anything is trained: `--dry_run`.

The game is built as for training; no run directory is made or written.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import keras
import tensorflow as tf

from ganzoo.configuration import Configuration, configured
from ganzoo.gan import Gan

_MIB = 2**20


def describe_run(configuration: Configuration) -> str:
    """Components, bindings, all networks layer by layer, memory.

    Args:
        configuration: Activated.

    Raises:
        GanzooError: If the game cannot be built.
    """
    experiment = configured("experiment")()
    dataset = experiment.dataset
    examples = dataset.examples("train")
    with experiment.strategy.scope():
        gan = configured("build_gan")(dataset, examples, experiment.seed or 0)
    return "\n\n".join(
        [
            "components\n" + _indented(configuration.components_text()),
            "bindings\n" + _indented(configuration.config_text()),
            _layers("generator", gan.generator),
            _layers("discriminator", gan.discriminator),
            *(_layers(found.name, found.network) for found in gan.companions),
            _memory(gan),
        ]
    )


def _layers(player: str, network: keras.Model) -> str:
    """Each layer's name, class, output shape and number of parameters."""
    rows = [
        (
            layer.name,
            type(layer).__name__,
            _output_shape(layer),
            f"{layer.count_params():,}",
        )
        for layer in network.layers
    ]
    return _table(f"{player}: {network.name}", rows)


def _output_shape(layer: keras.layers.Layer) -> str:
    """As the layer says, which one outside of a functional model cannot."""
    try:
        return str(layer.output.shape)
    except AttributeError:
        return ""


def _memory(gan: Gan) -> str:
    """Numbers and MiB of all that is kept on each replica."""
    kept = {}
    for player, (network, optimizer) in gan.players.items():
        kept[player] = network.variables
        kept[f"{player} optimizer"] = optimizer.variables
    kept["generator average (EMA)"] = gan.ema
    rows = [_size(name, variables) for name, variables in kept.items()]
    every = [variable for variables in kept.values() for variable in variables]
    return _table("memory on each replica", [*rows, _size("in all", every)])


def _size(name: str, variables: Iterable[Any]) -> tuple[str, str, str]:
    numbers = num_bytes = 0
    for variable in variables:
        count = math.prod(variable.shape)
        numbers += count
        num_bytes += count * tf.as_dtype(variable.dtype).size
    return name, f"{numbers:,} numbers", f"{num_bytes / _MIB:,.1f} MiB"


def _table(title: str, rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return _indented(f"{title}\n" + "\n".join(lines)).strip()


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
