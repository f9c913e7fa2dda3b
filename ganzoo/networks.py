"""How the two networks are called: on what, with which random numbers.

`Networks` is what `ganzoo.gan` plays with: G(z) for fresh z, D(x) and D(G(z))
in one pass where that changes nothing, penalties at samples of a term's choice.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Any

import keras
import tensorflow as tf

from ganzoo import needed_rows, objectives, randomness
from ganzoo.conditions import map_condition, with_condition
from ganzoo.errors import ComponentError
from ganzoo.interfaces import Prior
from ganzoo.minibatches import Minibatch
from ganzoo.randomness import Draws, Segment


class Networks:
    """A generator, a discriminator and the prior of z, called for one step.

    Args:
        generator: See `ganzoo.interfaces.Generator`.
        discriminator: See `ganzoo.interfaces.Discriminator`.
        latents: The prior.
        seed: Of every random number.
        step: Variable that counts steps.
        transforms: Of samples, in order; see `ganzoo.transforms`.
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        latents: Prior,
        seed: int,
        step: Any,
        transforms: Sequence[Callable] = (),
    ):
        self.generator = generator
        self.discriminator = discriminator
        self.latents = latents
        self.seed = seed
        self.step = step
        self.transforms = tuple(transforms)
        self.mixes_examples = getattr(
            discriminator, "mixes_examples", has_batch_statistics(discriminator)
        )
        # Gives samples a condition where nobody says one; see `building`.
        self.conditions: Callable[[Any], Any] = lambda num: None
        randomness.adopt(generator)
        randomness.adopt(discriminator)

    def generate(self, minibatch: Minibatch, purpose: str) -> tf.Tensor:
        """G(z) for fresh z: [B, *sample_shape]."""
        z = self.latents(self.draws(minibatch, f"{purpose}/z"), minibatch.num)
        with randomness.scope(self.draws(minibatch, f"{purpose}/G")):
            return self.generator(
                with_condition(z, minibatch.condition), training=True
            )

    def transform(
        self, minibatch: Minibatch, fake: tf.Tensor, purpose: str
    ) -> tuple[Minibatch, tf.Tensor]:
        """What a D that trains is shown of x and G(z): both alike."""
        real = minibatch.samples
        for index, transform in enumerate(self.transforms):
            place = f"{purpose}/transform/{index}"
            real = transform(real, self.draws(minibatch, f"{place}/real"))
            fake = transform(fake, self.draws(minibatch, f"{place}/fake"))
        return minibatch._replace(samples=real), fake

    def logits(
        self,
        names: Collection[str],
        minibatch: Minibatch,
        fake: tf.Tensor,
        purpose: str,
    ) -> dict[str, tf.Tensor]:
        """D's verdicts: each of `names`, [B]; see `objectives.LOGITS`."""
        found = {}
        if "real_logits" in names:
            found = self.judge_both(minibatch, fake, purpose)
        elif "fake_logits" in names:
            found = self.judge_fake(minibatch, fake, purpose)
        if "fake_logits_without_dropout" in names:
            found["fake_logits_without_dropout"] = self.judge(
                fake, minibatch.condition, None
            )
        return found

    def judge(
        self, samples: tf.Tensor, condition: Any, draws: Draws | None
    ) -> tf.Tensor:
        """D's logits [B], in training mode where `draws` are given."""
        with randomness.scope(draws):
            logits = self.discriminator(
                with_condition(samples, condition), training=draws is not None
            )
        # [B, 1] against [B] would broadcast to [B, B] without a word.
        return tf.cast(tf.squeeze(logits, axis=1), randomness.variable_dtype())

    def judge_fake(
        self, minibatch: Minibatch, fake: tf.Tensor, purpose: str
    ) -> dict[str, tf.Tensor]:
        """D(G(z)) alone: {"fake_logits": [B]}."""
        draws = self.draws(minibatch, f"{purpose}/D/fake")
        return {"fake_logits": self.judge(fake, minibatch.condition, draws)}

    def judge_both(
        self, minibatch: Minibatch, fake: tf.Tensor, purpose: str
    ) -> dict[str, tf.Tensor]:
        """D(x) and D(G(z)): {"real_logits": [B], "fake_logits": [B]}.

        For gradients by D's weights and by the fakes: that by x may be zero.
        """
        real, condition, _ = minibatch
        if self.mixes_examples:
            draws = self.draws(minibatch, f"{purpose}/D/real")
            real_logits = self.judge(real, condition, draws)
            return {
                "real_logits": real_logits,
                **self.judge_fake(minibatch, fake, purpose),
            }
        # One pass over both is faster; each half draws masks of its own.
        both = tf.concat([real, tf.cast(fake, real.dtype)], axis=0)
        twice = map_condition(
            lambda part: tf.concat([part, part], axis=0), condition
        )
        draws = self.draws(minibatch, f"{purpose}/D/real", f"{purpose}/D/fake")
        num = minibatch.num
        with needed_rows.only_from(num, self.discriminator):
            logits = self.judge(both, twice, draws)
        return {"real_logits": logits[:num], "fake_logits": logits[num:]}

    def penalties(
        self,
        terms: Sequence[Any],
        minibatch: Minibatch,
        fake: tf.Tensor,
        purpose: str,
    ) -> tf.Tensor:
        """What terms charge D for its values elsewhere: [B]."""
        real, condition, _ = minibatch

        def judge(samples: tf.Tensor, place: str) -> tf.Tensor:
            draws = self.draws(minibatch, place)
            return self.judge(samples, condition, draws)

        total = tf.zeros([minibatch.num], randomness.variable_dtype())
        for index, term in enumerate(terms):
            if hasattr(term, "penalty"):
                place = f"{purpose}/penalty/{index}"
                draws = self.draws(minibatch, place)
                penalty = objectives.Penalty(
                    term, judge, real, fake, draws, place
                )
                total += penalty.every_so_often(self.step, like=total)
        return total

    def draws(self, minibatch: Minibatch, *purposes: str) -> Draws:
        """Random numbers for the rows of a minibatch, for each purpose."""
        segments = [
            Segment(name, minibatch.first_row, minibatch.num)
            for name in purposes
        ]
        return Draws(self.seed, self.step.value, segments)


