"""A trained game as a source of samples: what evaluators and exports use."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ganzoo import example_sets, hidden_layers, randomness
from ganzoo.averaged_weights import AveragedWeights
from ganzoo.conditions import map_condition, repeated, with_condition
from ganzoo.errors import (
    ConfigurationError,
    DataError,
    GanzooError,
    did_you_mean,
)
from ganzoo.gan import Gan
from ganzoo.randomness import Segment
from ganzoo.reconstruction import Reconstruction


class ExampleConditions:
    """Conditions of examples drawn at random, the same ones at each call.

    What samples of a conditional game are conditioned on where nobody says: the
    model of p(x) that it then is has the data's own p(c).

    Args:
        examples: What `dataset.examples("train")` gave.
        num_examples: How many are drawn; more samples go through them again.
    """

    def __init__(self, examples: Any, num_examples: int = 10_000):
        self.examples = examples
        self.num_examples = num_examples
        self._drawn: Any = None

    def __call__(self, num: int) -> Any:
        """A condition for each of `num` samples; None if there is none."""
        if example_sets.condition_spec(self.examples) is None:
            return None
        if self._drawn is None:
            self._drawn = self._draw()
        return repeated(self._drawn, num)

    def _draw(self) -> Any:
        if isinstance(self.examples, tf.data.Dataset):
            drawn = self.examples.map(lambda _, condition: condition).shuffle(
                self.num_examples, seed=0, reshuffle_each_iteration=False
            )
            batches = drawn.batch(self.num_examples)
            return next(batches.as_numpy_iterator())
        order = np.random.default_rng(0).permutation(len(self.examples[0]))
        return map_condition(
            lambda part: np.asarray(part)[order[: self.num_examples]],
            self.examples[1],
        )


class Sampler:
    """A game's generator, by its own weights or by their averages.

    Sample i of a seed is the same whatever the batch size and however many are
    drawn. Dropout is off; batch normalisation uses its moving statistics, or
    under averaged weights those of `ganzoo.averaged_weights`. Where a game is
    conditional and no condition is given, row i is conditioned as example i of
    `ExampleConditions` is.

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
        self._averaged = AveragedWeights(gan) if use_ema else None
        self.batch_size = batch_size
        self._generate = tf.function(
            self.call, autograph=False, reduce_retracing=True
        )
        self._sample = tf.function(
            self._draw_and_call, autograph=False, reduce_retracing=True
        )
        self._judge = tf.function(
            lambda samples, condition: gan.networks.judge(
                samples, condition, None
            ),
            autograph=False,
            reduce_retracing=True,
        )

    def call(self, latents: tf.Tensor, condition: Any = None) -> tf.Tensor:
        """G(z) as graph code: [B, latent_dim] -> [B, *sample_shape]."""
        inputs = with_condition(latents, condition)
        return self.apply(self.gan.generator, inputs)

    def apply(self, network: keras.Model, inputs: Any) -> tf.Tensor:
        """G, or a part of it, by the weights that speak, as graph code."""
        if self._averaged is None:
            return network(inputs, training=False)
        return self._averaged(network, inputs)

    def follow(self) -> None:
        """Readies graph code for the weights as they stand."""
        if self._averaged is not None:
            self._averaged.follow()

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
        if condition is None:
            condition = self.gan.networks.conditions(num)
        self.follow()
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
        if condition is None:
            condition = self.gan.networks.conditions(len(latents))
        self.follow()
        return self._generate(latents, condition).numpy()

    def discriminate(self, samples: Any, condition: Any = None) -> np.ndarray:
        """D's logits [B]."""
        samples = tf.cast(samples, randomness.variable_dtype())
        return self._judge(samples, condition).numpy()

    def inference(self, name: str = "inference") -> Reconstruction:
        """The inference net of that name, at work with this generator.

        Raises:
            DataError: If the game has none.
        """
        return Reconstruction(self, name)

    def trunk(
        self, network: str = "discriminator", layer: str | None = None
    ) -> keras.Model:
        """A copy of a net that takes samples, up to a layer.

        Args:
            network: "discriminator" or the name of a companion.
            layer: Whose output the copy gives. None: what the last one with
                weights takes.

        Returns:
            Model: samples [B, *sample_shape] -> features [B, ...], its weights
            its own.

        Raises:
            ConfigurationError: If there is no such network or layer.
            DataError: If the network takes a condition beside samples.
        """
        nets = {
            name: net
            for name, (net, _) in self.gan.players.items()
            if name != "generator"
        }
        if network not in nets:
            raise ConfigurationError(
                "`network` must be one that takes samples. Received: "
                f"{network!r}.{did_you_mean(network, nets)} There are: "
                f"{', '.join(nets)}."
            )
        below = hidden_layers.below(nets[network], layer, "layer")
        if len(below.inputs) > 1:
            raise DataError(
                "Features are those of a network that takes samples alone. "
                f"Received: the {network}, which takes a condition with them."
            )
        copy = keras.models.clone_model(below)
        copy.set_weights(below.get_weights())
        randomness.adopt(copy)
        return copy

    def _draw_and_call(
        self, num: Any, seed: Any, first_row: Any, condition: Any
    ) -> tf.Tensor:
        return self.call(self.draw_latents(num, seed, first_row), condition)
