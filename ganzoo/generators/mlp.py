"""The rectifier and sigmoid generators of the 2014 paper."""

import math
from collections.abc import Sequence
from typing import Any

import keras

from ganzoo import conditions, factories, initializers, randomness
from ganzoo.errors import ConfigurationError
from ganzoo.generators.layer_noise import LayerNoise


def build_generator(
    sample_shape: tuple[int, ...],
    latent_dim: int,
    sample_mean: Any = None,
    hidden_units: Sequence[int] = (1200, 1200),
    activations: str | Sequence[str] = "relu",
    output_activation: str | None = "sigmoid",
    init_range: float | Sequence[float] = 0.05,
    hidden_bias: float | Sequence[float] = 0.0,
    output_bias: float | str = 0.0,
    output_num_nonzero: int | None = None,
    max_column_norm: float | None = None,
    num_classes: int | None = None,
    condition_spec: Any = None,
    noise_in_hidden_part: bool = False,
    dropout: float = 0.0,
    dropout_scale: float | None = None,
    noise_units: int = 0,
    gated: bool = False,
) -> keras.Model:
    """Fully connected generator: Goodfellow et al. 2014, section 5.

    The defaults are the original mnist.yaml's, but for its output bias, which
    is "marginals". Layers are named hidden_0, hidden_1, ... and output.

    Args:
        sample_shape: Shape of one sample, of any rank.
        latent_dim: Length of z.
        sample_mean: Mean training example, for `output_bias="marginals"`.
        hidden_units: Units of each hidden layer, from z upwards.
        activations: Keras activation of the hidden layers: one, or one for
            each.
        output_activation: Keras activation of the output; None: the identity.
        init_range: Kernels start at U(-init_range, init_range): one number, or
            one for each layer, the output included.
        hidden_bias: Where biases of hidden layers start: one number, or one for
            each layer.
        output_bias: Where output biases start: a number, or "marginals" for the
            logit of the mean training example.
        output_num_nonzero: Start each output unit with this many weights from
            N(0, 1) and zeros elsewhere, in place of `init_range`.
        max_column_norm: Maximum norm of the weights into a unit, in every
            layer.
        num_classes: Of the data's labels.
        condition_spec: Of the data's condition: it goes in beside z, labels as
            rows of the identity. Of a masked example the visible part comes
            out as it went in.
        noise_in_hidden_part: Of a masked example, put z where it is hidden, as
            the 2014 code did with z ~ N(0, 1), and not beside it. z is then as
            long as a sample.
        dropout: Probability, while training, of dropping an entry of the input
            of a layer, the first one's included.
        dropout_scale: Factor of what is kept. None: 1 / (1 - dropout).
        noise_units: Entries of z that join the input of each layer above the
            first, and not of that.
        gated: Whether entries of z multiply each hidden unit: dropout of G
            that stays when G is sampled from, if these entries are those of
            `latents.bernoulli`. z is then, in this order, what the first layer
            takes, `noise_units` for each later layer, a factor for each unit.

    Returns:
        Model: float [B, latent_dim] -> float [B, *sample_shape]; with a
        condition, called on [latents, condition].

    Raises:
        ConfigurationError: If a sequence does not fit the number of layers, if
            an activation or `output_bias` is unknown, or if z or the condition
            do not fit.
    """
    num_hidden = len(hidden_units)
    activations = factories.per_layer("activations", activations, num_hidden)
    biases = factories.per_layer("hidden_bias", hidden_bias, num_hidden)
    ranges = factories.per_layer("init_range", init_range, num_hidden + 1)
    constraint = factories.max_column_norm_constraint(max_column_norm)
    dtype = factories.output_dtype()
    latents = keras.Input((latent_dim,), dtype=randomness.variable_dtype())
    condition = conditions.symbols(condition_spec)
    noise = LayerNoise(
        latents, hidden_units, dropout, dropout_scale, noise_units, gated
    )
    hidden, beside = noise.latents, condition
    if noise_in_hidden_part:
        hidden, beside = _filled(hidden, condition, sample_shape)
    hidden = conditions.joined(hidden, beside, num_classes)
    for index, units in enumerate(hidden_units):
        hidden = keras.layers.Dense(
            units,
            activation=factories.activation(activations[index]),
            kernel_initializer=initializers.uniform(ranges[index]),
            bias_initializer=keras.initializers.Constant(biases[index]),
            kernel_constraint=constraint,
            name=f"hidden_{index}",
        )(noise(hidden, index))
    samples = keras.layers.Dense(
        math.prod(sample_shape),
        activation=factories.activation(output_activation),
        kernel_initializer=_output_kernel(ranges[-1], output_num_nonzero),
        bias_initializer=_output_bias_initializer(output_bias, sample_mean),
        kernel_constraint=constraint,
        dtype=dtype,
        name="output",
    )(noise(hidden, num_hidden))
    reshape = keras.layers.Reshape(sample_shape, dtype=dtype, name="samples")
    return keras.Model(
        conditions.with_condition(latents, condition),
        conditions.composited(reshape(samples), condition),
        name="generator",
    )


def _filled(
    latents: keras.KerasTensor, condition: Any, sample_shape: tuple[int, ...]
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """The visible part, with z where it is hidden, flat; and the mask."""
    if not conditions.is_masked(condition) or (
        latents.shape[1] != math.prod(sample_shape)
    ):
        raise ConfigurationError(
            "`noise_in_hidden_part` needs `datasets.masked`, and a "
            f"`latent_dim` of {math.prod(sample_shape)} for samples of shape "
            f"{tuple(sample_shape)}. Received: latent_dim={latents.shape[1]} "
            f"and {'a' if conditions.is_masked(condition) else 'no'} mask."
        )
    noise = keras.layers.Reshape(sample_shape)(latents)
    image = conditions.composited(noise, condition)
    return keras.layers.Flatten()(image), condition["mask"]


def _output_kernel(
    init_range: float, num_nonzero: int | None
) -> keras.initializers.Initializer:
    if num_nonzero is None:
        return initializers.uniform(init_range)
    return initializers.SparseNormal(num_nonzero)


def _output_bias_initializer(
    output_bias: float | str, sample_mean: Any
) -> keras.initializers.Initializer:
    if not isinstance(output_bias, str):
        return keras.initializers.Constant(output_bias)
    if output_bias != "marginals":
        raise ConfigurationError(
            "`output_bias` must be a number or 'marginals'. Received: "
            f"output_bias={output_bias!r}."
        )
    if sample_mean is None:
        raise ConfigurationError(
            "`output_bias='marginals'` needs the mean of the data. Received: "
            "sample_mean=None. Pass `sample_mean`."
        )
    return keras.initializers.Constant(
        initializers.logit_of_mean(sample_mean).reshape(-1)
    )
