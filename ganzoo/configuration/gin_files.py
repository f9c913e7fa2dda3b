"""gin's syntax: files, includes and parameters -> bindings, nothing resolved.

Besides the package itself the only module that imports gin.
"""

import dataclasses
import pathlib
import re
import tokenize
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from gin import config_parser

from ganzoo.errors import ConfigurationError, did_you_mean

# The location of what stands in no file.
PARAMETER = "--gin_param"


@dataclasses.dataclass(eq=False)
class Reference:
    """`@scope/name`, or `@scope/name()` if it is called, within a value."""

    scope: str
    name: str
    is_called: bool
    location: str


@dataclasses.dataclass(eq=False)
class Macro:
    """`%name` within a value."""

    name: str
    location: str


class Binding(NamedTuple):
    """`scope/name.parameter = value`; a macro's name is empty.

    Attributes:
        location: "file:line" or `PARAMETER`.
    """

    scope: str
    name: str
    parameter: str
    value: Any
    location: str


def leaves(value: Any) -> Iterator[Reference | Macro]:
    """Yields the references and macros within a value."""
    if isinstance(value, Reference | Macro):
        yield value
    elif isinstance(value, dict):
        yield from leaves([*value, *value.values()])
    elif isinstance(value, list | tuple):
        for entry in value:
            yield from leaves(entry)


def scopes_of(bindings: Iterable[Binding]) -> set[str]:
    """The scopes of all references in them: what is in "a/b" is in "a"."""
    scopes = set()
    for binding in bindings:
        for leaf in leaves(binding.value):
            if isinstance(leaf, Reference):
                parts = leaf.scope.split("/")
                scopes |= {"/".join(parts[: i + 1]) for i in range(len(parts))}
    return scopes


def is_within(binding: Binding, scopes: set[str]) -> bool:
    """Whether a binding has one of these scopes, or none."""
    return not (binding.name and binding.scope) or binding.scope in scopes


class Reader:
    """Collects the statements of files, includes and parameters, in order."""

    def __init__(self) -> None:
        self.bindings: list[Binding] = []
        self.imports: list[tuple[str, str]] = []
        self._open_files: list[pathlib.Path] = []

    def read_file(self, path: pathlib.Path, where: str) -> None:
        """Reads a file; `where` says what includes it."""
        if path.resolve() in self._open_files:
            raise ConfigurationError(f"{path} must not include itself.{where}")
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError as error:
            beside = sorted(p.name for p in path.parent.glob("*.gin"))
            raise ConfigurationError(
                f"No gin file {str(path)!r}.{did_you_mean(path.name, beside)} "
                f"In its folder: {', '.join(beside) or 'none'}.{where}"
            ) from error
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(
                f"{path} must be a gin file. Received: {error}.{where}"
            ) from error
        self._open_files.append(path.resolve())
        self.read_text(text, path)
        self._open_files.pop()

    def read_text(self, text: str, path: pathlib.Path | None) -> None:
        """Reads gin's statements; `path` is None for a parameter."""
        delegate = _Delegate(path)
        try:
            for statement in _Parser(text, delegate):
                self._take(statement, path, delegate)
        except (SyntaxError, tokenize.TokenError) as error:
            # gin's tokenizer raises the one, gin's parser the other.
            if isinstance(error, SyntaxError):
                reason, line = error.msg, error.lineno
            else:
                reason, (line, _) = error.args
            lines = text.splitlines() or [""]
            delegate.line = min(line or 1, len(lines))
            raise ConfigurationError(
                f"`{lines[delegate.line - 1].strip()}` is not gin: "
                f"{reason.splitlines()[-1].strip().rstrip('.')}."
                f"{_capitalized(reason)} Write "
                "`name.parameter = value`, text in quotes. "
                f"({delegate.location})"
            ) from error

    def _take(
        self, statement: Any, path: pathlib.Path | None, delegate: "_Delegate"
    ) -> None:
        delegate.line = statement.location.line_num
        location = delegate.location
        if isinstance(statement, config_parser.IncludeStatement):
            beside = (
                path.parent if path else pathlib.Path()
            ) / statement.filename
            here = pathlib.Path(statement.filename)
            is_here = not beside.exists() and here.exists()
            self.read_file(here if is_here else beside, f" ({location})")
        elif isinstance(statement, config_parser.ImportStatement):
            if statement.module.startswith("__gin__."):
                raise ConfigurationError(
                    "gin's dynamic registration must be off. Received: "
                    f"`{statement.format()}`. Remove it and import the module "
                    f"whose configurables you need. ({location})"
                )
            self.imports.append((statement.format(), location))
        elif isinstance(statement, config_parser.BindingStatement):
            scope, name, parameter, value, _ = statement
            if not parameter:
                macro = f"{scope}/{name}" if scope else name
                scope, name, parameter = "", "", macro
            self.bindings.append(
                Binding(scope, name, parameter, value, location)
            )


def _capitalized(reason: str) -> str:
    """A suggestion where gin's parser stumbles over `true` and the like."""
    token = re.search(r"token '(\w+)'", reason)
    spelt = token[1].capitalize() if token else ""
    is_meant = spelt in ("True", "False", "None")
    return f" Did you mean {spelt}?" if is_meant else ""


class _Delegate(config_parser.ParserDelegate):
    """Takes references and macros as they are written, with their place."""

    def __init__(self, path: pathlib.Path | None):
        self._path = path
        self.line = 1

    @property
    def location(self) -> str:
        return f"{self._path}:{self.line}" if self._path else PARAMETER

    def configurable_reference(
        self, scoped_configurable_name: str, evaluate: bool
    ) -> Reference:
        scope, _, name = scoped_configurable_name.rpartition("/")
        return Reference(scope, name, evaluate, self.location)

    def macro(self, macro_name: str) -> Macro:
        return Macro(macro_name, self.location)


class _Parser(config_parser.ConfigParser):
    """gin's parser, which tells the delegate where a value begins."""

    def __init__(self, text: str, delegate: _Delegate):
        super().__init__(text, delegate)
        self._told = delegate

    def parse_value(self) -> Any:
        self._told.line = self.current_token.start[0]
        return super().parse_value()
