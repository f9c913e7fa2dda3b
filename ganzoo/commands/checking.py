"""Every installed component loaded, and held to what costs nothing: `--check`.

Networks are built on symbols, without memory for their weights; losses are made
and called; of data sets and evaluators only the methods are looked at, for
making one may read files. `ganzoo.testing` checks the rest.
"""

import inspect
from collections.abc import Callable
from typing import Any

import keras

from ganzoo import registry
from ganzoo.errors import ComponentError
from ganzoo.interfaces import SUPPLIED_BY_CORE
from ganzoo.registry import Component
from ganzoo.testing.losses import loss_checks
from ganzoo.testing.promises import name_of

# A network need not make every shape, but one of these.
_SAMPLE_SHAPES = (
    (28, 28, 1),
    (32, 32, 3),
    (64, 64, 3),
    (128, 128, 3),
    (2,),
)
_LATENT_DIM = 16
_METHODS = {"datasets": ("examples", "to_unit"), "evaluators": ("run",)}
_LOSS_PROMISES = ("signatures", "shapes")


def check_installed() -> tuple[str, bool]:
    """Loads and checks all components.

    Returns:
        A report, one line for each component and each problem; and whether
        none is broken. A component hidden by ganzoo's own is not broken.
    """
    components = registry.find()
    width = max(len(component.full_name) for component in components)
    lines, num_broken = [], 0
    for component in components:
        verdict = _verdict(component)
        num_broken += verdict.startswith("broken")
        lines.append(
            f"{component.full_name.ljust(width)}  {component.package} "
            f"{component.version}  {verdict}"
        )
    problems = registry.problems()
    num_hidden = sum(map(registry.is_hidden, components))
    num_broken += len(problems) - num_hidden
    lines += problems
    lines.append(f"{len(components)} components, {num_broken} broken.")
    return "\n".join(lines), not num_broken


def _verdict(component: Component) -> str:
    try:
        target = registry.load(component)
        note = _CHECKS[component.kind](target, component.kind)
    except ComponentError as error:
        return f"broken: {_one_line(error)}"
    # A component may raise anything.
    except Exception as error:
        reason = f"{type(error).__name__}: {_one_line(error)}"
        return f"broken: {component.target} raised {reason}"
    return f"ok{note}"


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _check_network(factory: Callable[..., Any], kind: str) -> str:
    parameters = inspect.signature(factory).parameters
    needed = _required(factory, SUPPLIED_BY_CORE)
    if needed:
        return f", not called: a recipe has to bind {', '.join(needed)}"
    failures = []
    for sample_shape in _SAMPLE_SHAPES:
        supplied = {
            "sample_shape": sample_shape,
            "latent_dim": _LATENT_DIM,
            "num_classes": None,
            "condition_spec": None,
            "value_range": (0.0, 1.0),
            "sample_mean": None,
        }
        given = {name: supplied[name] for name in parameters.keys() & supplied}
        # Weights made within have shapes, but no values.
        with keras.StatelessScope(initialize_variables=False):
            try:
                network = factory(**given)
            # It refuses this shape, or is broken: the other shapes tell.
            except Exception as error:
                reason = f"{type(error).__name__}: {error}"
                failures.append(f"for samples {sample_shape}, {reason}")
                continue
            _check_shape(network, name_of(factory), kind, sample_shape)
            return ""
    raise ComponentError(
        f"{name_of(factory)}: it must build for one of the usual sample "
        f"shapes. Received: {failures[0]}"
    )


def _check_shape(
    network: Any, name: str, kind: str, sample_shape: tuple[int, ...]
) -> None:
    if not isinstance(network, keras.Model):
        raise ComponentError(
            f"{name}: it must return a keras.Model. Received: "
            f"{type(network).__name__}."
        )
    given: tuple[int, ...] = (_LATENT_DIM,)
    wanted = sample_shape
    if kind == "discriminators":
        given, wanted = sample_shape, (1,)
    made = network(keras.KerasTensor((None, *given)))
    if tuple(made.shape[1:]) != wanted:
        raise ComponentError(
            f"{name}: its output must have the shape {(None, *wanted)}. "
            f"Received: shape {tuple(made.shape)}."
        )


def _check_loss(factory: Callable[..., Any], kind: str) -> str:
    needed = _required(factory)
    if needed:
        return f", not called: a recipe has to bind {', '.join(needed)}"
    for check in loss_checks(factory):
        if check.promise in _LOSS_PROMISES:
            check()
    return ""


def _check_methods(target: Callable[..., Any], kind: str) -> str:
    if not isinstance(target, type):
        return ", not called: only a class shows its methods"
    for method in _METHODS[kind]:
        if not hasattr(target, method):
            raise ComponentError(
                f"{name_of(target)}: it must have `{method}`. Received: a "
                "class without it. See `ganzoo.interfaces`."
            )
    return ""


_CHECKS: dict[str, Callable[[Callable[..., Any], str], str]] = {
    "generators": _check_network,
    "discriminators": _check_network,
    "losses": _check_loss,
    "datasets": _check_methods,
    "evaluators": _check_methods,
}


def _required(
    target: Callable[..., Any], supplied: tuple[str, ...] = ()
) -> list[str]:
    """Parameters that have neither a default nor a value from core."""
    return [
        name
        for name, parameter in inspect.signature(target).parameters.items()
        if parameter.default is parameter.empty
        and parameter.kind
        not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        and name not in supplied
    ]
