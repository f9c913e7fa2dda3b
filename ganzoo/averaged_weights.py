"""Batch normalisation in a generator that speaks by averaged weights."""

from typing import Any

import keras
import tensorflow as tf

from ganzoo import randomness
from ganzoo.conditions import map_condition, with_condition
from ganzoo.networks import batch_normalizations
from ganzoo.randomness import Draws, Segment

_BATCH_SIZE = 100
_NUM_BATCHES = 20


class AveragedWeights:
    """The averages of a generator's weights at work, with statistics of theirs.

    The moving statistics that batch normalisation keeps are those of the
    generator's own weights; by averaged ones, maps have other means and smaller
    variances. So they are measured, as the "standing statistics" of Brock et
    al. 2019, https://arxiv.org/abs/1809.11096: means over 20 batches of 100
    samples, each batch normalised by itself as in training. What is drawn for
    that depends on the game's seed alone.

    So it is for `keras.layers.BatchNormalization` and what derives from it. A
    frozen layer keeps its statistics; other state of layers is the generator's
    own.

    Args:
        gan: A game that averages its generator's weights.
    """

    def __init__(self, gan: Any):
        self._gan = gan
        self._statistics: dict[int, tf.Variable] = {}
        self._momentum: dict[int, float] = {}
        for layer in batch_normalizations(gan.generator):
            if layer.trainable and layer.momentum < 1:  # Else nothing moves.
                for variable in (layer.moving_mean, layer.moving_variance):
                    self._statistics[id(variable)] = tf.Variable(
                        variable.value, trainable=False
                    )
                    self._momentum[id(variable)] = layer.momentum
        self._measured_at: int | None = None
        self._measure = tf.function(
            self._add_batch, autograph=False, reduce_retracing=True
        )

    def __call__(self, network: keras.Model, inputs: Any) -> tf.Tensor:
        """The generator, or a part of it, as graph code; dropout is off."""
        state = [
            self._statistics.get(id(variable), variable.value)
            for variable in network.non_trainable_variables
        ]
        return self._called(network, inputs, state, training=False)[0]

    def follow(self) -> None:
        """Measures anew where the game has moved since the last time."""
        step = int(self._gan.step.numpy())
        if not self._statistics or step == self._measured_at:
            return
        num = _BATCH_SIZE * _NUM_BATCHES
        condition = self._gan.networks.conditions(num)
        for statistic in self._statistics.values():
            statistic.assign(tf.zeros_like(statistic))
        for first in range(0, num, _BATCH_SIZE):
            rows = slice(first, first + _BATCH_SIZE)
            self._measure(
                tf.constant(first, tf.int64),
                map_condition(lambda part, rows=rows: part[rows], condition),
            )
        self._measured_at = step

    def _add_batch(self, first_row: tf.Tensor, condition: Any) -> None:
        """A batch's part of the mean over all of them."""
        gan = self._gan

        def draws(purpose: str) -> Draws:
            segment = Segment(f"statistics/{purpose}", first_row, _BATCH_SIZE)
            return Draws(gan.seed, 0, [segment])

        variables = gan.generator.non_trainable_variables
        # From zero, a moving statistic comes to (1 - momentum) of the batch's.
        state = [
            tf.zeros_like(variable.value)
            if id(variable) in self._statistics
            else variable.value
            for variable in variables
        ]
        latents = gan.latents(draws("z"), _BATCH_SIZE)
        with randomness.scope(draws("G")):
            _, moved = self._called(
                gan.generator,
                with_condition(latents, condition),
                state,
                training=True,
            )
        for variable, value in zip(variables, moved, strict=True):
            if id(variable) in self._statistics:
                share = (1 - self._momentum[id(variable)]) * _NUM_BATCHES
                self._statistics[id(variable)].assign_add(value / share)

    def _called(
        self, network: keras.Model, inputs: Any, state: Any, training: bool
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        weights = map(id, self._gan.generator.trainable_variables)
        averages = dict(zip(weights, self._gan.ema, strict=True))
        return network.stateless_call(
            [averages[id(w)].value for w in network.trainable_variables],
            state,
            inputs,
            training=training,
        )
