"""Conditions, as the built-in networks take them.

A condition is any structure of arrays, a row for each example. Two forms mean
something here: labels, integers [B], become rows of the identity; a masked
example is {"mask", "visible"}, see `ganzoo.datasets.masked`. All else is taken
as numbers.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ganzoo import factories
from ganzoo.errors import ConfigurationError


def symbols(condition_spec: Any) -> Any:
    """Keras inputs for a condition, in its structure; None where it is None."""
    return map_condition(
        lambda part: keras.Input(part.shape[1:], dtype=part.dtype),
        condition_spec,
    )


def with_condition(inputs: Any, condition: Any) -> Any:
    """What a network is called with: inputs, or [inputs, condition]."""
    return inputs if condition is None else [inputs, condition]


def map_condition(function: Callable, condition: Any) -> Any:
    """`function` of each part of a condition; None where there is none."""
    if condition is None:
        return None
    return tf.nest.map_structure(function, condition)


def repeated(condition: Any, num: int) -> Any:
    """The first `num` rows of a condition, over again where there are fewer."""
    return map_condition(
        lambda part: np.resize(part, (num, *part.shape[1:])), condition
    )


def is_masked(condition: Any) -> bool:
    """Whether a condition, or its spec, is a masked example."""
    return isinstance(condition, dict) and condition.keys() == {
        "mask",
        "visible",
    }


def is_label(condition: Any) -> bool:
    """Whether a condition, or its spec, is an integer for each example."""
    return (
        hasattr(condition, "dtype")
        and len(condition.shape) == 1
        and tf.as_dtype(condition.dtype).is_integer
    )


def beside_image(condition: Any) -> Any:
    """What is left to say beside an image that has the visible part in it."""
    return condition["mask"] if is_masked(condition) else condition


def joined(
    features: keras.KerasTensor, condition: Any, num_classes: int | None
) -> keras.KerasTensor:
    """Features [B, n] with the condition as further ones, as it is in None.

    Concatenation: Mirza & Osindero 2014, "Conditional generative adversarial
    nets", https://arxiv.org/abs/1411.1784.

    Args:
        features: [B, n].
        condition: Of symbols.
        num_classes: Of labels.
    """
    if condition is None:
        return features
    parts = [
        _one_hot(part, num_classes)
        if is_label(part)
        else keras.layers.Flatten()(part)
        for part in tf.nest.flatten(condition)
    ]
    return keras.layers.Concatenate(name="with_condition")([features, *parts])


def stacked(
    images: keras.KerasTensor, condition: Any, num_classes: int | None
) -> keras.KerasTensor:
    """Images [B, height, width, c] with the condition as further channels.

    Args:
        images: [B, height, width, c].
        condition: Of symbols: labels, which become constant maps, or images of
            the same size.
        num_classes: Of labels.

    Raises:
        ConfigurationError: If a part of the condition is something else.
    """
    if condition is None:
        return images
    size, maps = images.shape[1:3], []
    for part in tf.nest.flatten(condition):
        if is_label(part):
            rows = keras.layers.Reshape((1, 1, -1))(_one_hot(part, num_classes))
            maps.append(keras.layers.UpSampling2D(size)(rows))
        elif len(part.shape) == 4 and part.shape[1:3] == size:
            maps.append(part)
        else:
            raise ConfigurationError(
                "A convolutional network takes as condition labels, or images "
                f"of {size[0]} x {size[1]} as its samples are. Received: shape "
                f"{part.shape[1:]}. Choose a fully connected network."
            )
    return keras.layers.Concatenate(name="with_condition")([images, *maps])


def composited(samples: keras.KerasTensor, condition: Any) -> keras.KerasTensor:
    """Samples with the visible part of a masked example in its place.

    Bit for bit; samples as they are for every other condition.

    Raises:
        ConfigurationError: If the mask is not of the samples' size.
    """
    if not is_masked(condition):
        return samples
    mask, visible = condition["mask"], condition["visible"]
    wanted = (*samples.shape[1:3], 1)
    if mask.shape[1:] != wanted or visible.shape[1:] != samples.shape[1:]:
        raise ConfigurationError(
            f"A mask for samples of shape {samples.shape[1:]} must be of shape "
            f"{wanted}, what it leaves visible of theirs. Received: shapes "
            f"{mask.shape[1:]} and {visible.shape[1:]}."
        )
    return Composite(dtype=factories.output_dtype())([samples, mask, visible])


@keras.saving.register_keras_serializable("ganzoo")
class OneHot(keras.layers.Layer):
    """Labels as rows of the identity.

    Args:
        num_classes: Length of a row.

    Input: integers [batch], 0 to `num_classes` - 1. Others are refused on CPUs,
    and are rows of zeros on GPUs.
    Output: float [batch, num_classes].
    """

    def __init__(self, num_classes: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.num_classes = num_classes

    def call(self, labels: tf.Tensor) -> tf.Tensor:
        if labels.dtype not in (tf.int32, tf.int64):
            labels = tf.cast(labels, tf.int64)  # A lookup takes these two.
        # A lookup, and not `one_hot`, which is silent about other labels.
        return tf.gather(tf.eye(self.num_classes, dtype=self.dtype), labels)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_classes": self.num_classes}


@keras.saving.register_keras_serializable("ganzoo")
class Composite(keras.layers.Layer):
    """What is visible, and a sample where nothing is.

    Of a 16-bit dtype it would round what is visible.

    Input: [samples, mask, visible]: floats [batch, height, width, c], [batch,
    height, width, 1] and [batch, height, width, c]. Where the mask is 1, and
    not 0, it is visible that counts.
    Output: float [batch, height, width, c].
    """

    def call(self, inputs: list[tf.Tensor]) -> tf.Tensor:
        samples, mask, visible = inputs
        return tf.where(mask > 0.5, visible, samples)


def _one_hot(labels: Any, num_classes: int | None) -> keras.KerasTensor:
    if num_classes is None:
        raise ConfigurationError(
            "A network that takes labels needs to know how many classes there "
            "are. Received: a data set with labels and num_classes=None. Set "
            "its `num_classes`."
        )
    return OneHot(num_classes)(labels)
