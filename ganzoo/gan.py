"""The game of Goodfellow et al. 2014. Read this first.

    min_G max_D V(D, G) = E_x[log D(x)] + E_z[log(1 - D(G(z)))]          (1)

`alternating` and `simultaneous` are the two ways to play it; `Gan.gradients`
computes what a player needs; `Gan.train_step` is one round. Everything else a
run needs (data, checkpoints, logs) lies outside of this file.
"""

import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from ganzoo import objectives, pipeline, randomness
from ganzoo.errors import ConfigurationError
from ganzoo.networks import check_networks, has_batch_statistics
from ganzoo.optimizers import follow
from ganzoo.randomness import Segment
from ganzoo.strategies import DistributedModel


class Minibatch(NamedTuple):
    """Examples of the data and what they are conditioned on.

    Attributes:
        samples: [B, *sample_shape].
        condition: Whatever the data set gives with them, or None.
    """

    samples: Any
    condition: Any = None


def alternating(gan: "Gan", minibatches: Sequence[Minibatch]) -> None:
    """Algorithm 1: k steps of D, each on its own minibatch and fresh z, then G."""
    for substep, minibatch in enumerate(minibatches):
        gan.update(["discriminator"], minibatch, f"discriminator/{substep}")
    gan.update(["generator"], minibatches[-1], "generator")


def simultaneous(gan: "Gan", minibatches: Sequence[Minibatch]) -> None:
    """The 2014 code's rule: both gradients at the old parameters, then both move.

    D and G judge the same fakes under the same dropout masks. With k > 1, D takes
    k - 1 steps of its own first.
    """
    *earlier, last = minibatches
    for substep, minibatch in enumerate(earlier):
        gan.update(["discriminator"], minibatch, f"discriminator/{substep}")
    gan.update(["discriminator", "generator"], last, "both")


