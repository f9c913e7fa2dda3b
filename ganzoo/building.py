"""From a data set and the parts that a config names to a game ready to play."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from ganzoo import conditions, example_sets, gradients, randomness, sampling
from ganzoo.checks import (
    check_callable,
    check_counts,
    check_integers,
    check_list,
)
from ganzoo.companions import join
from ganzoo.errors import ComponentError, DataError
from ganzoo.gan import Gan, alternating
from ganzoo.interfaces import SUPPLIED_BY_CORE


def build_gan(
    dataset: Any,
    examples: Any,
    seed: int,
    *,
    generator: Callable,
    discriminator: Callable,
    latents: Any,
    losses: Sequence[Any],
    generator_optimizer: keras.Optimizer,
    discriminator_optimizer: keras.Optimizer,
    update_rule: Callable = alternating,
    discriminator_steps: int = 1,
    num_micro_batches: int = 1,
    ema_decay: float | None = None,
    ema_start: int = 0,
    transforms: Sequence[Any] = (),
    generator_pace: Callable | None = None,
    discriminator_pace: Callable | None = None,
    companions: Sequence[Any] = (),
    jit_compile: bool = False,
) -> Gan:
    """Builds the game; call it within the scope of the strategy that plays it.

    Args:
        dataset: See `ganzoo.interfaces.Dataset`.
        examples: What `dataset.examples("train")` gave.
        seed: Of the initial weights and of every draw of the game.
        generator: Factory of the generator.
        discriminator: Factory of the discriminator.
        latents: The prior of z.
        losses: Terms that add up.
        generator_optimizer: Of G alone.
        discriminator_optimizer: Of D alone.
        update_rule: `alternating` (Algorithm 1) or `simultaneous`.
        discriminator_steps: k of Algorithm 1.
        num_micro_batches: Parts of a minibatch that are computed one after the
            other, gradients added up: the same step in less memory.
        ema_decay: Of the averages of G's weights, per step. None keeps none.
        ema_start: Step up to which the averages are the weights themselves, so
            that none of the initial ones is left in them.
        transforms: What D, as it trains, is shown in place of samples, real and
            fake alike; see `ganzoo.transforms`.
        generator_pace: What G's gradients are multiplied with, a function of
            the step; see `ganzoo.pacing`. None: 1.
        discriminator_pace: Likewise, of D's.
        companions: Nets that are trained beside the game and move no player;
            see `ganzoo.companions`.
        jit_compile: Compiles the step by XLA, which draws other random numbers.

    Raises:
        ComponentError: If a factory or its network breaks the contract.
    """
    if generator_optimizer is discriminator_optimizer:
        raise ComponentError(
            "`generator_optimizer` and `discriminator_optimizer` must be two "
            "objects. Received: one for both. Write the reference twice."
        )
    _check_steps(discriminator_steps, num_micro_batches, ema_start)
    _check_lists(losses, transforms, companions)
    _check_rules(update_rule, generator_pace, discriminator_pace)
    _check_labels(dataset, examples)
    supplied = _Supplied(dataset, examples, latents)
    keras.utils.set_random_seed(seed % 2**32)
    gan = Gan(
        supplied.generator(generator),
        supplied.call(discriminator, "discriminator"),
        latents,
        seed=seed,
        ema_decay=ema_decay,
        ema_start=ema_start,
        sample_shape=supplied.sample_shape,
        condition_spec=supplied.condition_spec,
        transforms=[supplied.fitted(transform) for transform in transforms],
    )
    paces = {"generator": generator_pace, "discriminator": discriminator_pace}
    gan.networks.conditions = sampling.ExampleConditions(examples)
    gan.compile(
        gradients.scaled(generator_optimizer),
        gradients.scaled(discriminator_optimizer),
        losses,
        update_rule=update_rule,
        discriminator_steps=discriminator_steps,
        num_micro_batches=num_micro_batches,
        paces=paces,
        jit_compile=jit_compile,
    )
    join(gan, companions)
    return gan


def _check_steps(
    discriminator_steps: int, num_micro_batches: int, ema_start: int
) -> None:
    check_counts(
        "build_gan.",
        discriminator_steps=discriminator_steps,
        num_micro_batches=num_micro_batches,
    )
    check_integers("build_gan.", ema_start=ema_start)


def _check_lists(losses: Any, transforms: Any, companions: Any) -> None:
    check_list("build_gan.losses", losses, "[@losses.non_saturating()]")
    check_list("build_gan.transforms", transforms, "[@transforms.noise()]")
    check_list("build_gan.companions", companions, "[@companions.inference()]")


def _check_rules(update_rule: Any, *paces: Any) -> None:
    check_callable(
        "build_gan.update_rule",
        update_rule,
        ("the game", "its minibatches"),
        "@alternating",
    )
    for player, pace in zip(("generator", "discriminator"), paces, strict=True):
        if pace is not None:
            name = f"build_gan.{player}_pace"
            check_callable(name, pace, ("the step",), "@pacing.constant()")


def _check_labels(dataset: Any, examples: Any) -> None:
    """Raises DataError where labels are no classes; a stream's go unread."""
    num_classes = dataset.num_classes
    spec = example_sets.condition_spec(examples)
    if (
        num_classes is None
        or not isinstance(examples, tuple)
        or not conditions.is_label(spec)
    ):
        return
    least, greatest = np.min(examples[1]), np.max(examples[1])
    if least < 0 or greatest >= num_classes:
        raise DataError(
            f"Labels of {type(dataset).__name__} must be 0 to "
            f"{num_classes - 1}, for it says num_classes={num_classes}. "
            f"Received: {least} to {greatest}. Count classes from zero."
        )


