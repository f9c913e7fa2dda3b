"""The two networks of DCGAN, made of stock Keras layers alone.

Radford, Metz & Chintala 2016, "Unsupervised representation learning with deep
convolutional generative adversarial networks",
https://arxiv.org/abs/1511.06434.
"""

import math
from typing import Any

import keras
import numpy as np


def build_generator(
    sample_shape: tuple[int, int, int],
    latent_dim: int,
    value_range: tuple[float, float] | None = (-1.0, 1.0),
    sample_mean: Any = None,
    width: int = 128,
    kernel_size: int = 5,
    init_stddev: float = 0.02,
    output_bias: str | None = None,
    batch_norm: bool = True,
    batch_norm_momentum: float = 0.9,
    synchronized: bool = True,
    num_classes: int | None = None,
    condition_spec: Any = None,
) -> keras.Model:
    """Generator of DCGAN: Radford et al. 2016, section 3 and Figure 1.

    z is projected to a small map, which transposed convolutions of stride 2
    double until it has the size of a sample: 4 x 4 to 32 x 32, 7 x 7 to 28 x
    28. Channels halve meanwhile. Batch normalisation and rectifiers everywhere,
    but tanh at the output, mapped onto `value_range`. The paper's 64 x 64 net
    is what the defaults give for (64, 64, 3).

    Args:
        sample_shape: (height, width, channels) of one sample.
        latent_dim: Length of z.
        value_range: (low, high) of samples; None: linear output.
        sample_mean: Mean training example, for `output_bias="marginals"`.
        width: Channels of the last hidden map.
        kernel_size: Height and width of kernels, in pixels.
        init_stddev: Kernels start at N(0, init_stddev^2).
        output_bias: "marginals" adds to what tanh takes the constants by which
            samples of small weights are the mean example, as the 2014 code's
            `init_bias_target_marginals`. None: a bias for each channel alone.
        batch_norm: Whether hidden maps are normalised. They are not where the
            average of G's weights is to be that of a plain function.
        batch_norm_momentum: Of the moving statistics.
        synchronized: Whether batch statistics are of the global batch, and not
            of each replica's part.
        num_classes: Of the data's labels.
        condition_spec: Of labels: a learnt vector as long as z for each goes in
            beside z. The paper has none.

    Returns:
        Model: float [B, latent_dim] -> float [B, *sample_shape]; with labels,
        called on [latents, labels].

    Raises:
        ValueError: If the height or width is odd or below 8, if the condition
            is no label, or if there is no such `output_bias`.
    """
    height, breadth, num_doublings = _smallest_map(sample_shape)

    def kernel() -> keras.initializers.Initializer:
        return keras.initializers.RandomNormal(stddev=init_stddev)

    def rectified(hidden: keras.KerasTensor) -> keras.KerasTensor:
        if batch_norm:
            hidden = _batch_norm(batch_norm_momentum, synchronized)(hidden)
        return keras.layers.ReLU()(hidden)

    channels = width * 2 ** (num_doublings - 1)
    latents = keras.Input((latent_dim,), dtype=_output_dtype())
    inputs, hidden = latents, latents
    if condition_spec is not None:
        labels, embedded = _embedded(condition_spec, num_classes, latent_dim)
        inputs = [latents, labels]
        hidden = keras.layers.Concatenate()([latents, embedded])
    # No bias before batch normalisation, which would take it out again.
    hidden = keras.layers.Dense(
        height * breadth * channels,
        use_bias=not batch_norm,
        kernel_initializer=kernel(),
    )(hidden)
    hidden = keras.layers.Reshape((height, breadth, channels))(hidden)
    hidden = rectified(hidden)
    for doubling in range(1, num_doublings):
        hidden = keras.layers.Conv2DTranspose(
            channels // 2**doubling,
            kernel_size,
            strides=2,
            padding="same",
            use_bias=not batch_norm,
            kernel_initializer=kernel(),
        )(hidden)
        hidden = rectified(hidden)
    samples = keras.layers.Conv2DTranspose(
        sample_shape[-1],
        kernel_size,
        strides=2,
        padding="same",
        kernel_initializer=kernel(),
        dtype=_output_dtype(),
    )(hidden)
    if output_bias is not None:
        samples = keras.layers.Rescaling(
            1.0,
            _marginals(output_bias, sample_mean, value_range),
            dtype=_output_dtype(),
        )(samples)
    if value_range is not None:
        samples = keras.layers.Activation("tanh", dtype=_output_dtype())(
            samples
        )
        low, high = value_range
        samples = keras.layers.Rescaling(
            (high - low) / 2, (high + low) / 2, dtype=_output_dtype()
        )(samples)
    return keras.Model(inputs, samples, name="dcgan_generator")


