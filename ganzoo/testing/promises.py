"""What a check is, and what it says when a promise is broken."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import keras
import numpy as np

from ganzoo.errors import ComponentError

# What a check returns where the promise does not concern the component.
NOT_APPLICABLE = "-"


class Broken(Exception):
    """A promise is broken; `Check` adds whose and which.

    Args:
        rule: What must hold, without the full stop.
        received: What was found.
        remedy: What to do, without the full stop.
    """

    def __init__(self, rule: str, received: Any, remedy: str):
        super().__init__(rule, received, remedy)
        self.rule = rule
        self.received = received
        self.remedy = remedy


class ConformanceError(ComponentError):
    """A component breaks a promise of its kind.

    Attributes:
        component: Its name, as given to the kit.
        promise: The name of the check, such as "shapes".
    """

    def __init__(self, component: str, promise: str, text: str):
        super().__init__(f"`{component}` breaks {promise!r}: {text}")
        self.component = component
        self.promise = promise


class Check:
    """One promise of one component; call it to check it.

    Attributes:
        component: Name of the component.
        promise: Name of the promise; also what `str` gives, for test names.
        outcome: None before the call; then "ok", or "equal" or "distinct" for
            two replicas, or "-" where the promise does not concern it; "BROKEN"
            where the call raised.
    """

    def __init__(self, component: str, promise: str, run: Callable[[], str]):
        self.component = component
        self.promise = promise
        self.outcome: str | None = None
        self._run = run

    def __call__(self) -> str:
        """Returns the outcome, or raises `ConformanceError`."""
        try:
            self.outcome = self._run()
        except Broken as broken:
            self.outcome = "BROKEN"
            raise ConformanceError(
                self.component,
                self.promise,
                f"{broken.rule}. Received: {broken.received}. {broken.remedy}.",
            ) from broken.__cause__
        # Whatever the component raises where it should not.
        except Exception as error:
            self.outcome = "BROKEN"
            raise ConformanceError(
                self.component,
                self.promise,
                f"it must not raise. Received: {type(error).__name__}: {error}",
            ) from error
        return self.outcome

    def __str__(self) -> str:
        return self.promise


def run_all(checks: Iterable[Check]) -> dict[str, str]:
    """Calls each check; returns the outcomes by promise.

    Raises:
        ConformanceError: At the first promise that is broken.
    """
    return {check.promise: check() for check in checks}


def table(outcomes: Mapping[tuple[str, str], str]) -> str:
    """Component x promise as text.

    Args:
        outcomes: (component, promise) -> outcome.
    """
    components = list(dict.fromkeys(component for component, _ in outcomes))
    promises = list(dict.fromkeys(promise for _, promise in outcomes))
    rows = [["component", *promises]]
    for component in components:
        cells = [outcomes.get((component, promise), "") for promise in promises]
        rows.append([component, *cells])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(map(str.ljust, row, widths)).rstrip() for row in rows
    )


def name_of(factory: Callable[..., Any]) -> str:
    """`module:attribute` of a function or class."""
    return f"{factory.__module__}:{factory.__qualname__}"


@contextlib.contextmanager
def dtype_policy(name: str) -> Iterator[None]:
    """Keras' global dtype policy is `name` within."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def require_finite(values: Any, what: str) -> None:
    """Raises `Broken` unless every number is finite."""
    finite = np.isfinite(np.asarray(values, np.float64))
    if not finite.all():
        raise Broken(
            f"{what} must be finite",
            f"{np.sum(~finite)} of {finite.size} numbers are not",
            "Compute it from logits, clip what grows, avoid 0 / 0",
        )
