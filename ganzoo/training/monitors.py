"""What a run watches on examples that stay the same: errors, spread, gradients.

Cheap enough to stay on: one pass through both networks and back, about what a
step costs, for each line of the log.
"""

from typing import Any

import numpy as np
import tensorflow as tf

from ganzoo import objectives, randomness
from ganzoo.gan import Gan
from ganzoo.networks import with_condition
from ganzoo.sampling import Sampler


class Monitors:
    """How often D errs, how samples differ, how strong the gradients are.

    The 2014 code's channels: false_negatives is the share of real examples with
    D(x) < 1/2, false_positives that of samples with D(G(z)) > 1/2: both 1/2 at
    the optimum. sample_diversity is the standard deviation of samples over that
    of real examples: about 1 is like the data, 0 a collapse to one sample.

    discriminator_gradient_norm and generator_gradient_norm are the Euclidean
    norms of the gradients of both players' mean losses, sample_gradient_norm is
    that of the generator's mean loss over all samples: what reaches G of what D
    says. One near 0 beside few errors of D: G learns nothing any more.

    All are about the networks as they are when they do not train: without
    dropout and transforms, with the moving statistics of batch normalisation,
    and without a loss's penalties. Nothing of the game is moved by a reading.

    Args:
        gan: The game, compiled.
        real: Fixed examples of the training data, [B, *sample_shape].
        condition: Of each, or None.
    """

    def __init__(self, gan: Gan, real: Any, condition: Any = None):
        self.gan = gan
        self.real = tf.cast(real, randomness.variable_dtype())
        self.condition = condition
        self.latents = Sampler(gan).draw_latents(len(real), gan.seed)
        self.real_deviation = _deviation(real)
        self._measure = tf.function(self._measured, autograph=False)

    def read(self) -> dict[str, float]:
        """The values now, by name."""
        fake, logits, norms = self._measure(
            self.real, self.latents, self.condition
        )
        return {
            "false_negatives": float(np.mean(logits["real_logits"] < 0)),
            "false_positives": float(np.mean(logits["fake_logits"] > 0)),
            "sample_diversity": _deviation(fake) / self.real_deviation,
            **{f"{name}_gradient_norm": float(x) for name, x in norms.items()},
        }

    def _measured(
        self, real: tf.Tensor, latents: tf.Tensor, condition: Any
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor], dict[str, tf.Tensor]]:
        """G(z), the logits [B] of both, and the norms."""
        weights = {
            player: [
                tf.identity(v.value)
                for v in self.gan.players[player][0].trainable_variables
            ]
            for player in objectives.PLAYERS
        }
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(weights)
            fake = self._call("generator", weights, latents, condition)
            tape.watch(fake)
            logits = {
                "real_logits": self._judge(weights, real, condition),
                "fake_logits": self._judge(weights, fake, condition),
            }
            known = {
                **logits,
                "fake_logits_without_dropout": logits["fake_logits"],
            }
            means = {
                player: tf.reduce_mean(
                    objectives.cost(self.gan.terms, player, known)
                )
                for player in weights
            }
        of_discriminator = tape.gradient(
            means["discriminator"], weights["discriminator"]
        )
        # On its way to G's weights it comes by the samples.
        *of_generator, at_fake = tape.gradient(
            means["generator"], [*weights["generator"], fake]
        )
        norms = {
            "discriminator": _norm(of_discriminator),
            "generator": _norm(of_generator),
            "sample": _norm([at_fake]),
        }
        return fake, logits, norms

    def _judge(
        self, weights: dict[str, Any], samples: tf.Tensor, condition: Any
    ) -> tf.Tensor:
        logits = self._call("discriminator", weights, samples, condition)
        return tf.cast(tf.squeeze(logits, axis=1), randomness.variable_dtype())

    def _call(
        self,
        player: str,
        weights: dict[str, Any],
        inputs: tf.Tensor,
        condition: Any,
    ) -> tf.Tensor:
        # Stateless: under a strategy, tapes do not see variables from outside
        # of its replicas; and what is no variable cannot be moved.
        network, _ = self.gan.players[player]
        outputs, _ = network.stateless_call(
            weights[player],
            [variable.value for variable in network.non_trainable_variables],
            with_condition(inputs, condition),
            training=False,
        )
        return outputs


def _norm(gradients: list[tf.Tensor | None]) -> tf.Tensor:
    """Of all together, in the type of weights; None counts as 0."""
    dtype = randomness.variable_dtype()
    squares = [
        tf.reduce_sum(tf.square(tf.cast(gradient, dtype)))
        for gradient in gradients
        if gradient is not None
    ]
    return tf.sqrt(tf.add_n(squares)) if squares else tf.zeros((), dtype)


def _deviation(samples: Any) -> float:
    """Root of the mean variance of a number in a sample; never quite 0."""
    variance = np.var(np.asarray(samples, np.float64), axis=0).mean()
    return float(np.sqrt(variance) + np.finfo(np.float64).eps)