class Gan(DistributedModel):
    """A generator and a discriminator that play against each other.

    Args:
        generator: `keras.Model`, latents [B, latent_dim] -> [B, *sample_shape];
            called with [latents, condition] where the data has a condition.
        discriminator: `keras.Model`, [B, *sample_shape] -> logits [B, 1].
        latents: The prior of z, such as `ganzoo.latents.Uniform(100)`.
        seed: Of every random number that the game draws.
        ema_decay: Keeps averages of the generator's trainable weights, w_ema <-
            ema_decay * w_ema + (1 - ema_decay) * w after each step. None: no.

    Raises:
        ComponentError: If the networks do not fit each other or the contract.
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        latents: Callable,
        seed: int = 0,
        ema_decay: float | None = None,
        name: str = "gan",
    ):
        super().__init__(name=name)
        if ema_decay is not None and not 0 <= ema_decay < 1:
            raise ConfigurationError(
                "`ema_decay` must be None or in [0, 1). Received: "
                f"ema_decay={ema_decay}."
            )
        self.generator = generator
        self.discriminator = discriminator
        self.latents = latents
        self.seed = seed
        self.ema_decay = ema_decay
        self.sample_shape = check_networks(generator, discriminator, latents)
        self.mixes_examples = getattr(
            discriminator, "mixes_examples", has_batch_statistics(discriminator)
        )
        randomness.adopt(generator)
        randomness.adopt(discriminator)
        # Counts calls of `train_step`. Draws, data, schedules and checkpoints go by
        # it; an optimizer's own count stalls where a player rests.
        self.step = self.add_weight(
            shape=(),
            dtype="int64",
            trainable=False,
            aggregation="only_first_replica",
            name="step",
        )
        self.ema = [
            keras.Variable(
                tf.identity(weight.value),
                trainable=False,
                name=f"ema_{weight.name}",
            )
            for weight in (generator.trainable_variables if ema_decay else [])
        ]
        self.log_means = {
            player: keras.metrics.Mean(name=f"{player}_loss")
            for player in objectives.PLAYERS
        }
        self.built = True

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """Each player's mean loss since the last reset."""
        return list(self.log_means.values())

    def compile(
        self,
        generator_optimizer: keras.Optimizer,
        discriminator_optimizer: keras.Optimizer,
        losses: Sequence[Any],
        update_rule: Callable = alternating,
        discriminator_steps: int = 1,
        **kwargs: Any,
    ) -> "Gan":
        """Says how the game is played.

        Args:
            generator_optimizer: Of G alone; an optimizer has one player.
            discriminator_optimizer: Of D alone.
            losses: Terms that add up; see `ganzoo.interfaces.Loss`.
            update_rule: `alternating` or `simultaneous`, or one like them.
            discriminator_steps: k of Algorithm 1.
            **kwargs: For `keras.Model.compile`: jit_compile, steps_per_execution.

        Returns:
            The game itself.
        """
        if discriminator_steps < 1:
            raise ConfigurationError(
                "`discriminator_steps`, the k of Algorithm 1, must be at least 1. "
                f"Received: discriminator_steps={discriminator_steps}."
            )
        kwargs.setdefault("jit_compile", False)  # On CPUs XLA was never faster.
        # A None keeps Keras from making an optimizer of its own.
        super().compile(optimizer=None, **kwargs)
        self.terms = objectives.check_terms(losses)
        self.update_rule = update_rule
        self.discriminator_steps = discriminator_steps
        self.players = {
            "discriminator": (self.discriminator, discriminator_optimizer),
            "generator": (self.generator, generator_optimizer),
        }
        for network, optimizer in self.players.values():
            optimizer.build(network.trainable_variables)
            follow(optimizer, self.step)
        return self

    def fit(self, x: Any = None, batch_size: int = 100, **kwargs: Any) -> Any:
        """Trains on arrays [N, *sample_shape], or on batches of `ganzoo.pipeline`."""
        if not isinstance(
            x, (tf.data.Dataset, tf.distribute.DistributedDataset)
        ):
            k = self.discriminator_steps
            kwargs.setdefault(
                "steps_per_epoch",
                pipeline.steps_per_epoch(
                    pipeline.num_examples(x), batch_size, k
                ),
            )
            x = pipeline.batches(
                x, batch_size, k, seed=self.seed, first_step=int(self.step)
            )
        return super().fit(x, **kwargs)

    def train_step(self, batch: Any) -> dict[str, tf.Tensor]:
        """One round of the game.

        Args:
            batch: Samples [B, k, *sample_shape], or (samples, condition): the k
                minibatches of one round, the rows that this replica holds.

        Returns:
            The means since the last reset, by name.
        """
        samples, condition = (
            batch if isinstance(batch, tuple) else (batch, None)
        )
        samples = tf.cast(samples, randomness.variable_dtype())
        # [B, k, ...] is k minibatches of B: a strategy splits axis 0.
        minibatches = [
            Minibatch(
                samples[:, i],
                tf.nest.map_structure(lambda part, i=i: part[:, i], condition),
            )
            for i in range(self.discriminator_steps)
        ]
        self.update_rule(self, minibatches)
        if self.ema:
            tf.distribute.get_replica_context().merge_call(self._update_ema)
        self.step.assign_add(1)
        return {metric.name: metric.result() for metric in self.metrics}

    def update(
        self, players: Sequence[str], minibatch: Minibatch, purpose: str
    ) -> None:
        """Moves the players, each by its gradient at the point where all stand."""
        gradients = self.gradients(players, minibatch, purpose)
        for player in players:
            network, optimizer = self.players[player]
            optimizer.apply_gradients(
                zip(gradients[player], network.trainable_variables, strict=True)
            )

    def gradients(
        self, players: Sequence[str], minibatch: Minibatch, purpose: str
    ) -> dict[str, list[tf.Tensor]]:
        """This replica's part of each player's gradient; the parts add up.

        Args:
            players: "discriminator", "generator" or both, which then judge the
                same fakes under the same dropout masks.
            minibatch: Examples of the data, and their condition.
            purpose: Names the random numbers: fresh z and fresh masks for each.
        """
        with tf.GradientTape(persistent=True) as tape:
            fake = self.play_generator(minibatch, purpose)  # G(z)
            if "generator" not in players:
                fake = tf.stop_gradient(fake)
            logits = self.play_discriminator(players, minibatch, fake, purpose)
            costs = {
                player: objectives.cost(self.terms, player, logits)  # [B]
                for player in players
            }
            if "discriminator" in players:
                costs["discriminator"] = self.add_penalties(
                    costs["discriminator"], minibatch, fake, purpose
                )
            means = {
                player: tf.reduce_mean(cost) for player, cost in costs.items()
            }
            # Optimizers sum over replicas, so each brings its share of the mean.
            scaled = {
                player: self.players[player][1].scale_loss(
                    (mean + self.regularization(player)) / self.num_replicas
                )
                for player, mean in means.items()
            }
        for player, mean in means.items():
            self.log_means[player].update_state(mean)
        return {
            player: tape.gradient(
                objective, self.players[player][0].trainable_variables
            )
            for player, objective in scaled.items()
        }

    def play_generator(self, minibatch: Minibatch, purpose: str) -> tf.Tensor:
        """G(z) for fresh z: [B, *sample_shape]."""
        num = tf.shape(minibatch.samples)[0]
        z = self.latents(self.draws(num, f"{purpose}/z"), num)
        with randomness.scope(self.draws(num, f"{purpose}/G")):
            return self.generator(
                with_condition(z, minibatch.condition), training=True
            )

    def play_discriminator(
        self,
        players: Sequence[str],
        minibatch: Minibatch,
        fake: tf.Tensor,
        purpose: str,
    ) -> dict[str, tf.Tensor]:
        """D(x) and D(G(z)) as logits [B]; D(x) only if somebody asks for it."""
        real, condition = minibatch
        num = tf.shape(real)[0]
        wanted = set().union(
            *(objectives.names(self.terms, p) for p in players)
        )
        if "real_logits" not in wanted:
            draws = self.draws(num, f"{purpose}/D/fake")
            return {
                "real_logits": None,
                "fake_logits": self.judge(fake, condition, draws),
            }
        if self.mixes_examples:
            return {
                f"{name}_logits": self.judge(
                    samples, condition, self.draws(num, f"{purpose}/D/{name}")
                )
                for name, samples in (("real", real), ("fake", fake))
            }
        # One pass over both is faster; each half draws masks of its own.
        both = tf.concat([real, tf.cast(fake, real.dtype)], axis=0)
        twice = tf.nest.map_structure(
            lambda part: tf.concat([part, part], axis=0), condition
        )
        draws = self.draws(num, f"{purpose}/D/real", f"{purpose}/D/fake")
        logits = self.judge(both, twice, draws)
        return {"real_logits": logits[:num], "fake_logits": logits[num:]}

    def judge(
        self, samples: tf.Tensor, condition: Any, draws: randomness.Draws | None
    ) -> tf.Tensor:
        """D's logits [B], in training mode if there are `draws` for its masks."""
        with randomness.scope(draws):
            logits = self.discriminator(
                with_condition(samples, condition), training=draws is not None
            )
        # [B, 1] against [B] would broadcast to [B, B] without a word.
        return tf.cast(tf.squeeze(logits, axis=1), randomness.variable_dtype())

    def add_penalties(
        self,
        cost: tf.Tensor,
        minibatch: Minibatch,
        fake: tf.Tensor,
        purpose: str,
    ) -> tf.Tensor:
        """Adds what the terms charge D for its values elsewhere: [B]."""
        real, condition = minibatch
        num = tf.shape(real)[0]
        for index, term in enumerate(self.terms):
            if not hasattr(term, "penalty"):
                continue
            place = f"{purpose}/penalty/{index}"

            def penalty(term: Any = term, place: str = place) -> tf.Tensor:
                calls = itertools.count()

                def discriminate(samples: tf.Tensor) -> tf.Tensor:
                    draws = self.draws(num, f"{place}/D/{next(calls)}")
                    return self.judge(samples, condition, draws)

                draws = self.draws(num, place)
                return term.penalty(discriminate, real, fake, draws)

            every = getattr(term, "penalty_every", 1)
            if every == 1:
                values = penalty()
            else:  # Lazily, and as much the more.
                values = tf.cond(
                    self.step % every == 0,
                    lambda penalty=penalty, every=every: every * penalty(),
                    lambda: tf.zeros_like(cost),
                )
            cost = objectives.add(
                cost, values, f"{type(term).__name__}.penalty"
            )
        return cost

    def draws(self, num: tf.Tensor, *purposes: str) -> randomness.Draws:
        """Random numbers for this replica's `num` rows of each purpose."""
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        segments = [Segment(name, replica * num, num) for name in purposes]
        return randomness.Draws(self.seed, self.step.value, segments)

    def regularization(self, player: str) -> Any:
        """The sum of a network's own penalties on weights and activations."""
        losses = self.players[player][0].losses
        return sum(losses) if losses else 0.0

    @property
    def num_replicas(self) -> int:
        """Over how many replicas the global batch is spread."""
        return self.distribute_strategy.num_replicas_in_sync

    def _update_ema(self, strategy: tf.distribute.Strategy) -> None:
        """w_ema <- w_ema - (1 - decay) * (w_ema - w), on each replica alone."""

        def move(average: tf.Variable, weight: tf.Tensor) -> None:
            tf.raw_ops.ResourceApplyGradientDescent(
                var=average.handle,
                alpha=tf.cast(1 - self.ema_decay, average.dtype),
                delta=average - weight,
            )

        for average, weight in zip(
            self.ema, self.generator.trainable_variables, strict=True
        ):
            strategy.extended.update(average.value, move, args=(weight.value,))


def with_condition(inputs: tf.Tensor, condition: Any) -> Any:
    """What a network is called with: inputs, or [inputs, condition]."""
    return inputs if condition is None else [inputs, condition]
