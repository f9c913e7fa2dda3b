"""Nets that are trained beside the game, on what the generator makes.

A companion moves neither player: it is shown samples of G as G stands, after
each round. Under `resting` nobody plays, and it is trained alone, for a
generator that is finished.
"""

import inspect
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from ganzoo import objectives, randomness
from ganzoo.conditions import with_condition
from ganzoo.distribution.replicas import GlobalMean
from ganzoo.errors import ComponentError, ConfigurationError
from ganzoo.gradients import accumulated, scaled
from ganzoo.minibatches import Minibatch
from ganzoo.optimizers import check_supported, follow

if TYPE_CHECKING:  # `gan` is told of companions, not the other way round.
    from ganzoo.gan import Gan

# Groups of arrays in a checkpoint, beside players and their optimizers; see
# `ganzoo.storage.checkpoints.state`, which comes later.
_TAKEN = ("step", "metrics", "generator_ema", "players")


def resting(gan: "Gan", minibatches: Sequence[Minibatch]) -> None:
    """Moves neither player: for companions of a finished generator."""
    if not gan.companions:
        raise ConfigurationError(
            "`resting` is the update rule of a game whose companions train "
            "alone. Received: no companion. Bind `build_gan.companions`."
        )


def join(gan: "Gan", companions: Sequence[Any]) -> None:
    """Puts companions beside a game that is compiled.

    Their networks are made in the order given, and count among `gan.players`
    for whatever keeps, restores or checks these.

    Args:
        gan: The game.
        companions: See `ganzoo.interfaces.Companion`.

    Raises:
        ComponentError: If a companion shares its optimizer, has another's
            name or one that a checkpoint uses, or makes a network that does
            not fit.
    """
    for companion in companions:
        name = companion.name
        # It stands in the names of arrays and of numbers.
        if not re.fullmatch("[a-z][a-z0-9_]*", name) or name in gan.players:
            raise ComponentError(
                "A companion needs a `name` of its own, of a-z, 0-9 and _. "
                f"Received: {name!r}, beside {', '.join(gan.players)}. Bind "
                "another."
            )
        if name in _TAKEN or name.endswith("_optimizer"):
            raise ComponentError(
                "A companion's `name` must not be one that checkpoints use: "
                f"{', '.join(_TAKEN)} or *_optimizer. Received: {name!r}. "
                "Bind another."
            )
        used = [optimizer for _, optimizer in gan.players.values()]
        if any(companion.optimizer is optimizer for optimizer in used):
            raise ComponentError(
                f"The companion {name!r} must have an optimizer of its own. "
                "Received: one for two. Write the reference twice."
            )
        companion.build(gan.generator, gan.latents.latent_dim)
        gan.companions.append(_Beside(gan, companion))


class _Beside:
    """A companion in its place beside a game."""

    def __init__(self, gan: "Gan", companion: Any):
        self.gan = gan
        self.companion = companion
        self.name = companion.name
        self.network = companion.network
        self.optimizer = scaled(companion.optimizer)
        randomness.adopt(self.network)
        check_supported(self.optimizer)
        self.optimizer.build(self.network.trainable_variables)
        follow(self.optimizer, gan.step)
        gan.players[self.name] = (self.network, self.optimizer)
        gan.log_means[self.name] = GlobalMean(name=f"{self.name}_loss")

    def train(self, minibatch: Minibatch) -> None:
        """One step, on as many samples of G as the minibatch has examples."""
        parts = minibatch.split(self.gan.num_micro_batches)
        gradients = accumulated(self.gradients, parts)[self.name]
        self.optimizer.apply_gradients(
            zip(gradients, self.network.trainable_variables, strict=True)
        )

    def gradients(self, minibatch: Minibatch) -> dict[str, list[tf.Tensor]]:
        """This replica's part of the gradient; the parts add up."""
        networks, condition = self.gan.networks, minibatch.condition
        place = f"companions/{self.name}"
        z = networks.latents(
            networks.draws(minibatch, f"{place}/z"), minibatch.num
        )
        # G as it is sampled from: its batch statistics stay where they are.
        with randomness.scope(networks.draws(minibatch, f"{place}/G")):
            fake = networks.generator(
                with_condition(z, condition), training=False
            )
        known = {
            "latents": z,
            "fake_samples": tf.stop_gradient(fake),
            "condition": condition,
            "draws": networks.draws(minibatch, f"{place}/loss"),
        }
        with tf.GradientTape() as tape:
            with randomness.scope(networks.draws(minibatch, place)):
                cost = _loss(self.companion, known)  # [B]
            mean = tf.reduce_mean(tf.cast(cost, randomness.variable_dtype()))
            share = self.gan.share(self.name, mean)
        self.gan.log_means[self.name].update_state(mean)
        weights = self.network.trainable_variables
        return {self.name: tape.gradient(share, weights)}


def _loss(companion: Any, known: dict[str, Any]) -> tf.Tensor:
    """The companion's loss, called with what its signature names: [B]."""
    wanted = inspect.signature(companion.loss).parameters
    source = f"{type(companion).__name__}.loss"
    unknown = sorted(set(wanted) - set(known))
    if unknown:
        raise ComponentError(
            f"`{source}` may ask for {', '.join(known)}. Received: "
            f"{', '.join(unknown)}."
        )
    values = companion.loss(**{name: known[name] for name in wanted})
    return objectives.check_rank(values, source)
