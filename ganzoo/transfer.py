"""Starting a game with weights of another run, layer by layer."""

import pathlib
from typing import Any

import keras
import numpy as np

from ganzoo.errors import ConfigurationError, RunError, did_you_mean
from ganzoo.gan import Gan
from ganzoo.storage import checkpoints


def initialize_from(
    gan: Gan,
    *,
    run: str,
    generator_layers: dict[str, str] | str = "same",
    discriminator_layers: dict[str, str] | str = "same",
    use_ema: bool = False,
) -> list[str]:
    """Starts the networks with weights of another run, layer by layer.

    Args:
        gan: The game to begin.
        run: The other run's directory; its newest whole checkpoint is read.
        generator_layers: {layer of this run: layer of that run}; "same" takes
            every layer that has its name and shapes there, at least one; {}
            takes none.
        discriminator_layers: Likewise.
        use_ema: Takes the averages of that run's generator.

    Returns:
        Lines that say, for each layer, what it took or why it did not.

    Raises:
        ConfigurationError: If layers are neither "same" nor a dict.
        RunError: If there is no checkpoint, if a layer that was asked for by
            name is not there or has another shape, or if "same" finds none;
            both sides are named.
    """
    folder = pathlib.Path(run) / "checkpoints"
    loaded = checkpoints.Checkpoints(folder).load()
    if loaded is None:
        raise RunError(
            f"`initialize_from.run` must be a run directory with a checkpoint. "
            f"Received: {run!r}, which has none in {folder}. Train that run "
            "first."
        )
    values, manifest = loaded
    lines = []
    for player, wanted in (
        ("generator", generator_layers),
        ("discriminator", discriminator_layers),
    ):
        theirs: dict[str, dict[str, np.ndarray]] = {}
        for name, path in manifest["paths"].items():
            group = name.split("/")[0]
            if group == player:
                layer, _, weight = path.rpartition("/")
                theirs.setdefault(layer, {})[weight] = values[name]
        if use_ema and player == "generator":
            _put_averages(theirs, manifest["paths"], values, run)
        network = getattr(gan, player)
        _check_form(player, wanted)
        lines += _initialize(network, player, theirs, wanted, run)
    if gan.ema:
        for average, weight in zip(
            gan.ema, gan.generator.trainable_variables, strict=True
        ):
            average.assign(weight)
    return lines


def _put_averages(
    theirs: dict, paths: dict[str, str], values: dict, run: str
) -> None:
    averages = {
        path: values[name]
        for name, path in paths.items()
        if name.startswith("generator_ema/")
    }
    if not averages:
        raise RunError(
            f"`initialize_from.use_ema` needs a run that keeps averages. "
            f"Received: {run!r}, which keeps none."
        )
    for path, value in averages.items():
        layer, _, weight = path.rpartition("/")
        theirs[layer][weight] = value


def _check_form(player: str, wanted: Any) -> None:
    if wanted != "same" and not isinstance(wanted, dict):
        raise ConfigurationError(
            f"`initialize_from.{player}_layers` must be 'same' or a dict "
            "{layer of this run: layer of that run}. Received: "
            f"{wanted!r}. Write {{'hidden_0': 'hidden_0'}} to take one layer."
        )


def _initialize(
    network: keras.Model, player: str, theirs: dict, wanted: Any, run: str
) -> list[str]:
    ours: dict[str, dict[str, Any]] = {}
    for variable in network.weights:
        layer, _, weight = variable.path.rpartition("/")
        ours.setdefault(layer, {})[weight] = variable
    by_name = wanted != "same"
    pairs = wanted if by_name else {layer: layer for layer in ours}
    lines, nothing = [], True
    for layer, source in pairs.items():
        if layer not in ours:
            raise RunError(
                f"`initialize_from.{player}_layers` names a layer {layer!r} "
                f"that this {player} does not have.{did_you_mean(layer, ours)} "
                f"It has: {', '.join(ours)}."
            )
        there = {w: v.shape for w, v in theirs.get(source, {}).items()}
        here = {w: tuple(v.shape) for w, v in ours[layer].items()}
        if there != here:
            reason = f"{source}: {there or 'not there'} in {run}, {here} here"
            if by_name:
                raise RunError(
                    f"`initialize_from.{player}_layers` must pair layers of "
                    f"the same shapes. Received: {layer} from {reason}. That "
                    f"run has: {', '.join(theirs)}."
                )
            lines.append(f"{player} {layer}: kept its own ({reason})")
            continue
        for weight, variable in ours[layer].items():
            variable.assign(theirs[source][weight])
        nothing = False
        lines.append(f"{player} {layer}: from {source} of {run}")
    if ours and not by_name and nothing:
        raise RunError(
            f'`initialize_from.{player}_layers` must name layers where "same" '
            f'finds none. Received: "same" for a {player} of '
            f"{_shapes(ours)}, and one of {_shapes(theirs)} in {run}. Pair "
            "them in a dict, or write {} to take nothing."
        )
    untouched = [layer for layer in ours if layer not in pairs]
    return lines + [f"{player} {layer}: kept its own" for layer in untouched]


def _shapes(layers: dict[str, dict[str, Any]]) -> str:
    """Such as "hidden_0 (64, 8) (8,)"."""
    return ", ".join(
        " ".join([name, *(str(tuple(w.shape)) for w in weights.values())])
        for name, weights in layers.items()
    )
