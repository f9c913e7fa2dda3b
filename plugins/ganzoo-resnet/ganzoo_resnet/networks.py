"""The residual networks of SNGAN.

Miyato et al. 2018, "Spectral normalization for generative adversarial
networks", https://arxiv.org/abs/1802.05957, appendix B: the nets for CIFAR-10.
With labels: Miyato & Koyama 2018, "cGANs with projection discriminator",
https://arxiv.org/abs/1802.05637.
"""

import math
from typing import Any

import keras

from ganzoo_resnet import resampling
from ganzoo_resnet.spectral import SpectralConv2D, SpectralDense


def build_generator(
    sample_shape: tuple[int, int, int],
    latent_dim: int,
    value_range: tuple[float, float] | None = (-1.0, 1.0),
    width: int = 256,
    batch_norm_momentum: float = 0.9,
    num_classes: int | None = None,
    condition_spec: Any = None,
) -> keras.Model:
    """Residual generator: Miyato et al. 2018, appendix B.

    z is projected to a small map, which residual blocks double until it has
    the size of a sample: for 32 x 32 a map of 4 x 4 and three blocks, as in the
    paper. Then batch normalisation, a rectifier, a 3 x 3 convolution and tanh,
    mapped onto `value_range`.

    Args:
        sample_shape: (height, width, channels) of one sample.
        latent_dim: Length of z.
        value_range: (low, high) of samples; None: linear output.
        width: Channels of every hidden map. The paper uses 256.
        batch_norm_momentum: Of the moving statistics.
        num_classes: Of the data's labels.
        condition_spec: Of labels: batch normalisation then scales and shifts by
            each label's own numbers, as Miyato & Koyama 2018 have it.

    Returns:
        Model: float [B, latent_dim] -> float [B, *sample_shape]; with labels,
        called on [latents, labels].

    Raises:
        ValueError: If the height or width is odd or below 8, or the condition
            is no label.
    """
    height, breadth, num_blocks = _smallest_map(sample_shape)
    latents = keras.Input((latent_dim,), dtype=_output_dtype())
    inputs: Any = latents
    rows = None
    if condition_spec is not None:
        labels, rows = _rows(condition_spec, num_classes)
        inputs = [latents, labels]

    def normalized(hidden: keras.KerasTensor) -> keras.KerasTensor:
        hidden = keras.layers.BatchNormalization(
            momentum=batch_norm_momentum,
            center=rows is None,
            scale=rows is None,
        )(hidden)
        if rows is not None:
            hidden = _scaled_and_shifted(hidden, rows)
        return keras.layers.ReLU()(hidden)

    hidden = keras.layers.Dense(height * breadth * width)(latents)
    hidden = keras.layers.Reshape((height, breadth, width))(hidden)
    for _ in range(num_blocks):
        # A 1 x 1 convolution before doubling is the same as after, and cheaper.
        shortcut = keras.layers.Conv2D(width, 1)(hidden)
        shortcut = keras.layers.UpSampling2D()(shortcut)
        hidden = normalized(hidden)
        # Doubles the map. No bias before batch normalisation, which would take
        # it out again.
        hidden = resampling.Conv2D(
            width, 3, kernel_initializer=_residual_initializer()
        )(hidden)
        hidden = normalized(hidden)
        hidden = keras.layers.Conv2D(
            width,
            3,
            padding="same",
            kernel_initializer=_residual_initializer(),
        )(hidden)
        hidden = keras.layers.Add()([hidden, shortcut])
    samples = keras.layers.Conv2D(
        sample_shape[-1],
        3,
        padding="same",
        activation=None if value_range is None else "tanh",
        dtype=_output_dtype(),
    )(normalized(hidden))
    if value_range is not None:
        low, high = value_range
        samples = keras.layers.Rescaling(
            (high - low) / 2, (high + low) / 2, dtype=_output_dtype()
        )(samples)
    return keras.Model(inputs, samples, name="resnet_generator")


