"""What recipes may name: `--list`, from metadata and source alone."""

import textwrap

from ganzoo import registry, signatures
from ganzoo.core_names import CORE


def list_components() -> str:
    """A table of every component: name, package, version, first line of doc.

    Nothing is imported: the line comes from the source file, and is left out
    where that is not found. What the core has follows, group by group.

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
    return "\n".join([*lines, "", "core", *_core_lines()])


def _core_lines() -> list[str]:
    """What recipes may name beside components, one paragraph for each group."""
    groups: dict[str, list[str]] = {}
    for name in CORE:
        group, _, last = name.rpartition(".")
        groups.setdefault(group or "(functions)", []).append(last)
    width = max(map(len, groups))
    lines = []
    for group, names in groups.items():
        lines += textwrap.wrap(
            ", ".join(names),
            80,
            initial_indent=f"  {group.ljust(width)}  ",
            subsequent_indent=" " * (width + 4),
        )
    return lines
