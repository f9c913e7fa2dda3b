"""A trained game as a source of samples: what evaluators and exports use."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from ganzoo import randomness
from ganzoo.errors import GanzooError
from ganzoo.gan import Gan
from ganzoo.networks import map_condition, with_condition
from ganzoo.randomness import Segment


class Sampler:
    """A game's generator, by its own weights or by their averages.

    Sample i of a seed is the same whatever the batch size and however many are
    drawn. Dropout is off and batch normalisation uses its moving statistics.

    Args:
        gan: The game.
        use_ema: Whether the generator's averaged weights speak.
        batch_size: Samples at a time.

    Raises:
        GanzooError: If averages are asked for and the game keeps none.
    """

    def __init__(self, gan: Gan, use_ema: bool = False, batch_size: int = 500):
        if use_ema and not gan.ema:
            raise GanzooError(
                "`use_ema` needs a game that averages its generator's weights. "
                "Received: a game with ema_decay=None. Bind "
                "`build_gan.ema_decay`, or use its own weights."
            )
        self.gan = gan
        self.use_ema = use_ema
        self.batch_size = batch_size
        self._generate = tf.function(self.call, reduce_retracing=True)
        self._sample = tf.function(self._draw_and_call, reduce_retracing=True)
        self._judge = tf.function(
            lambda samples, condition: gan.networks.judge(
                samples, condition, None
            ),
            reduce_retracing=True,
        )

    def call(self, latents: tf.Tensor, condition: Any = None) -> tf.Tensor:
        """G(z) as graph code: [B, latent_dim] -> [B, *sample_shape]."""
        generator = self.gan.generator
        inputs = with_condition(latents, condition)
        if not self.use_ema:
            return generator(inputs, training=False)
        samples, _ = generator.stateless_call(
            [average.value for average in self.gan.ema],
            [weight.value for weight in generator.non_trainable_variables],
            inputs,
            training=False,
        )
        return samples

    def draw_latents(
        self, num: Any, seed: Any, first_row: Any = 0
    ) -> tf.Tensor:
        """The z of samples `first_row` and up: [num, latent_dim]."""
        segment = Segment("sample/z", first_row, num)
        return self.gan.latents(randomness.Draws(seed, 0, [segment]), num)

    def sample(
        self, num: int, seed: int, condition: Any = None
    ) -> Iterator[np.ndarray]:
        """Yields arrays [<= batch_size, *sample_shape], `num` in all."""
        for first in range(0, num, self.batch_size):
            rows = slice(first, min(first + self.batch_size, num))
            part = map_condition(
                lambda values, rows=rows: values[rows], condition
            )
            yield self._sample(
                tf.constant(rows.stop - rows.start),
                tf.constant(seed, tf.int64),
                tf.constant(first, tf.int64),
                part,
            ).numpy()

    def generate(self, latents: Any, condition: Any = None) -> np.ndarray:
        """G(z): [B, latent_dim] -> [B, *sample_shape]."""
        latents = tf.cast(latents, randomness.variable_dtype())
        return self._generate(latents, condition).numpy()

    def discriminate(self, samples: Any, condition: Any = None) -> np.ndarray:
        """D's logits [B]."""
        samples = tf.cast(samples, randomness.variable_dtype())
        return self._judge(samples, condition).numpy()

    def _draw_and_call(
        self, num: Any, seed: Any, first_row: Any, condition: Any
    ) -> tf.Tensor:
        return self.call(self.draw_latents(num, seed, first_row), condition)
