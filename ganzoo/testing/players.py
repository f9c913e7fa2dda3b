"""Networks as the kit builds and calls them: like core, on a fixed batch."""

import copy
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ganzoo import randomness
from ganzoo.interfaces import SUPPLIED_BY_CORE
from ganzoo.networks import with_condition
from ganzoo.randomness import Draws, Segment
from ganzoo.testing.promises import Broken

NUM_ROWS = 4
NUM_CLASSES = 10


class Generator:
    """A generator's factory, and what core would supply to it.

    Args:
        factory: See `ganzoo.interfaces`.
        sample_shapes: Shapes of samples to build it for.
        latent_dim: Length of z.
        condition: Structure of arrays, or None.
        arguments: Of the factory, as a recipe would bind them.
    """

    def __init__(
        self,
        factory: Callable[..., keras.Model],
        sample_shapes: Sequence[tuple[int, ...]],
        latent_dim: int,
        condition: Any,
        arguments: dict[str, Any],
    ):
        self.factory = factory
        self.sample_shapes = [tuple(shape) for shape in sample_shapes]
        self.latent_dim = latent_dim
        self.condition = condition
        self.arguments = arguments

    def with_labels(self) -> "Generator":
        """The same with a label for each row, 0 to `NUM_CLASSES` - 1."""
        labelled = copy.copy(self)
        labelled.condition = np.arange(NUM_ROWS) % NUM_CLASSES
        return labelled

    def input_shape(self, sample_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Of one input, for samples of that shape."""
        return (self.latent_dim,)

    def output_shape(self, sample_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Of one output, for samples of that shape."""
        return sample_shape

    def build(self, sample_shape: tuple[int, ...] | None = None) -> keras.Model:
        """A new network with weights of seed 0, called once."""
        sample_shape = sample_shape or self.sample_shapes[0]
        condition = self.condition
        supplied = {
            "sample_shape": sample_shape,
            "latent_dim": self.latent_dim,
            "num_classes": None if condition is None else NUM_CLASSES,
            "condition_spec": condition_spec(condition),
            "value_range": (0.0, 1.0),
            "sample_mean": np.full(sample_shape, 0.5),
        }
        wanted = inspect.signature(self.factory).parameters
        given = {
            key: supplied[key] for key in SUPPLIED_BY_CORE if key in wanted
        }
        keras.utils.set_random_seed(0)
        network = self.factory(**given, **self.arguments)
        if not isinstance(network, keras.Model):
            raise Broken(
                "the factory must return a keras.Model",
                f"{type(network).__name__}",
                "Return the model itself, not its output or a function",
            )
        inputs = self.inputs(1, sample_shape)
        network(with_rows(inputs, condition))
        randomness.adopt(network)
        return network

    def inputs(
        self, num: int = NUM_ROWS, sample_shape: tuple[int, ...] | None = None
    ) -> tf.Tensor:
        """Fixed numbers from U[0, 1), of the dtype that core feeds."""
        shape = self.input_shape(sample_shape or self.sample_shapes[0])
        numbers = np.random.default_rng(1).random((num, *shape))
        return tf.constant(numbers, randomness.variable_dtype())

    def call(
        self,
        network: keras.Model,
        inputs: tf.Tensor,
        training: bool = True,
    ) -> tf.Tensor:
        """The network at step 0 of a game."""
        draws = Draws(7, 0, [Segment("check", 0, len(inputs))])
        with randomness.scope(draws if training else None):
            inputs = with_rows(inputs, self.condition)
            return network(inputs, training=training)

    def packed(self, parts: Sequence[tf.Tensor]) -> Any:
        """What the network is called with, from its flat parts."""
        inputs, *flat = parts
        if not flat:
            return inputs
        return [inputs, tf.nest.pack_sequence_as(self.condition, flat)]


class Discriminator(Generator):
    """The same of a discriminator."""

    def input_shape(self, sample_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Of one input, for samples of that shape."""
        return sample_shape

    def output_shape(self, sample_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Of one output: a logit."""
        return (1,)


def condition_spec(condition: Any) -> Any:
    """`keras.KerasTensor`s of a batch of conditions; None of None."""
    if condition is None:
        return None
    return tf.nest.map_structure(
        lambda part: keras.KerasTensor(
            (None, *np.shape(part)[1:]), np.asarray(part).dtype.name
        ),
        condition,
    )


def with_rows(inputs: tf.Tensor, condition: Any) -> Any:
    """What the network is called with: conditions are repeated in turn."""
    if condition is None:
        return inputs
    num = len(inputs)
    rows = tf.nest.map_structure(
        lambda part: tf.constant(np.resize(part, (num, *np.shape(part)[1:]))),
        condition,
    )
    return with_condition(inputs, rows)


def perturb(network: keras.Model) -> None:
    """Moves weights off their start: zeros there may stop gradients."""
    random = np.random.default_rng(3)
    for weight in network.trainable_variables:
        weight.assign_add(random.normal(0, 0.05, weight.shape))