def has_batch_statistics(network: keras.Model) -> bool:
    """Whether one example's output depends on the rest of the batch."""
    return bool(batch_normalizations(network))


def batch_normalizations(
    network: keras.Model,
) -> list[keras.layers.BatchNormalization]:
    """The layers that normalise batches, those of nets within it too."""
    return [
        layer
        for layer in network._flatten_layers()
        if isinstance(layer, keras.layers.BatchNormalization)
    ]


def check_networks(
    generator: keras.Model,
    discriminator: keras.Model,
    latents: Prior,
    sample_shape: tuple[int, ...] | None = None,
    condition_spec: Any = None,
) -> tuple[int, ...]:
    """Calls both networks on symbols, which also builds them.

    Args:
        generator: See `ganzoo.interfaces.Generator`.
        discriminator: See `ganzoo.interfaces.Discriminator`.
        latents: The prior; its `latent_dim` is the length of z.
        sample_shape: The data's; None takes what the generator makes.
        condition_spec: Of one condition, or None.

    Returns:
        The shape of one sample.

    Raises:
        ComponentError: If the shapes disagree; both are named.
    """
    z = _symbol((latents.latent_dim,))
    made = _call(generator, z, condition_spec, "generator")
    made_shape = tuple(made.shape[1:])
    if None in made_shape:
        raise ComponentError(
            f"Generator {generator.name!r} must make samples of a fixed shape. "
            f"Received: shape {tuple(made.shape)} from z of "
            f"{latents.latent_dim} numbers."
        )
    if sample_shape is not None and made_shape != tuple(sample_shape):
        raise ComponentError(
            f"Generator {generator.name!r} must make samples of the data's "
            f"shape {tuple(sample_shape)}. Received: shape {made_shape} from z "
            f"of {latents.latent_dim} numbers. Choose a generator or a data "
            "set that fits."
        )
    samples = _symbol(made_shape)
    logits = _call(discriminator, samples, condition_spec, "discriminator")
    if tuple(logits.shape[1:]) != (1,):
        raise ComponentError(
            f"Discriminator {discriminator.name!r} must return logits of shape "
            f"[batch, 1]. Received: shape {tuple(logits.shape)}, dtype "
            f"{keras.backend.standardize_dtype(logits.dtype)}."
        )
    return made_shape


def _symbol(shape: tuple[int, ...]) -> keras.KerasTensor:
    dtype = randomness.variable_dtype()
    return keras.KerasTensor((None, *shape), dtype=dtype)


def _call(
    network: keras.Model, inputs: Any, condition_spec: Any, role: str
) -> keras.KerasTensor:
    if not isinstance(network, keras.Model):
        raise ComponentError(
            f"The {role} must be a keras.Model. Received: {network!r}. A "
            "factory returns the model; core calls it."
        )
    shape = tuple(inputs.shape)
    try:
        return network(with_condition(inputs, condition_spec))
    except Exception as error:
        what = "z" if role == "generator" else "samples"
        given = "" if condition_spec is None else " with a condition"
        raise ComponentError(
            f"{role.capitalize()} {network.name!r} cannot be called on {what} "
            f"of shape {shape}{given}: {type(error).__name__}: {error}"
        ) from error
