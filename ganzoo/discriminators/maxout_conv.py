"""The convolutional maxout discriminator of the 2014 paper."""

from collections.abc import Iterable, Sequence
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
from ganzoo.discriminators.maxout_mlp import hidden_dropouts, maxout_logits
from ganzoo.errors import ConfigurationError


def build_discriminator(
    sample_shape: tuple[int, int, int],
    filters: Sequence[int] = (32, 32, 192),
    kernel_size: int | Sequence[int] = (8, 8, 5),
    padding: int | Sequence[int] = (4, 3, 3),
    pool_size: int | Sequence[int] = (4, 4, 2),
    pool_strides: int | Sequence[int] = 2,
    conv_num_pieces: int = 2,
    hidden_units: Sequence[int] = (500,),
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
    """Convolutional maxout discriminator: Goodfellow et al. 2014, section 5.

    Maxout convolutions, then dense maxout. The defaults are the original
    cifar10_convolutional.yaml's. Dropout is applied to the input of every
    layer, the logit's included. Layers are named conv_0, conv_1, ...,
    hidden_0, ... and output.

    Args:
        sample_shape: (height, width, channels) of one sample.
        filters: Output channels of each convolution, from the sample upwards.
        kernel_size: Height and width of a kernel, in pixels: one for all
            convolutions, or one for each, as in the next three.
        padding: Rows and columns of zeros at each of the four sides.
        pool_size: Height and width of a pooling window, in pixels.
        pool_strides: Distance of pooling windows, in pixels.
        conv_num_pieces: Linear functions for each output channel.
        hidden_units: Units of each dense maxout layer.
        num_pieces: Linear functions for each of these units.
        input_dropout: Probability of dropping an entry of a sample.
        hidden_dropout: Probability of dropping a hidden entry: one, or one for
            each layer, convolutions first.
        input_scale: Factor of the entries of a sample that are kept. None: 1 /
            (1 - input_dropout), which keeps the mean.
        hidden_scale: Likewise of hidden entries: one, or one for each layer.
        init_range: Kernels start at U(-init_range, init_range).
        max_column_norm: Maximum norm of the weights into a unit, in every
            layer; each piece of a maxout unit is a column of its own.
        num_classes: Of the data's labels.
        condition_spec: Of the data's condition: labels, which become constant
            channels beside the sample's, without dropout. Of a masked example,
            the mask.

    Returns:
        Model: float [B, *sample_shape] -> logits [B, 1]; with a condition,
        called on [samples, condition].

    Raises:
        ConfigurationError: If a sequence does not fit the number of
            convolutions or layers, a size, rate or scale is out of range, or
            the samples are too small.
    """
    _check_images(sample_shape)
    num_convs = len(filters)
    kernel_sizes = factories.per_layer("kernel_size", kernel_size, num_convs)
    paddings = factories.per_layer("padding", padding, num_convs)
    pool_sizes = factories.per_layer("pool_size", pool_size, num_convs)
    strides = factories.per_layer("pool_strides", pool_strides, num_convs)
    samples = keras.Input(sample_shape, dtype=randomness.variable_dtype())
    names = [f"conv_dropout_{index}" for index in range(num_convs)]
    names += [f"dropout_{index}" for index in range(len(hidden_units))]
    dropouts = hidden_dropouts(names, hidden_dropout, hidden_scale)
    drop = layers.Dropout(
        input_dropout, scale=input_scale, name="input_dropout"
    )
    condition = conditions.symbols(condition_spec)
    hidden = conditions.stacked(
        drop(samples), conditions.beside_image(condition), num_classes
    )
    hidden = _convolved(
        hidden,
        zip(filters, kernel_sizes, paddings, pool_sizes, strides, strict=True),
        conv_num_pieces,
        dropouts,
        init_range,
        max_column_norm,
    )
    logits = maxout_logits(
        hidden,
        hidden_units,
        num_pieces,
        dropouts[num_convs:],
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


def _convolved(
    hidden: keras.KerasTensor,
    settings: Iterable[tuple[int, int, int, int, int]],
    num_pieces: int,
    dropouts: Sequence[layers.Dropout],
    init_range: float,
    max_column_norm: float | None,
) -> keras.KerasTensor:
    constraint = factories.max_column_norm_constraint(
        max_column_norm, axis=(0, 1, 2)
    )
    for index, setting in enumerate(settings):
        filters, kernel_size, padding, pool_size, pool_strides = setting
        hidden = maxout.MaxoutConv2D(
            filters,
            kernel_size,
            num_pieces,
            padding,
            pool_size,
            pool_strides,
            kernel_initializer=initializers.uniform(init_range),
            kernel_constraint=constraint,
            name=f"conv_{index}",
        )(hidden)
        hidden = dropouts[index](hidden)
    return keras.layers.Flatten(name="flat_features")(hidden)


def _check_images(sample_shape: tuple[int, ...]) -> None:
    if len(sample_shape) != 3:
        raise ConfigurationError(
            "`sample_shape` of `discriminators.maxout_conv` must be (height, "
            f"width, channels). Received: sample_shape={tuple(sample_shape)}. "
            "Use `discriminators.maxout_mlp` for samples of this shape."
        )
