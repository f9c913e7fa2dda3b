"""What one name of a recipe takes and is: `--describe`."""

import importlib
import inspect
import re
from collections.abc import Callable
from typing import Any

import ganzoo
from ganzoo import registry
from ganzoo.configuration.names import Target, resolve
from ganzoo.core_names import CORE
from ganzoo.errors import ConfigurationError, did_you_mean


def describe(reference: str) -> str:
    """What a name takes and is; imports what it stands for, and no other.

    Args:
        reference: A component, such as "generators.mlp", or a name of the
            core's, such as "train" or "latents.uniform".

    Raises:
        GanzooError: If there is nothing of that name or it cannot be loaded.
    """
    _require_known(reference)
    target = resolve(reference, CORE)
    loaded, package = _load(target)
    lines = [target.name, f"{package}, {target.source}", ""]
    docstring = inspect.cleandoc(loaded.__doc__ or "")
    if docstring:
        # Up to the first section of a Google docstring ("Args:").
        lines += [re.split(r"\n+(?=\w[\w ]*:\n)", docstring)[0], ""]
    lines.append("Parameters:")
    lines += [
        f"  {parameter}{_note(target, parameter)}"
        for parameter in inspect.signature(loaded).parameters.values()
    ]
    return "\n".join(lines)


def _load(target: Target) -> tuple[Callable[..., Any], str]:
    """The function or class, and whose it is."""
    component = target.component
    if component is not None:
        package = f"{component.package} {component.version}"
        return registry.load(component), package
    module, _, attribute = target.source.partition(":")
    found: Callable[..., Any] = getattr(
        importlib.import_module(module), attribute
    )
    return found, f"ganzoo {ganzoo.__version__}"


def _note(target: Target, parameter: inspect.Parameter) -> str:
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
        return "    (cannot be bound)"
    is_given = (
        target.is_core_function and parameter.kind != parameter.KEYWORD_ONLY
    )
    if is_given or target.is_supplied(parameter.name):
        return "    (supplied by the core)"
    return ""


def _require_known(reference: str) -> None:
    """Raises ConfigurationError for a bare name that is not the core's.

    Who asks may not know yet that kinds stand in front of names.
    """
    if "." in reference or reference in CORE:
        return
    components = {f"{c.kind}.{c.name}" for c in registry.find()}
    known = sorted(CORE.keys() | components)
    groups = {name.split(".")[0] for name in known if "." in name}
    if reference in groups:
        return
    same = [name for name in known if name.endswith(f".{reference}")]
    hint = (
        f" Did you mean {' or '.join(map(repr, same))}?"
        if same
        else did_you_mean(reference, [*known, *groups])
    )
    raise ConfigurationError(
        f"Nothing is named {reference!r}.{hint} Run `--list` to see what is."
    )
