"""What is installed: `--list` from metadata, `--describe` of one component."""

import inspect
import re

from ganzoo import registry, signatures
from ganzoo.interfaces import SUPPLIED_BY_CORE


def list_components() -> str:
    """A table of every component: name, package, version, first line of doc.

    Nothing is imported: the line comes from the source file, and is left out
    where that is not found.

    Raises:
        ComponentError: If ganzoo is not installed.
    """
    components = registry.find()
    rows = [
        (
            component.name,
            component.package,
            component.version,
            signatures.source_summary(component.target) or "",
        )
        for component in components
    ]
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    lines: list[str] = []
    for kind in registry.KINDS:
        lines += ["", kind] if lines else [kind]
        for component, row in zip(components, rows, strict=True):
            if component.kind == kind:
                cells = [
                    cell.ljust(width)
                    for cell, width in zip(row[:3], widths, strict=True)
                ]
                lines.append("  ".join(["", *cells, row[3]]).rstrip())
    return "\n".join(lines)


def describe(reference: str) -> str:
    """What `kind.name` takes and is; imports that one component.

    Raises:
        ComponentError: If there is no such component or it cannot be loaded.
    """
    component = registry.resolve(reference)
    target = registry.load(component)
    lines = [
        component.full_name,
        f"{component.package} {component.version}, {component.target}",
        "",
    ]
    docstring = inspect.cleandoc(target.__doc__ or "")
    if docstring:
        # Up to the first section of a Google docstring ("Args:").
        lines += [re.split(r"\n+(?=\w[\w ]*:\n)", docstring)[0], ""]
    is_factory = component.kind in registry.FACTORY_KINDS
    lines.append("Parameters:")
    for parameter in inspect.signature(target).parameters.values():
        is_supplied = is_factory and parameter.name in SUPPLIED_BY_CORE
        is_open = parameter.kind in (
            parameter.VAR_POSITIONAL,
            parameter.VAR_KEYWORD,
        )
        note = (
            "    (supplied by the core)"
            if is_supplied
            else "    (cannot be bound)"
            if is_open
            else ""
        )
        lines.append(f"  {parameter}{note}")
    return "\n".join(lines)
