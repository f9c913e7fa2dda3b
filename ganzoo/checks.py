"""What is asked of arguments in more than one place, with one message each."""

import inspect
import numbers
from collections.abc import Callable, Sequence
from typing import Any

from ganzoo.errors import ConfigurationError


def check_integers(owner: str = "", **values: Any) -> None:
    """Raises ConfigurationError unless all are integers; a bool is none.

    Args:
        owner: What stands before the names, such as "train.".
        **values: By name.
    """
    for name, value in values.items():
        if isinstance(value, numbers.Integral) and not isinstance(value, bool):
            continue
        is_whole = isinstance(value, float) and value.is_integer()
        raise ConfigurationError(
            f"`{owner}{name}` must be an integer. Received: {name}={value!r}."
            + (f" Write {int(value)}." if is_whole else "")
        )


def check_counts(owner: str = "", *, least: int = 1, **counts: Any) -> None:
    """Raises ConfigurationError unless all are integers, and no less.

    Args:
        owner: What stands before the names, such as "train.".
        least: The smallest that will do.
        **counts: By name.
    """
    check_integers(owner, **counts)
    for name, count in counts.items():
        if count < least:
            raise ConfigurationError(
                f"`{owner}{name}` must be at least {least}. Received: "
                f"{name}={count}."
            )


def check_list(name: str, value: Any, example: str) -> None:
    """Raises ConfigurationError unless it is a list or tuple.

    Args:
        name: Of the parameter.
        value: Its value.
        example: What could be bound.
    """
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise ConfigurationError(
            f"`{name}` must be a list. Received: {_short(value)}. Write, for "
            f"instance, {example}."
        )


def check_callable(
    name: str, value: Any, arguments: Sequence[str], example: str
) -> None:
    """Raises ConfigurationError unless it is callable and takes these.

    Args:
        name: Of the parameter.
        value: Its value.
        arguments: In words.
        example: What could be bound.
    """
    try:
        # Partly: what else it needs, a recipe may bind.
        inspect.signature(value).bind_partial(*arguments)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(
            f"`{name}` must be a function of {' and '.join(arguments)}. "
            f"Received: {_short(value)}. Write, for instance, {example}."
        ) from error


def _short(value: Any) -> str:
    """A number or text as it is, else what it is."""
    if value is None or isinstance(value, str | numbers.Number):
        return repr(value)
    named: Callable | type = value if inspect.isroutine(value) else type(value)
    return named.__name__
