"""Errors of what is built from bindings, told as slips in these.

Only of the building: an error in the midst of training is one of a program.
"""

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any

from ganzoo.errors import ConfigurationError, GanzooError

Bound = Callable[[], dict[str, Any]]


def guarded(function: Callable, name: str, bound: Bound) -> Callable:
    """The function, with its errors told as slips.

    Args:
        function: What gin is to call.
        name: As a configuration has it.
        bound: Gives its bindings, in the scope that it is called in.
    """

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        with _told(name, bound):
            return function(*args, **kwargs)

    # gin does not follow wrappers.
    call.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
    return call


def guard_class(wrapper: type, name: str, bound: Bound) -> None:
    """The same for the class that gin made of a class, in its place.

    It has a metaclass of its own, whose call makes an object of that class.
    """
    meta: Any = type(wrapper)
    construct = meta.__call__

    def call(cls: type, *args: Any, **kwargs: Any) -> Any:
        with _told(name, bound):
            return construct(cls, *args, **kwargs)

    meta.__call__ = call


@contextlib.contextmanager
def _told(name: str, bound: Bound) -> Iterator[None]:
    try:
        yield
    except GanzooError:
        raise
    except (AttributeError, TypeError, ValueError) as error:
        plain = as_raised(error)
        reason = (str(plain).strip().splitlines() or [""])[0].rstrip(".")
        values = "; ".join(f"{name}.{p} = {v!r}" for p, v in bound().items())
        raise ConfigurationError(
            f"`{name}` cannot be built ({type(plain).__name__}: {reason}). "
            f"Received: {values or 'no bindings of its own'}. Correct what is "
            "bound; --verbosity=1 shows where it fails."
        ) from plain


def as_raised(error: BaseException) -> BaseException:
    """Undoes gin's wrapping of exceptions that pass a configurable.

    Each time, gin raises an instance of a new subclass of the exception's type.
    """
    while (
        error.__context__ is not None
        and type(error).__bases__ == (type(error.__context__),)
        and type(error).__init__.__module__ == "gin.utils"
    ):
        error = error.__context__
    return error
