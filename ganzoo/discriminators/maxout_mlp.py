"""The maxout discriminator of the 2014 paper."""

from collections.abc import Sequence
from typing import Any

import keras

from ganzoo import (
    conditions,
    factories,
    initializers,
    layers,
    maxout,
    randomness,
)


def build_discriminator(
    sample_shape: tuple[int, ...],
    hidden_units: Sequence[int] = (240, 240),
    num_pieces: int = 5,
    input_dropout: float = 0.2,
    hidden_dropout: float | Sequence[float] = 0.5,
    input_scale: float | None = None,
    hidden_scale: float | Sequence[float] | None = None,
    init_range: float = 0.005,
    max_column_norm: float | None = None,
    num_classes: int | None = None,
    condition_spec: Any = None,
) -> keras.Model:
    """Fully connected maxout discriminator: Goodfellow et al. 2014, section 5.

    The defaults are the original mnist.yaml's. Dropout is applied to the input
    of every layer, the logit's included. Layers are named hidden_0, hidden_1,
    ... and output.

    Args:
        sample_shape: Shape of one sample, of any rank.
        hidden_units: Units of each hidden layer, from the sample upwards.
        num_pieces: Linear functions for each unit.
        input_dropout: Probability of dropping an entry of a sample.
        hidden_dropout: Probability of dropping a hidden unit: one, or one for
            each hidden layer.
        input_scale: Factor of the entries of a sample that are kept. None: 1 /
            (1 - input_dropout), which keeps the mean.
        hidden_scale: Likewise of hidden units: one, or one for each layer.
        init_range: Kernels start at U(-init_range, init_range).
        max_column_norm: Maximum norm of the weights into a unit, in every
            layer; each piece of a maxout unit is a column of its own.
        num_classes: Of the data's labels.
        condition_spec: Of the data's condition: it goes in beside the sample,
            without dropout. Of a masked example, the mask.

    Returns:
        Model: float [B, *sample_shape] -> logits [B, 1]; with a condition,
        called on [samples, condition].

    Raises:
        ConfigurationError: If a size, a dropout rate or a scale is out of
            range, or a sequence does not fit the number of layers.
    """
    samples = keras.Input(sample_shape, dtype=randomness.variable_dtype())
    hidden = keras.layers.Flatten(name="flat_samples")(samples)
    hidden = layers.Dropout(
        input_dropout, scale=input_scale, name="input_dropout"
    )(hidden)
    condition = conditions.symbols(condition_spec)
    hidden = conditions.joined(
        hidden, conditions.beside_image(condition), num_classes
    )
    logits = maxout_logits(
        hidden,
        hidden_units,
        num_pieces,
        hidden_dropouts(
            [f"dropout_{index}" for index in range(len(hidden_units))],
            hidden_dropout,
            hidden_scale,
        ),
        init_range,
        max_column_norm,
    )
    discriminator = keras.Model(
        conditions.with_condition(samples, condition),
        logits,
        name="discriminator",
    )
    discriminator.mixes_examples = False
    return discriminator


def hidden_dropouts(
    names: Sequence[str],
    hidden_dropout: float | Sequence[float],
    hidden_scale: float | Sequence[float] | None,
) -> list[layers.Dropout]:
    """Dropout for each hidden layer, in order.

    Args:
        names: Of the dropout layers.
        hidden_dropout: Probability of dropping a unit: one, or one for each.
        hidden_scale: Factor of what is kept: one, or one for each.
    """
    rates = factories.per_layer("hidden_dropout", hidden_dropout, len(names))
    scales = factories.per_layer("hidden_scale", hidden_scale, len(names))
    return [
        layers.Dropout(rate, scale=scale, name=name)
        for name, rate, scale in zip(names, rates, scales, strict=True)
    ]


def maxout_logits(
    hidden: keras.KerasTensor,
    hidden_units: Sequence[int],
    num_pieces: int,
    dropouts: Sequence[layers.Dropout],
    init_range: float,
    max_column_norm: float | None,
) -> keras.KerasTensor:
    """Dense maxout layers, dropout behind each, and the logit: [B, 1].

    Args:
        hidden: Features [B, n]; dropout has been applied to them.
        hidden_units: Units of each layer.
        num_pieces: Linear functions for each unit.
        dropouts: What stands behind each layer.
        init_range: Kernels start at U(-init_range, init_range).
        max_column_norm: Maximum norm of the weights into a unit.
    """
    constraint = factories.max_column_norm_constraint(max_column_norm)
    for index, units in enumerate(hidden_units):
        hidden = maxout.MaxoutDense(
            units,
            num_pieces,
            kernel_initializer=initializers.uniform(init_range),
            kernel_constraint=constraint,
            name=f"hidden_{index}",
        )(hidden)
        hidden = dropouts[index](hidden)
    logits = keras.layers.Dense(
        1,
        kernel_initializer=initializers.uniform(init_range),
        kernel_constraint=constraint,
        dtype=factories.output_dtype(),
        name="output",
    )(hidden)
    return logits
