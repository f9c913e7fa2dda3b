"""Whether two networks can play: shapes, dtypes and batch statistics."""

from collections.abc import Callable
from typing import Any

import keras

from ganzoo import randomness
from ganzoo.errors import ComponentError


def check_networks(
    generator: keras.Model,
    discriminator: keras.Model,
    latents: Callable,
    sample_shape: tuple[int, ...] | None = None,
    condition_spec: Any = None,
) -> tuple[int, ...]:
    """Calls both networks on symbols, which also builds them.

    Args:
        generator: See `ganzoo.interfaces.Generator`.
        discriminator: See `ganzoo.interfaces.Discriminator`.
        latents: The prior; its `latent_dim` is the length of z.
        sample_shape: The data's; None takes what the generator makes.
        condition_spec: Of one condition, or None.

    Returns:
        The shape of one sample.

    Raises:
        ComponentError: If the shapes disagree; both are named.
    """
    z = _symbol((latents.latent_dim,))
    made = _call(generator, z, condition_spec, "generator")
    made_shape = tuple(made.shape[1:])
    if None in made_shape:
        raise ComponentError(
            f"Generator {generator.name!r} must make samples of a fixed shape. "
            f"Received: shape {tuple(made.shape)} from z [batch, "
            f"{latents.latent_dim}]."
        )
    if sample_shape is not None and made_shape != tuple(sample_shape):
        raise ComponentError(
            f"Generator {generator.name!r} must make samples of the data's shape "
            f"{tuple(sample_shape)}. Received: shape {made_shape} from z [batch, "
            f"{latents.latent_dim}]. Choose a generator or a data set that fits."
        )
    logits = _call(
        discriminator, _symbol(made_shape), condition_spec, "discriminator"
    )
    if tuple(logits.shape[1:]) != (1,):
        raise ComponentError(
            f"Discriminator {discriminator.name!r} must return logits of shape "
            f"[batch, 1]. Received: shape {tuple(logits.shape)}, dtype "
            f"{keras.backend.standardize_dtype(logits.dtype)}."
        )
    return made_shape


def has_batch_statistics(network: keras.Model) -> bool:
    """Whether one example's output depends on the rest of the batch."""
    return any(
        isinstance(layer, keras.layers.BatchNormalization)
        for layer in network._flatten_layers()
    )


def _symbol(shape: tuple[int, ...]) -> keras.KerasTensor:
    return keras.KerasTensor((None, *shape), dtype=randomness.variable_dtype())


def _call(
    network: keras.Model, inputs: Any, condition_spec: Any, role: str
) -> keras.KerasTensor:
    if not isinstance(network, keras.Model):
        raise ComponentError(
            f"The {role} must be a keras.Model. Received: {network!r}. A factory "
            "returns the model; core calls it."
        )
    shape = tuple(inputs.shape)
    if condition_spec is not None:
        inputs = [inputs, condition_spec]
    try:
        return network(inputs)
    except Exception as error:
        what = "z" if role == "generator" else "samples"
        raise ComponentError(
            f"{role.capitalize()} {network.name!r} cannot be called on {what} of "
            f"shape {shape}"
            + (" with a condition" if condition_spec is not None else "")
            + f". {type(error).__name__}: {error}"
        ) from error
