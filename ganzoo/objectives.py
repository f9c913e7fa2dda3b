"""The terms of a loss, added up: who is asked for what.

A term is called with the arguments that its signature names and with no others,
so what nobody names is never computed.
"""

import inspect
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from ganzoo.errors import ComponentError

PLAYERS = ("discriminator", "generator")


def check_terms(terms: Sequence[Any]) -> tuple[Any, ...]:
    """Returns the terms; raises ComponentError unless both players have a cost."""
    if not isinstance(terms, Sequence) or isinstance(terms, str):
        raise ComponentError(
            "`losses` must be a list of terms. Received: "
            f"{type(terms).__name__}. Write [@losses.non_saturating()]."
        )
    for term in terms:
        if isinstance(term, type):
            raise ComponentError(
                "`losses` must hold objects, not classes. Received: "
                f"{term.__name__}. Call it."
            )
    for player in PLAYERS:
        if not any(hasattr(term, player) for term in terms):
            raise ComponentError(
                f"`losses` must say what the {player} minimises: some term needs a "
                f"method `{player}`. Received: "
                f"{[type(term).__name__ for term in terms]}."
            )
    return tuple(terms)


def names(terms: Sequence[Any], player: str) -> set[str]:
    """The arguments that the terms of `player` ask for."""
    return {
        name
        for term in terms
        if hasattr(term, player)
        for name in inspect.signature(getattr(term, player)).parameters
    }


def cost(terms: Sequence[Any], player: str, known: dict[str, Any]) -> tf.Tensor:
    """The sum of the terms of `player`: [B].

    Args:
        terms: Of the loss.
        player: "discriminator" or "generator".
        known: "real_logits" and "fake_logits", each [B].

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
        unknown = sorted(set(wanted) - set(known))
        if unknown:
            raise ComponentError(
                f"`{type(term).__name__}.{player}` may ask for "
                f"{', '.join(sorted(known))}. Received: {', '.join(unknown)}."
            )
        values = method(**{name: known[name] for name in wanted})
        total = add(total, values, f"{type(term).__name__}.{player}")
    return total


def add(total: tf.Tensor | None, values: tf.Tensor, source: str) -> tf.Tensor:
    """`total + values`, both [B]; raises ComponentError if `values` is not."""
    values = tf.convert_to_tensor(values)
    if values.shape.rank != 1:
        raise ComponentError(
            f"`{source}` must return one value per example, shape [batch]. "
            f"Received: shape {tuple(values.shape)}. Do not average: ganzoo does, "
            "over the global batch."
        )
    return values if total is None else total + tf.cast(values, total.dtype)
