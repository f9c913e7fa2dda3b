"""Networks cut at a hidden layer: what lies below it, and what above."""

import contextlib

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
    output, or this and the condition that `network` takes beside its input:
    then it is called with [output, condition].
    """
    hidden = _layer(network, layer, what).output
    ways = [hidden]
    if len(network.inputs) > 1:
        ways.append([hidden, network.input[1]])
    for inputs in ways:
        with contextlib.suppress(ValueError):
            return keras.Model(inputs, network.outputs[0])
    raise ConfigurationError(
        f"`{what}` must be a layer whose output decides, alone or with the "
        f"condition, about the output of {network.name!r}. Received: "
        f"{layer!r}, beside which other ways lead from the input. Choose a "
        "layer behind them."
    )


def _layer(network: keras.Model, layer: str, what: str) -> keras.layers.Layer:
    layers = _layers(network, what)
    names = [candidate.name for candidate in layers if not _is_graph(candidate)]
    if layer in names:
        return network.get_layer(layer)
    for inner in filter(_is_graph, layers):
        if layer in (inner.name, *(part.name for part in inner.layers)):
            raise ConfigurationError(
                f"`{what}` must be a layer of {network.name!r} itself. "
                f"Received: {layer!r}, of the model {inner.name!r} within it, "
                "as a generator is behind a prior that learns. Choose of: "
                f"{', '.join(names)}."
            )
    raise ConfigurationError(
        f"`{what}` must be a layer of {network.name!r}. Received: "
        f"{layer!r}.{did_you_mean(layer, names)} It has: {', '.join(names)}."
    )


def _is_graph(layer: keras.layers.Layer) -> bool:
    """Whether it is a model with layers of its own, in a graph of its own."""
    return isinstance(layer, keras.Model) and bool(
        getattr(layer, "inputs", None)
    )


def _taken_by_last(network: keras.Model, what: str) -> keras.KerasTensor:
    for last in reversed(_layers(network, what)):
        if _is_graph(last) or isinstance(last.input, (list, tuple, dict)):
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
    if not _is_graph(network):
        raise ConfigurationError(
            f"`{what}` needs a network whose layers can be seen: a functional "
            f"or a sequential keras.Model. Received: {network.name!r}, a "
            f"{type(network).__name__}."
        )
    return network.layers
