"""Learned approximate inference: from a sample back to what G made it of."""

import inspect
import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from ganzoo import factories, hidden_layers, initializers, layers, randomness
from ganzoo.checks import check_list
from ganzoo.conditions import with_condition
from ganzoo.errors import ComponentError, ConfigurationError


class Inference:
    """A net E that predicts z, or a hidden layer of G, from G(z).

    Goodfellow et al. 2014, section 7, item 2; the `inferer` of the 2014 code.
    E minimises |t - E(G(z))|^2 / n for the target t of n numbers, z or the
    layer. Where z has variance 1, predicting its mean costs 1.

    Args:
        encoder: Factory of E: (sample_shape, target_shape) -> `keras.Model`,
            samples [B, *sample_shape] -> [B, *target_shape].
        optimizer: Of E alone.
        target_layer: Name of the layer of G to predict. None: z. Behind a prior
            that learns, no layer of G but this `prior` can be named. Where
            neither the layer alone nor it with the condition decides about
            samples, there are no reconstructions.
        name: Of the companion in logs and checkpoints.

    Raises:
        ConfigurationError: If `encoder` takes no such shapes.

    Raises, when it is built:
        ConfigurationError: If G has no such layer.
        ComponentError: If what E makes does not fit its target.
    """

    network: keras.Model

    def __init__(
        self,
        encoder: Callable[..., keras.Model],
        optimizer: keras.Optimizer,
        target_layer: str | None = None,
        name: str = "inference",
    ):
        _check_encoder(encoder)
        self.encoder = encoder
        self.optimizer = optimizer
        self.target_layer = target_layer
        self.name = name
        self._below: keras.Model | None = None

    def build(self, generator: keras.Model, latent_dim: int) -> None:
        """Makes E, for a generator that is called on z of `latent_dim`."""
        target_shape: tuple[int, ...] = (latent_dim,)
        what = f"z of {latent_dim} numbers"
        if self.target_layer is not None:
            self._below = hidden_layers.below(
                generator, self.target_layer, f"{self.name}.target_layer"
            )
            target_shape = tuple(self._below.output_shape[1:])
            what = (
                f"the layer {self.target_layer!r} of generator "
                f"{generator.name!r}"
            )
        sample_shape = tuple(generator.output_shape[1:])
        self.network = self.encoder(
            sample_shape=sample_shape, target_shape=target_shape
        )
        symbol = keras.KerasTensor(
            (None, *sample_shape), dtype=randomness.variable_dtype()
        )
        found = tuple(self.network(symbol).shape[1:])
        if found != target_shape:
            raise ComponentError(
                f"Inference net {self.network.name!r} must fit its target, "
                f"{what}, of shape {target_shape}. Received: output of shape "
                f"{found} from samples of shape {sample_shape}. Let the "
                "encoder make `target_shape`."
            )

    def target(self, latents: tf.Tensor, condition: Any = None) -> tf.Tensor:
        """What E has to say of G(z): [B, *target_shape]."""
        if self._below is None:
            return latents
        inputs = with_condition(latents, condition)
        return tf.stop_gradient(self._below(inputs, training=False))

    def loss(
        self, latents: tf.Tensor, fake_samples: tf.Tensor, condition: Any
    ) -> tf.Tensor:
        """Mean squared error of an entry of the target: [B]."""
        predicted = self.network(fake_samples, training=True)
        target = tf.cast(self.target(latents, condition), predicted.dtype)
        return tf.reduce_mean(
            tf.square(target - predicted), axis=range(1, target.shape.rank)
        )


def _check_encoder(encoder: Any) -> None:
    shapes = {"sample_shape": (), "target_shape": ()}
    try:  # Partly: what else it needs, a recipe may bind.
        inspect.signature(encoder).bind_partial(**shapes)
    except (TypeError, ValueError) as error:
        name = getattr(encoder, "__qualname__", type(encoder).__name__)
        raise ConfigurationError(
            "`encoder` must be a factory of inference nets, a function of "
            f"`sample_shape` and `target_shape`. Received: {name}. Write, for "
            "instance, @mlp_encoder."
        ) from error


def mlp_encoder(
    sample_shape: tuple[int, ...],
    target_shape: tuple[int, ...],
    *,
    hidden_units: Sequence[int] = (1200, 1200),
    activations: str | Sequence[str] = "relu",
    input_dropout: float = 0.0,
    hidden_dropout: float = 0.0,
    init_range: float = 0.05,
) -> keras.Model:
    """Fully connected inference net.

    Layers are named hidden_0, hidden_1, ... and output, which is linear.

    Args:
        sample_shape: Shape of one sample, of any rank.
        target_shape: Shape of what it predicts, of any rank.
        hidden_units: Units of each hidden layer, from the sample upwards.
        activations: Keras activation of the hidden layers: one, or one for
            each.
        input_dropout: Probability of dropping an entry of a sample.
        hidden_dropout: Probability of dropping a hidden unit.
        init_range: Kernels start at U(-init_range, init_range), biases at 0.

    Returns:
        Model: float [B, *sample_shape] -> float [B, *target_shape].

    Raises:
        ConfigurationError: If `hidden_units` is no list, if `activations` is no
            activation, or none for each layer, or if a dropout rate is out of
            range.
    """
    check_list("mlp_encoder.hidden_units", hidden_units, "(1200, 1200)")
    num_hidden = len(hidden_units)
    activations = factories.per_layer("activations", activations, num_hidden)
    samples = keras.Input(sample_shape, dtype=randomness.variable_dtype())
    hidden = keras.layers.Flatten(name="flat_samples")(samples)
    hidden = layers.Dropout(input_dropout, name="input_dropout")(hidden)
    for index, units in enumerate(hidden_units):
        hidden = keras.layers.Dense(
            units,
            activation=factories.activation(activations[index]),
            kernel_initializer=initializers.uniform(init_range),
            name=f"hidden_{index}",
        )(hidden)
        hidden = layers.Dropout(hidden_dropout, name=f"dropout_{index}")(hidden)
    predicted = keras.layers.Dense(
        math.prod(target_shape),
        kernel_initializer=initializers.uniform(init_range),
        dtype=factories.output_dtype(),
        name="output",
    )(hidden)
    predicted = keras.layers.Reshape(
        target_shape, dtype=factories.output_dtype(), name="predicted"
    )(predicted)
    return keras.Model(samples, predicted, name="encoder")
