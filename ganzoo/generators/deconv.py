"""The "deconvolutional" generator of the 2014 paper (Fig. 2d)."""

from typing import Any

import keras

from ganzoo import conditions, factories, initializers, layers, randomness
from ganzoo.errors import ConfigurationError


def build_generator(
    sample_shape: tuple[int, int, int],
    latent_dim: int,
    hidden_units: int = 8000,
    base_channels: int = 80,
    kernel_size: int = 5,
    strides: int = 3,
    output_activation: str | None = None,
    init_range: float = 0.05,
    max_column_norm: float | None = None,
    num_classes: int | None = None,
    condition_spec: Any = None,
) -> keras.Model:
    """Two dense layers, then one transposed convolution with a bias per pixel.

    Goodfellow et al. 2014, section 5; the defaults are the original
    cifar10_convolutional.yaml's: rectifiers, a sigmoid grid of 10 x 10 x 80,
    and a linear transposed convolution to 32 x 32 x 3. The grid follows from
    `sample_shape`: size = strides (grid - 1) + kernel_size. Layers are named
    hidden_0, hidden_1 (the grid), output and output_bias.

    Args:
        sample_shape: (height, width, channels) of one sample.
        latent_dim: Length of z.
        hidden_units: Units of the rectifier layer.
        base_channels: Channels of the sigmoid grid.
        kernel_size: Height and width of the kernel, in pixels.
        strides: Distance in the image of neighbours in the grid, in pixels.
        output_activation: Keras activation of the output; None: the identity.
        init_range: Kernels start at U(-init_range, init_range).
        max_column_norm: Maximum norm of the weights into a unit, in the two
            dense layers.
        num_classes: Of the data's labels.
        condition_spec: Of the data's condition: it goes in beside z, labels as
            rows of the identity. Of a masked example the visible part comes
            out as it went in.

    Returns:
        Model: float [B, latent_dim] -> float [B, *sample_shape]; with a
        condition, called on [latents, condition].

    Raises:
        ConfigurationError: If no grid gives `sample_shape`, or if the
            activation is unknown.
    """
    grid = _base_grid(sample_shape, kernel_size, strides)
    constraint = factories.max_column_norm_constraint(max_column_norm)
    latents = keras.Input((latent_dim,), dtype=randomness.variable_dtype())
    condition = conditions.symbols(condition_spec)
    hidden = conditions.joined(latents, condition, num_classes)
    hidden = keras.layers.Dense(
        hidden_units,
        activation="relu",
        kernel_initializer=initializers.uniform(init_range),
        kernel_constraint=constraint,
        name="hidden_0",
    )(hidden)
    hidden = keras.layers.Dense(
        grid[0] * grid[1] * base_channels,
        activation="sigmoid",
        kernel_initializer=initializers.uniform(init_range),
        kernel_constraint=constraint,
        name="hidden_1",
    )(hidden)
    hidden = keras.layers.Reshape((*grid, base_channels), name="grid")(hidden)
    samples = keras.layers.Conv2DTranspose(
        sample_shape[-1],
        kernel_size,
        strides,
        use_bias=False,
        kernel_initializer=initializers.uniform(init_range),
        dtype=factories.output_dtype(),
        name="output",
    )(hidden)
    samples = layers.UntiedBias(
        dtype=factories.output_dtype(), name="output_bias"
    )(samples)
    samples = keras.layers.Activation(
        factories.activation(output_activation),
        dtype=factories.output_dtype(),
        name="samples",
    )(samples)
    return keras.Model(
        conditions.with_condition(latents, condition),
        conditions.composited(samples, condition),
        name="generator",
    )


def _base_grid(
    sample_shape: tuple[int, ...], kernel_size: int, strides: int
) -> tuple[int, int]:
    if len(sample_shape) != 3:
        raise ConfigurationError(
            "`sample_shape` of `generators.deconv` must be (height, width, "
            f"channels). Received: sample_shape={tuple(sample_shape)}. Use "
            "`generators.mlp` for samples of this shape."
        )
    image_size = list(sample_shape[:2])
    grid = [max((size - kernel_size) // strides, 0) + 1 for size in image_size]
    reached = [strides * (size - 1) + kernel_size for size in grid]
    if reached != image_size:
        nearest = (*reached, sample_shape[-1])
        raise ConfigurationError(
            "`generators.deconv` must give samples of the data's shape "
            f"{tuple(sample_shape)}. Received: kernel_size={kernel_size}, "
            f"strides={strides}, which from a grid of {grid[0]} x {grid[1]} "
            f"give {nearest}. Choose `kernel_size` and `strides` so that (size "
            "- kernel_size) / strides is whole."
        )
    return grid[0], grid[1]
