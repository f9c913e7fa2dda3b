"""The game of Goodfellow et al. 2014. Read this first.

    min_G max_D V(D, G) = E_x[log D(x)] + E_z[log(1 - D(G(z)))]          (1)

`alternating` and `simultaneous` are the two ways to play it; `Gan.gradients`
computes what a player needs; `Gan.train_step` is one round. Everything else a
run needs (data, checkpoints, logs) lies outside of this file.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from ganzoo import gradients, objectives
from ganzoo.averaging import averages_of, move_averages
from ganzoo.distribution.replicas import DistributedModel, GlobalMean
from ganzoo.errors import ConfigurationError
from ganzoo.interfaces import Prior
from ganzoo.minibatches import Minibatch, minibatches_of
from ganzoo.networks import Networks, check_networks
from ganzoo.optimizers import check_supported, follow
from ganzoo.pacing import paced


def alternating(gan: "Gan", minibatches: Sequence[Minibatch]) -> None:
    """Algorithm 1: k steps of D, each on new examples and fresh z, then G."""
    for substep, minibatch in enumerate(minibatches):
        gan.update(["discriminator"], minibatch, f"discriminator/{substep}")
    gan.update(["generator"], minibatches[-1], "generator")


def simultaneous(gan: "Gan", minibatches: Sequence[Minibatch]) -> None:
    """The 2014 code's rule: both gradients at the old point, then both move.

    D and G judge the same fakes under the same dropout masks. With k > 1, D
    takes k - 1 steps of its own first.
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
        ema_start: Step up to which w_ema is w.
        sample_shape: The data's. None: what the generator makes.
        condition_spec: `keras.KerasTensor` of a batch of conditions, if any.
        transforms: What D, as it trains, is shown in place of samples, real and
            fake alike: callables `(samples, draws)`; see `ganzoo.transforms`.

    Raises:
        ComponentError: If the networks do not fit each other or the contract.
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        latents: Prior,
        seed: int = 0,
        ema_decay: float | None = None,
        ema_start: int = 0,
        sample_shape: tuple[int, ...] | None = None,
        condition_spec: Any = None,
        transforms: Sequence[Callable] = (),
    ):
        super().__init__(name="gan")
        self.generator = generator
        self.discriminator = discriminator
        self.latents = latents
        self.seed = seed
        self.ema_decay = ema_decay
        self.ema_start = ema_start
        self.sample_shape = check_networks(
            generator, discriminator, latents, sample_shape, condition_spec
        )
        # Counts calls of `train_step`. Draws, data, schedules and checkpoints
        # go by it; an optimizer's own count stalls where a player rests.
        self.step = self.add_weight(
            shape=(),
            dtype="int64",
            trainable=False,
            aggregation="only_first_replica",
            name="step",
        )
        trained = generator.trainable_variables
        self.ema = averages_of(trained, ema_decay, ema_start)
        self.networks = Networks(
            generator, discriminator, latents, seed, self.step, transforms
        )
        self.log_means = {
            player: GlobalMean(name=f"{player}_loss")
            for player in objectives.PLAYERS
        }
        self.companions: list[Any] = []  # Of `ganzoo.companions.join`.
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
        num_micro_batches: int = 1,
        paces: Mapping[str, Callable | None] | None = None,
        **kwargs: Any,
    ) -> "Gan":
        """Says how the game is played.

        Args:
            generator_optimizer: Of G alone; an optimizer has one player.
            discriminator_optimizer: Of D alone.
            losses: Terms that add up; see `ganzoo.interfaces.Loss`.
            update_rule: `alternating` or `simultaneous`, or one like them.
            discriminator_steps: k of Algorithm 1.
            num_micro_batches: Parts of a minibatch that are computed one after
                the other, gradients added up: the same step in less memory.
            paces: {player: what its gradients are multiplied with, a function
                of the step}; see `ganzoo.pacing`.
            **kwargs: For Keras: jit_compile, steps_per_execution, run_eagerly.

        Returns:
            The game itself.
        """
        if discriminator_steps < 1:
            raise ConfigurationError(
                "`discriminator_steps`, the k of Algorithm 1, must be at least "
                f"1. Received: discriminator_steps={discriminator_steps}."
            )
        kwargs.setdefault("jit_compile", False)  # On CPUs XLA was never faster.
        # A None keeps Keras from making an optimizer of its own.
        super().compile(optimizer=None, **kwargs)
        self.terms = objectives.check_terms(losses)
        self.update_rule = update_rule
        self.discriminator_steps = discriminator_steps
        self.num_micro_batches = num_micro_batches
        self.paces = dict(paces or {})
        self.players = {
            "discriminator": (self.discriminator, discriminator_optimizer),
            "generator": (self.generator, generator_optimizer),
        }
        for network, optimizer in self.players.values():
            check_supported(optimizer)
            optimizer.build(network.trainable_variables)
            follow(optimizer, self.step)
        return self

    def train_step(self, batch: Any) -> dict[str, tf.Tensor]:
        """One round of the game.

        Args:
            batch: Samples [B, k, *sample_shape], or (samples, condition): the k
                minibatches of one round, the rows that this replica holds.

        Returns:
            The means since the last reset, by name.
        """
        minibatches = minibatches_of(batch, self.discriminator_steps)
        self.update_rule(self, minibatches)
        for companion in self.companions:
            companion.train(minibatches[-1])
        if self.ema_decay is not None:
            weights = self.generator.trainable_variables
            has_begun = self.step >= self.ema_start
            move_averages(self.ema, weights, self.ema_decay, has_begun)
        self.step.assign_add(1)
        return {metric.name: metric.result() for metric in self.metrics}

    def update(
        self, players: Sequence[str], minibatch: Minibatch, purpose: str
    ) -> None:
        """Moves the players by their gradients at the point where all stand."""
        parts = minibatch.split(self.num_micro_batches)
        found = gradients.accumulated(
            lambda part: self.gradients(players, part, purpose), parts
        )
        for player in players:
            network, optimizer = self.players[player]
            moves = paced(found[player], self.paces.get(player), self.step)
            optimizer.apply_gradients(
                zip(moves, network.trainable_variables, strict=True)
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
            fake = self.networks.generate(minibatch, purpose)  # G(z)
            if "generator" not in players:
                fake = tf.stop_gradient(fake)
            minibatch, fake = self.networks.transform(minibatch, fake, purpose)
            asked_for = objectives.asked_for(self.terms, players)
            logits = self.networks.logits(asked_for, minibatch, fake, purpose)
            verdicts = gradients.cut(tape, logits)
            costs = {
                player: objectives.cost(self.terms, player, verdicts)  # [B]
                for player in players
            }
            if "discriminator" in players:
                costs["discriminator"] += self.networks.penalties(
                    self.terms, minibatch, fake, purpose
                )
            means = {p: tf.reduce_mean(cost) for p, cost in costs.items()}
            shares = {p: self.share(p, mean) for p, mean in means.items()}
        for player, mean in means.items():
            self.log_means[player].update_state(mean)
        return gradients.of_players(
            tape,
            shares,
            verdicts,
            logits,
            fake,
            {
                player: network.trainable_variables
                for player, (network, _) in self.players.items()
            },
            self.networks.mixes_examples,
        )

    def share(self, player: str, mean: tf.Tensor) -> tf.Tensor:
        """What this replica adds to a player's objective: optimizers sum."""
        network, optimizer = self.players[player]
        objective = mean + sum(network.losses)
        return optimizer.scale_loss(objective / self.num_shares)