def build_discriminator(
    sample_shape: tuple[int, int, int],
    width: int = 64,
    kernel_size: int = 5,
    negative_slope: float = 0.2,
    init_stddev: float = 0.02,
    batch_norm: bool = True,
    batch_norm_momentum: float = 0.9,
    synchronized: bool = True,
    num_classes: int | None = None,
    condition_spec: Any = None,
) -> keras.Model:
    """Discriminator of DCGAN: Radford et al. 2016, section 3.

    Convolutions of stride 2 halve the map until it is small, channels double
    meanwhile, and a dense layer gives the logit. Leaky rectifiers everywhere;
    batch normalisation everywhere but at the input and the output. As it makes
    examples of a batch depend on each other, real and fake are judged apart.

    Args:
        sample_shape: (height, width, channels) of one sample.
        width: Channels of the first hidden map.
        kernel_size: Height and width of kernels, in pixels.
        negative_slope: Of the leaky rectifiers.
        init_stddev: Kernels start at N(0, init_stddev^2).
        batch_norm: Whether hidden maps are normalised. Not under a penalty on
            the gradient at each example, which a batch must not share:
            Gulrajani et al. 2017, section 4.
        batch_norm_momentum: Of the moving statistics.
        synchronized: Whether batch statistics are of the global batch, and not
            of each replica's part.
        num_classes: Of the data's labels.
        condition_spec: Of labels: a learnt map for each becomes a channel
            beside the sample's. The paper has none.

    Returns:
        Model: float [B, *sample_shape] -> logits [B, 1]; with labels, called on
        [samples, labels].

    Raises:
        ValueError: If the height or width is odd or below 8, or the condition
            is no label.
    """
    *_, num_halvings = _smallest_map(sample_shape)
    samples = keras.Input(sample_shape, dtype=_output_dtype())
    inputs, hidden = samples, samples
    if condition_spec is not None:
        labels, embedded = _embedded(
            condition_spec, num_classes, math.prod(sample_shape[:2])
        )
        inputs = [samples, labels]
        channel = keras.layers.Reshape((*sample_shape[:2], 1))(embedded)
        hidden = keras.layers.Concatenate()([samples, channel])
    for halving in range(num_halvings):
        normalized = batch_norm and halving > 0
        hidden = keras.layers.Conv2D(
            width * 2**halving,
            kernel_size,
            strides=2,
            padding="same",
            use_bias=not normalized,
            kernel_initializer=keras.initializers.RandomNormal(
                stddev=init_stddev
            ),
        )(hidden)
        if normalized:
            hidden = _batch_norm(batch_norm_momentum, synchronized)(hidden)
        hidden = keras.layers.LeakyReLU(negative_slope)(hidden)
    hidden = keras.layers.Flatten()(hidden)
    logits = keras.layers.Dense(
        1,
        kernel_initializer=keras.initializers.RandomNormal(stddev=init_stddev),
        dtype=_output_dtype(),
    )(hidden)
    return keras.Model(inputs, logits, name="dcgan_discriminator")


def _batch_norm(momentum: float, synchronized: bool) -> keras.layers.Layer:
    return keras.layers.BatchNormalization(
        momentum=momentum, epsilon=1e-5, synchronized=synchronized
    )


def _marginals(
    output_bias: str,
    sample_mean: Any,
    value_range: tuple[float, float] | None,
) -> np.ndarray:
    """What tanh maps to the mean example, float32 of its shape.

    Means are kept 1e-7 of the range away from its ends.
    """
    if output_bias != "marginals" or sample_mean is None or value_range is None:
        raise ValueError(
            "`output_bias` must be None, or 'marginals' where the mean of the "
            "data and a `value_range` are given. Received: "
            f"output_bias={output_bias!r}, value_range={value_range} and "
            f"{'no' if sample_mean is None else 'a'} mean."
        )
    low, high = value_range
    mean = (np.asarray(sample_mean, np.float64) - low) / (high - low)
    mean = np.clip(mean, 1e-7, 1 - 1e-7)
    return np.arctanh(2 * mean - 1).astype(np.float32)


def _embedded(
    condition_spec: Any, num_classes: int | None, size: int
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Labels as an input [B], and a learnt vector [B, size] for each."""
    shape = getattr(condition_spec, "shape", None)
    if shape != (None,) or num_classes is None:
        raise ValueError(
            "`condition_spec` of DCGAN's nets must be of labels, [batch], with "
            f"`num_classes`. Received: {condition_spec} and "
            f"num_classes={num_classes}."
        )
    labels = keras.Input((), dtype=condition_spec.dtype)
    # A lookup in the identity refuses labels that there are not.
    rows = keras.layers.Embedding(
        num_classes,
        num_classes,
        embeddings_initializer="identity",
        trainable=False,
    )(labels)
    vectors = keras.layers.Dense(
        size,
        use_bias=False,
        kernel_initializer=keras.initializers.RandomNormal(stddev=1.0),
    )(rows)
    return labels, vectors


def _smallest_map(sample_shape: tuple[int, ...]) -> tuple[int, int, int]:
    """(height, width) after as many halvings as go, and their number."""
    sizes = sample_shape[:-1]
    if len(sizes) != 2 or min(sizes) < 8 or math.gcd(*sizes) % 2:
        raise ValueError(
            "`sample_shape` must be (height, width, channels), height and "
            "width even and at least 8. Received: "
            f"sample_shape={tuple(sample_shape)}."
        )
    (height, breadth), num_halvings = sizes, 0
    while min(height, breadth) > 4 and math.gcd(height, breadth) % 2 == 0:
        height, breadth = height // 2, breadth // 2
        num_halvings += 1
    return height, breadth, num_halvings


def _output_dtype() -> str:
    """That of weights: samples and logits are not for 16 bits."""
    return keras.config.dtype_policy().variable_dtype