def build_discriminator(
    sample_shape: tuple[int, int, int],
    width: int = 128,
    num_halvings: int = 2,
    num_blocks: int = 4,
    num_iterations: int = 1,
    num_classes: int | None = None,
    condition_spec: Any = None,
) -> keras.Model:
    """Residual discriminator with spectral norm one: Miyato et al. 2018.

    Appendix B: four blocks of 128 channels, of which the first two halve the
    map; a rectifier, a sum over the map, and a dense layer. Every kernel is
    divided by its spectral norm; there is no batch normalisation.

    Args:
        sample_shape: (height, width, channels) of one sample.
        width: Channels of every hidden map.
        num_halvings: Blocks that halve the map, from the first on.
        num_blocks: Blocks in all.
        num_iterations: Power iterations in a training call.
        num_classes: Of the data's labels.
        condition_spec: Of labels: the logit then has one term more, the inner
            product of the features and a vector of the label, Miyato & Koyama
            2018, section 3: the projection discriminator.

    Returns:
        Model: float [B, *sample_shape] -> logits [B, 1]; with labels, called on
        [samples, labels].

    Raises:
        ValueError: If samples are no images, if there are more halvings than
            blocks or than the size allows, or the condition is no label.
    """
    sizes = sample_shape[:-1]
    if (
        len(sizes) != 2
        or num_halvings > num_blocks
        or min(sizes) < 2**num_halvings
    ):
        raise ValueError(
            "`num_halvings` must be at most `num_blocks`, for samples (height, "
            "width, channels) of at least 2^num_halvings pixels. Received: "
            f"num_halvings={num_halvings}, num_blocks={num_blocks}, "
            f"sample_shape={tuple(sample_shape)}."
        )

    def convolved(hidden: Any, kernel_size: int, **kwargs: Any) -> Any:
        return SpectralConv2D(
            width, kernel_size, num_iterations=num_iterations, **kwargs
        )(hidden)

    samples = keras.Input(sample_shape, dtype=_output_dtype())
    hidden = samples
    for block in range(num_blocks):
        is_first, halves = block == 0, block < num_halvings
        shortcut = hidden
        # Pooling before a 1 x 1 convolution is the same as after, and cheaper.
        if halves:
            shortcut = keras.layers.AveragePooling2D(2)(shortcut)
        if is_first or halves:
            shortcut = convolved(shortcut, 1)
        if not is_first:  # The first block begins with the sample itself.
            hidden = keras.layers.ReLU()(hidden)
        hidden = convolved(
            hidden, 3, kernel_initializer=_residual_initializer()
        )
        hidden = keras.layers.ReLU()(hidden)
        hidden = convolved(
            hidden,
            3,
            halves=halves,
            kernel_initializer=_residual_initializer(),
        )
        hidden = keras.layers.Add()([hidden, shortcut])
    hidden = keras.layers.ReLU(dtype=_output_dtype())(hidden)
    area = math.prod(hidden.shape[1:3])
    hidden = keras.layers.GlobalAveragePooling2D(dtype=_output_dtype())(hidden)
    # The sum over the map, as the paper has it.
    hidden = keras.layers.Rescaling(float(area), dtype=_output_dtype())(hidden)
    logits = SpectralDense(
        1, num_iterations=num_iterations, dtype=_output_dtype()
    )(hidden)
    inputs: Any = samples
    if condition_spec is not None:
        labels, rows = _rows(condition_spec, num_classes)
        inputs = [samples, labels]
        vectors = SpectralDense(
            width,
            num_iterations=num_iterations,
            use_bias=False,
            dtype=_output_dtype(),
        )(rows)
        dot = keras.layers.Dot(axes=1, dtype=_output_dtype())
        logits = keras.layers.Add(dtype=_output_dtype())(
            [logits, dot([hidden, vectors])]
        )
    discriminator = keras.Model(inputs, logits, name="resnet_discriminator")
    discriminator.mixes_examples = False
    return discriminator


def _rows(
    condition_spec: Any, num_classes: int | None
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Labels as an input [B], and as rows of the identity [B, num_classes]."""
    shape = getattr(condition_spec, "shape", None)
    if shape != (None,) or num_classes is None:
        raise ValueError(
            "`condition_spec` of the residual nets must be of labels, [batch], "
            f"with `num_classes`. Received: {condition_spec} and "
            f"num_classes={num_classes}."
        )
    labels = keras.Input((), dtype=condition_spec.dtype)
    # A lookup in the identity refuses labels that there are not.
    identity = keras.layers.Embedding(
        num_classes,
        num_classes,
        embeddings_initializer="identity",
        trainable=False,
    )
    return labels, identity(labels)


def _scaled_and_shifted(
    hidden: keras.KerasTensor, rows: keras.KerasTensor
) -> keras.KerasTensor:
    """Channels times, plus each label's own numbers; at first 1 and 0."""
    width = hidden.shape[-1]
    for kind, combine in (
        ("ones", keras.layers.Multiply()),
        ("zeros", keras.layers.Add()),
    ):
        numbers = keras.layers.Dense(
            width, use_bias=False, kernel_initializer=kind
        )(rows)
        numbers = keras.layers.Reshape((1, 1, width))(numbers)
        hidden = combine([hidden, numbers])
    return hidden


def _residual_initializer() -> keras.initializers.Initializer:
    """Glorot's uniform one, times sqrt(2): as in the authors' code."""
    return keras.initializers.VarianceScaling(2.0, "fan_avg", "uniform")


def _smallest_map(sample_shape: tuple[int, ...]) -> tuple[int, int, int]:
    """(height, width) after as many halvings as go, and their number."""
    sizes = sample_shape[:-1]
    if len(sizes) != 2 or min(sizes) < 8 or math.gcd(*sizes) % 2:
        raise ValueError(
            "`sample_shape` must be (height, width, channels), height and "
            "width even and at least 8. Received: "
            f"sample_shape={tuple(sample_shape)}."
        )
    (height, breadth), num_doublings = sizes, 0
    while min(height, breadth) > 4 and math.gcd(height, breadth) % 2 == 0:
        height, breadth = height // 2, breadth // 2
        num_doublings += 1
    return height, breadth, num_doublings


def _output_dtype() -> str:
    """That of weights: samples and logits are not for 16 bits."""
    return keras.config.dtype_policy().variable_dtype
