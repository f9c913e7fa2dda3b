"""What the factories of the built-in nets share, so that they read alike."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from ganzoo.errors import ConfigurationError, did_you_mean


def output_dtype() -> str:
    """The dtype of a net's last layers: the policy's, but at least float32.

    Under a 16-bit policy, logits and samples would lose the digits that losses
    and evaluators live on.
    """
    compute_dtype = keras.config.dtype_policy().compute_dtype
    return "float32" if tf.as_dtype(compute_dtype).size < 4 else compute_dtype


def per_layer(name: str, value: Any, num_layers: int) -> tuple:
    """One value for each layer: `value` itself if it is a sequence of them.

    Raises:
        ConfigurationError: If `value` is a sequence of another length.
    """
    if isinstance(value, str) or not isinstance(value, Sequence):
        return (value,) * num_layers
    if len(value) != num_layers:
        raise ConfigurationError(
            f"`{name}` must be one value, or one for each of the {num_layers} "
            f"layers that it is about. Received: {name}={value!r}."
        )
    return tuple(value)


@keras.saving.register_keras_serializable("ganzoo")
def clip_to_unit(values: Any) -> Any:
    """min(max(x, 0), 1): pylearn2's `HardSigmoid`; Keras' has another slope."""
    return keras.ops.clip(values, 0, 1)


def activation(name: str | None) -> Any:
    """An activation by its name: `clip_to_unit`, or one of Keras'.

    None is the identity.

    Raises:
        ConfigurationError: If there is none.
    """
    if name == clip_to_unit.__name__:
        return clip_to_unit
    try:
        return keras.activations.get(name)
    except ValueError as error:
        known = [entry for entry in dir(keras.activations) if entry[0] != "_"]
        raise ConfigurationError(
            "An activation must be one that Keras knows. Received: "
            f"{name!r}.{did_you_mean(str(name), known)}"
        ) from error


def max_column_norm_constraint(
    max_column_norm: float | None, axis: int | Sequence[int] = 0
) -> keras.constraints.Constraint | None:
    """After each update, columns longer than the maximum are cut back to it.

    W <- W clip(|W|, 0, max) / (1e-7 + |W|) over `axis`, the fan-in of a unit:
    pylearn2's `max_col_norm`, as Keras' `MaxNorm` has it. None: no constraint.
    """
    if max_column_norm is None:
        return None
    return keras.constraints.MaxNorm(max_column_norm, axis=axis)
