"""A game's inference net at work: from samples to E(x), and by G back."""

import functools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ganzoo import hidden_layers, randomness
from ganzoo.conditions import with_condition
from ganzoo.errors import DataError
from ganzoo.features import in_batches


def inference_nets(gan: Any) -> dict[str, Any]:
    """The companions of a game that predict something of G, by name."""
    nets = [beside.companion for beside in gan.companions]
    return {net.name: net for net in nets if hasattr(net, "target")}


class Reconstruction:
    """E and G as functions of arrays, dropout off.

    Where a game is conditional and no condition is given, row i is conditioned
    as example i of `ganzoo.sampling.ExampleConditions` is.

    Args:
        sampler: `ganzoo.sampling.Sampler` of the game; its weights of G speak.
        name: Of the inference net.

    Raises:
        DataError: If the game has no inference net of that name.
    """

    def __init__(self, sampler: Any, name: str = "inference"):
        nets = inference_nets(sampler.gan)
        if name not in nets:
            raise DataError(
                "Reconstructions need a game with an inference net. Received: "
                f"{name!r} of a game whose inference nets are: "
                f"{', '.join(nets) or 'none'}. Bind `build_gan.companions = "
                "[@companions.inference()]`."
            )
        self.sampler = sampler
        self.net = nets[name]
        self._infer = tf.function(
            self.call, autograph=False, reduce_retracing=True
        )
        self._target = tf.function(
            self.call_target, autograph=False, reduce_retracing=True
        )
        self._decode = tf.function(
            self.call_decoder, autograph=False, reduce_retracing=True
        )

    def call(self, samples: tf.Tensor) -> tf.Tensor:
        """E(x) as graph code: [B, *sample_shape] -> [B, *target_shape]."""
        samples = tf.cast(samples, randomness.variable_dtype())
        return self.net.network(samples, training=False)

    def call_target(
        self, latents: tf.Tensor, condition: Any = None
    ) -> tf.Tensor:
        """What E should say of G(z), by the weights that speak, as graph code.

        While it is trained, E is told what G's own weights make.
        """
        if self.net.target_layer is None:
            return self.net.target(latents, condition)
        inputs = with_condition(latents, condition)
        return self.sampler.apply(self._below, inputs)

    def call_decoder(
        self, codes: tf.Tensor, condition: Any = None
    ) -> tf.Tensor:
        """G from z, or from the hidden layer, on: [B, *sample_shape].

        Raises:
            ConfigurationError: If that layer does not decide about samples,
                neither alone nor with the condition.
        """
        if self.net.target_layer is None:
            return self.sampler.call(codes, condition)
        if len(self._above.inputs) > 1:
            codes = with_condition(codes, condition)
        return self.sampler.apply(self._above, codes)

    def infer(self, samples: np.ndarray) -> np.ndarray:
        """E(x): [num, *sample_shape] -> [num, *target_shape]."""
        return in_batches(self._infer, samples)

    def target(self, latents: np.ndarray, condition: Any = None) -> np.ndarray:
        """What E should say of G(z): [num, *target_shape]."""
        return self._conditioned(self._target, latents, condition)

    def decode(self, codes: np.ndarray, condition: Any = None) -> np.ndarray:
        """Samples that G makes of codes: [num, *sample_shape]."""
        return self._conditioned(self._decode, codes, condition)

    @functools.cached_property
    def _below(self) -> keras.Model:
        return self._cut(hidden_layers.below)

    # Made when it is asked for: an export needs E alone.
    @functools.cached_property
    def _above(self) -> keras.Model:
        return self._cut(hidden_layers.above)

    def _cut(self, function: Callable) -> keras.Model:
        what = f"{self.net.name}.target_layer"
        generator = self.sampler.gan.generator
        return function(generator, self.net.target_layer, what)

    def _conditioned(
        self, function: Callable, inputs: np.ndarray, condition: Any
    ) -> np.ndarray:
        if condition is None:
            condition = self.sampler.gan.networks.conditions(len(inputs))
        self.sampler.follow()
        return in_batches(function, inputs, condition)
