"""What a target takes and says of itself, read with and without importing it.

A *target* is "module:attribute", as in an entry point.
"""

import ast
import functools
import importlib.machinery
import importlib.util
import inspect
import pathlib
from collections.abc import Callable
from typing import Any, NamedTuple

_BY_NAME = (
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
    inspect.Parameter.KEYWORD_ONLY,
)


class Parameters(NamedTuple):
    """The explicit parameters of a callable: no `*args`, no `**kwargs`.

    Attributes:
        names: All of them, in order.
        keyword_only: Those after the `*`.
        required: Those without a default.
        switches: Those annotated as `bool`.
    """

    names: tuple[str, ...]
    keyword_only: tuple[str, ...]
    required: tuple[str, ...]
    switches: tuple[str, ...]


def parameters(target: Callable[..., Any]) -> Parameters:
    """The explicit parameters of a function or class that is imported."""
    explicit = [
        parameter
        for parameter in inspect.signature(target).parameters.values()
        if parameter.kind in _BY_NAME
    ]
    return Parameters(
        names=tuple(p.name for p in explicit),
        keyword_only=tuple(
            p.name for p in explicit if p.kind is p.KEYWORD_ONLY
        ),
        required=tuple(p.name for p in explicit if p.default is p.empty),
        switches=tuple(
            p.name for p in explicit if p.annotation in (bool, "bool")
        ),
    )


def source_parameters(target: str) -> Parameters | None:
    """The same from the source; None where only an import can tell."""
    node = _definition(target)
    if node is None or node.decorator_list:
        return None
    if isinstance(node, ast.FunctionDef):
        return _explicit(node.args, 0)
    for statement in node.body:
        if (
            isinstance(statement, ast.FunctionDef)
            and statement.name == "__init__"
        ):
            return _explicit(statement.args, 1)
    module = target.partition(":")[0]
    for parent in node.bases[:1]:
        if isinstance(parent, ast.Name):
            return source_parameters(f"{module}:{parent.id}")
    return None


def source_summary(target: str) -> str | None:
    """First line of the target's docstring, or None where none is found."""
    node = _definition(target)
    docstring = ast.get_docstring(node) if node else None
    return docstring.splitlines()[0] if docstring else None


def refresh() -> None:
    """Forgets the sources that were read."""
    _top_level.cache_clear()


def _explicit(arguments: ast.arguments, num_skipped: int) -> Parameters:
    positional = [argument.arg for argument in arguments.args]
    keyword_only = [argument.arg for argument in arguments.kwonlyargs]
    without_default = positional[
        : len(positional) - len(arguments.defaults)
    ] + [
        name
        for name, default in zip(
            keyword_only, arguments.kw_defaults, strict=True
        )
        if default is None
    ]
    skipped = positional[:num_skipped]
    return Parameters(
        (*positional[num_skipped:], *keyword_only),
        tuple(keyword_only),
        tuple(name for name in without_default if name not in skipped),
        tuple(
            argument.arg
            for argument in (*arguments.args, *arguments.kwonlyargs)
            if argument.annotation is not None
            and ast.unparse(argument.annotation) in ("bool", "'bool'")
        ),
    )


def _definition(target: str) -> ast.FunctionDef | ast.ClassDef | None:
    module, _, name = target.partition(":")
    for node in _top_level(module):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and (
            node.name == name
        ):
            return node
    return None


@functools.lru_cache
def _top_level(module: str) -> list[ast.stmt]:
    """Statements of the module, [] where its source is out of reach."""
    try:
        top, *rest = module.split(".")
        # `find_spec` of a dotted name would import its parents.
        spec = importlib.util.find_spec(top)
        name = top
        for part in rest:
            name = f"{name}.{part}"
            if not spec or not spec.submodule_search_locations:
                return []
            spec = importlib.machinery.PathFinder.find_spec(
                name, spec.submodule_search_locations
            )
        if not spec or not spec.origin or not spec.origin.endswith(".py"):
            return []
        return ast.parse(pathlib.Path(spec.origin).read_bytes()).body
    except (ImportError, OSError, SyntaxError, ValueError):
        return []
