"""Networks cut at a hidden layer: what lies below it, and what above."""

import keras

from ganzoo.errors import ConfigurationError, did_you_mean


def below(network: keras.Model, layer: str | None, what: str) -> keras.Model:
    """The network up to a layer, which it shares with the whole.

    Args:
        network: Functional or sequential.
        layer: Name of the layer whose output is wanted. None: what the last
            layer with weights takes.
        what: How a message calls the setting that names the layer.

    Returns:
        Model: the network's inputs -> the layer's output.

    Raises:
        ConfigurationError: If there is no such layer or no single output.
    """
    if layer is None:
        hidden = _taken_by_last(network, what)
    else:
        hidden = _layer(network, layer, what).output
    alone = len(network.inputs) == 1  # A sequential one has no `input`.
    return keras.Model(network.inputs[0] if alone else network.input, hidden)


def above(network: keras.Model, layer: str, what: str) -> keras.Model:
    """The network from a layer's output on, which it shares with the whole.

    Args and errors are those of `below`; the rest must need nothing but this
    output.
    """
    hidden = _layer(network, layer, what).output
    try:
        return keras.Model(hidden, network.outputs[0])
    except ValueError as error:
        raise ConfigurationError(
            f"`{what}` must be a layer whose output alone decides about the "
            f"output of {network.name!r}. Received: {layer!r}, beside which "
            "other ways lead from the input. Choose a layer behind them."
        ) from error


def _layer(network: keras.Model, layer: str, what: str) -> keras.layers.Layer:
    names = [candidate.name for candidate in _layers(network, what)]
    if layer not in names:
        raise ConfigurationError(
            f"`{what}` must be a layer of {network.name!r}. Received: "
            f"{layer!r}.{did_you_mean(layer, names)} It has: "
            f"{', '.join(names)}."
        )
    return network.get_layer(layer)


def _taken_by_last(network: keras.Model, what: str) -> keras.KerasTensor:
    for last in reversed(_layers(network, what)):
        if isinstance(last.input, (list, tuple, dict)):
            break
        if last.weights:
            return last.input
    names = [layer.name for layer in network.layers]
    raise ConfigurationError(
        f"`{what}` must name a layer where it is not plain which is the last. "
        f"Received: None for {network.name!r}, which ends in {last.name!r}. It "
        f"has: {', '.join(names)}."
    )


def _layers(network: keras.Model, what: str) -> list[keras.layers.Layer]:
    if not getattr(network, "inputs", None):
        raise ConfigurationError(
            f"`{what}` needs a network whose layers can be seen: a functional "
            f"or a sequential keras.Model. Received: {network.name!r}, a "
            f"{type(network).__name__}."
        )
    return network.layers
