"""What an evaluator yields, held to its contract."""

import json
import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from ganzoo.errors import ComponentError

_LONGEST = 200  # Characters of what was received.


def numbers(
    evaluator: Any, method: str, *arguments: Any
) -> Iterator[dict[str, Any]]:
    """What a method yields, as dicts of name, value and protocol.

    NumPy's scalars are taken as numbers.

    Args:
        evaluator: See `ganzoo.interfaces.Evaluator`.
        method: "run" or "baselines".
        *arguments: Of the method.

    Raises:
        ComponentError: If it yields something else than (name, number,
            protocol), or nothing that can be gone through.
    """
    who = type(evaluator).__name__
    call = getattr(evaluator, method, None)
    if not callable(call):
        raise ComponentError(
            f"`{who}` must have a method `{method}`. Received: an object "
            "without it. See `ganzoo.interfaces.Evaluator`."
        )
    results = call(*arguments)
    if not isinstance(results, Iterable):
        raise _error(who, method, results, "Yield them, or return a list.")
    for result in results:
        if not (isinstance(result, tuple) and len(result) == 3):
            raise _error(who, method, result, "Yield a tuple of three.")
        name, value, protocol = result
        if not isinstance(name, str) or not is_number(value):
            remedy = "Raise an error that says what is wrong."
            raise _error(who, method, result, remedy)
        try:
            plain = plain_protocol(protocol)
        except (TypeError, ValueError) as error:
            remedy = f"Make it plain: {error}."
            raise _error(who, method, result, remedy) from error
        yield {"name": name, "value": float(value), "protocol": plain}


def is_number(value: Any) -> bool:
    """Whether it is a finite real number of Python's or NumPy's."""
    is_real = isinstance(value, (int, float, np.integer, np.floating))
    return is_real and math.isfinite(value)


def plain_protocol(protocol: Any) -> dict[str, Any]:
    """The protocol as JSON will give it back, NumPy's scalars as numbers.

    Raises:
        TypeError, ValueError: If it is no dict of JSON values.
    """
    if not isinstance(protocol, dict):
        raise TypeError(f"a {type(protocol).__name__} is no dict")
    text = json.dumps(protocol, default=_item, allow_nan=False)
    found: dict[str, Any] = json.loads(text)
    return found


def _item(value: Any) -> Any:
    if isinstance(value, (np.number, np.bool_)):
        return value.item()
    raise TypeError(f"{type(value).__name__} is no JSON value")


def _error(who: str, method: str, received: Any, remedy: str) -> ComponentError:
    text = repr(received)
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST]}..."
    return ComponentError(
        f"`{who}.{method}` must yield (name, number, protocol): a text, a "
        f"finite number, and a dict of JSON values. Received: {text}. {remedy}"
    )
