"""The terms of a loss, added up: who is asked for what.

A term is called with the arguments that its signature names and with no others,
so what nobody names is never computed.
"""

import inspect
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from ganzoo.checks import check_list
from ganzoo.errors import ComponentError

PLAYERS = ("discriminator", "generator")
# What the methods of a term may ask for, each [B].
LOGITS = ("real_logits", "fake_logits", "fake_logits_without_dropout")


def check_terms(terms: Sequence[Any]) -> tuple[Any, ...]:
    """The terms, or an error unless both players have a cost."""
    check_list("losses", terms, "[@losses.non_saturating()]")
    for term in terms:
        if isinstance(term, type):
            raise ComponentError(
                "`losses` must hold objects, not classes. Received: "
                f"{term.__name__}. Call it."
            )
    for player in PLAYERS:
        if not any(hasattr(term, player) for term in terms):
            raise ComponentError(
                f"`losses` must say what the {player} minimises: some term "
                "needs a "
                f"method `{player}`. Received: "
                f"{[type(term).__name__ for term in terms]}."
            )
    return tuple(terms)


def asked_for(terms: Sequence[Any], players: Sequence[str]) -> set[str]:
    """The names of the arguments of all terms of the players."""
    return {
        name
        for term in terms
        for player in players
        if hasattr(term, player)
        for name in inspect.signature(getattr(term, player)).parameters
    }


def cost(terms: Sequence[Any], player: str, known: dict[str, Any]) -> tf.Tensor:
    """The sum of the terms of `player`: [B].

    Args:
        terms: Of the loss.
        player: "discriminator" or "generator".
        known: Those of `LOGITS` that the terms ask for, each [B].

    Raises:
        ComponentError: If a term asks for something else, or returns other than
            one value per example.
    """
    total = None
    for term in terms:
        if not hasattr(term, player):
            continue
        method = getattr(term, player)
        wanted = inspect.signature(method).parameters
        unknown = sorted(set(wanted) - set(LOGITS))
        if unknown:
            raise ComponentError(
                f"`{type(term).__name__}.{player}` may ask for "
                f"{', '.join(LOGITS)}. Received: {', '.join(unknown)}."
            )
        values = method(**{name: known[name] for name in wanted})
        values = check_rank(values, f"{type(term).__name__}.{player}")
        total = values if total is None else total + values
    return total


def check_rank(values: Any, source: str) -> tf.Tensor:
    """`values`, or ComponentError unless they are one per example, [B]."""
    values = tf.convert_to_tensor(values)
    if values.shape.rank != 1:
        raise ComponentError(
            f"`{source}` must return one value per example, shape [batch]. "
            f"Received: shape {tuple(values.shape)}. Do not average: ganzoo "
            "does, over the global batch."
        )
    return values


class Penalty:
    """What a term charges D for its values at samples of the term's choice.

    Args:
        term: With a method `penalty`, and `penalty_every` if it is lazy.
        judge: (samples, purpose of the draws) -> D's logits [B].
        real: Samples of the data, [B, *sample_shape].
        fake: Samples of the generator.
        draws: The term's own random numbers.
        purpose: Names them.
    """

    def __init__(
        self,
        term: Any,
        judge: Callable[[tf.Tensor, str], tf.Tensor],
        real: tf.Tensor,
        fake: tf.Tensor,
        draws: Any,
        purpose: str,
    ):
        self.term = term
        self.judge = judge
        self.real = real
        self.fake = fake
        self.draws = draws
        self.purpose = purpose

    def every_so_often(self, step: Any, like: tf.Tensor) -> tf.Tensor:
        """[B]: at each `penalty_every`-th step the penalty that many times."""
        every = getattr(self.term, "penalty_every", 1)
        if every == 1:
            return tf.cast(self.value(), like.dtype)
        return tf.cond(
            tf.equal(step % every, 0),
            lambda: every * tf.cast(self.value(), like.dtype),
            lambda: tf.zeros_like(like),
        )

    def value(self) -> tf.Tensor:
        """The penalty at this step: [B]."""
        calls = itertools.count()

        def discriminate(samples: tf.Tensor) -> tf.Tensor:
            return self.judge(samples, f"{self.purpose}/D/{next(calls)}")

        values = self.term.penalty(
            discriminate, self.real, self.fake, self.draws
        )
        return check_rank(values, f"{type(self.term).__name__}.penalty")