class _Supplied:
    """What core gives to factories that ask for it by parameter name."""

    def __init__(self, dataset: Any, examples: Any, latents: Any):
        self.dataset = dataset
        self.examples = examples
        self.latents = latents
        self.condition_spec = example_sets.condition_spec(examples)

    def call(self, factory: Callable, kind: str) -> keras.Model:
        wanted = inspect.signature(factory).parameters
        if self.condition_spec is not None and "condition_spec" not in wanted:
            raise ComponentError(
                f"The data set {type(self.dataset).__name__} gives a condition "
                f"with each sample, but the {kind} {factory.__module__}:"
                f"{factory.__qualname__} takes none. Use one with a parameter "
                "`condition_spec`, or make the data set unconditional."
            )
        values = {
            name: getattr(self, name)
            for name in SUPPLIED_BY_CORE
            if name in wanted
        }
        return factory(**values)

    def generator(self, factory: Callable) -> keras.Model:
        """The generator, behind the first layer of a prior that learns."""
        generator = self.call(factory, "generator")
        if not hasattr(self.latents, "first_layer"):
            return generator
        latents = keras.Input(
            (self.latent_dim,), dtype=randomness.variable_dtype()
        )
        condition = conditions.symbols(self.condition_spec)
        z = self.latents.first_layer()(latents)
        return keras.Model(
            conditions.with_condition(latents, condition),
            generator(conditions.with_condition(z, condition)),
            name=generator.name,
        )

    def fitted(self, transform: Any) -> Callable:
        """The transform for this data."""
        if not hasattr(transform, "for_data"):
            return transform
        return transform.for_data(self.sample_shape, self.value_range)

    @property
    def sample_shape(self) -> tuple[int, ...]:
        return tuple(self.dataset.sample_shape)

    @property
    def latent_dim(self) -> int:
        return self.latents.latent_dim

    @property
    def num_classes(self) -> int | None:
        return self.dataset.num_classes

    @property
    def value_range(self) -> tuple[float, float] | None:
        return self.dataset.value_range

    @property
    def sample_mean(self) -> np.ndarray:
        return example_sets.sample_mean(self.examples)
