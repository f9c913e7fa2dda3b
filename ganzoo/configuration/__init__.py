"""gin: a configuration loads exactly what it names, and nothing misspelt.

Two passes. `read` checks every name in files and parameters against metadata
and source, and imports nothing for it. `activate` imports what is named,
registers it with gin, and lets gin parse the same bindings for good.

    gin_files   files, includes and parameters -> bindings, nothing resolved
    names       what the names in them stand for; nothing is imported for it
    bindings    all of it together, checked before anything is loaded
    construction
                what goes wrong while it is built, told as a slip
"""

import functools
import importlib
import inspect
import pathlib
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any

import gin
from gin import config as gin_config

from ganzoo import registry, signatures
from ganzoo.configuration.bindings import Bindings
from ganzoo.configuration.construction import (
    as_raised,
    guard_class,
    guarded,
)
from ganzoo.configuration.gin_files import Binding, Reader
from ganzoo.configuration.names import Target, resolve
from ganzoo.core_names import BUILDERS, CORE
from ganzoo.errors import ConfigurationError, GanzooError


def read(
    gin_files: Sequence[str], gin_params: Sequence[str] = ()
) -> "Configuration":
    """Reads a configuration and checks it as far as that needs no import.

    Args:
        gin_files: Paths; read in order.
        gin_params: Lines of gin, read after the files; each may hold several.

    Raises:
        ConfigurationError: If a file is missing or malformed, a name unknown.
        ComponentError: If a component is unknown or ambiguous.
    """
    reader = Reader()
    for path in gin_files:
        reader.read_file(pathlib.Path(path), where="")
    for text in gin_params:
        reader.read_text(text, None)
    return Configuration(reader.bindings, reader.imports)


def configured(name: str) -> Callable[..., Any]:
    """A function of the core, with the bindings of the active configuration.

    Errors that a user can mend come out of it as they were raised, without the
    lines that gin adds to them.

    Args:
        name: A key of `CORE`, such as "train".

    Raises:
        ConfigurationError: If a parameter that it needs is not bound.
    """
    target = resolve(name, CORE)
    with gin.unlock_config():
        parameters = _register(target)
    target.check_given(parameters, gin.get_bindings(target.selector, False))
    bound = gin.get_configurable(target.selector)

    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return bound(*args, **kwargs)
        except GanzooError as error:
            plain = as_raised(error)
            raise plain from plain.__cause__
        except RecursionError as error:
            if not _builds_without_end(error):
                raise
            raise ConfigurationError(
                f"`{name}` must be of parts that come to an end. Received: a "
                "reference that needs itself, as `x.y = @x()` does. Give the "
                "inner one a scope: `x.y = @inner/x()`, and bind `inner/x.y`."
            ) from error

    return call


class Configuration:
    """What files and parameters say, checked as far as that needs no import.

    Args:
        bindings: In the order in which they were read.
        imports: (text, location) of `import` statements.

    Raises:
        ConfigurationError: If something cannot be meant.
        ComponentError: If a component is unknown or ambiguous.
    """

    def __init__(
        self, bindings: Sequence[Binding], imports: Sequence[tuple[str, str]]
    ):
        self._imports = list(dict(imports).items())
        self._bindings = Bindings(bindings, CORE, bool(imports))
        for target in self._bindings.targets():
            if target.component is None:
                parameters = signatures.source_parameters(target.source)
                if parameters is not None:
                    self._bindings.check(target, parameters)

    def activate(self) -> None:
        """Loads what is named and makes these gin's bindings, locked.

        Raises:
            ConfigurationError: If a parameter is unknown, not to be bound, or
                needed and not given.
            ComponentError: If a component cannot be loaded.
        """
        gin.clear_config()
        for text, location in self._imports:
            _parse(text, location)
        for name, error in self._bindings.unknown.items():
            if not _is_imported(name):
                raise error
        for target in self._bindings.targets_in_use():
            if target.source:
                self._bindings.check(target, _register(target))
        for binding in sorted(self._bindings.in_use, key=_comes_later):
            key = self._bindings.key(binding, for_gin=True)
            value = self._bindings.text(binding.value, for_gin=True)
            _parse(f"{key} = {value}", binding.location)
        gin.finalize()

    def mentions(self, name: str) -> bool:
        """Whether something is bound of `name`, or refers to it."""
        target = resolve(name, CORE)
        return target in self._bindings.targets_in_use()

    def bindings(self) -> dict[str, str]:
        """`scope/name.parameter` -> text of its value, macros resolved."""
        return {
            self._bindings.key(b): self._bindings.text(b.value, expand=True)
            for b in self._bindings.in_use
            if b.name
        }

    def config_text(self) -> str:
        """The whole as one gin file: includes and parameters in it."""
        lines = [text for text, _ in self._imports]
        lines += [
            f"{self._bindings.key(b)} = {self._bindings.text(b.value)}"
            for b in self._bindings.in_use
        ]
        return "".join(f"{line}\n" for line in lines)

    def components_text(self) -> str:
        """Name, package, version and target of each component, by tabs."""
        components = [t.component for t in self._bindings.targets_in_use()]
        return "".join(
            f"{c.full_name}\t{c.package}\t{c.version}\t{c.target}\n"
            for c in sorted(filter(None, components))
        )

    def operative_text(self) -> str:
        """What was called so far and with which parameters, defaults included.

        gin's own text would shorten names beyond what `read` takes.
        """
        lines = []
        # gin has no public access to it but that text.
        for (scope, selector), values in gin_config._OPERATIVE_CONFIG.items():
            short = selector.removeprefix("ganzoo.")
            name = short if short in CORE else selector
            for parameter, value in values.items():
                key = f"{scope}/{name}" if scope else name
                is_macro = selector == "gin.macro"
                key = scope if is_macro else f"{key}.{parameter}"
                lines.append(f"{key} = {self._bindings.text(value)}\n")
        return "".join(sorted(lines))

    def unused_bindings(self) -> list[str]:
        """Bindings that nothing called so far has taken, with locations."""
        unused = [
            binding
            for binding in self._bindings.in_use
            if binding.name and not self._was_used(binding)
        ]
        return self._located([*unused, *self._bindings.dropped])

    def idle_bindings(self) -> list[str]:
        """Bindings that no mode could take: of what nothing refers to."""
        return self._located(self._bindings.idle())

    def _located(self, bindings: Sequence[Binding]) -> list[str]:
        return [f"{self._bindings.key(b)} ({b.location})" for b in bindings]

    def _was_used(self, binding: Binding) -> bool:
        selector = self._bindings.target(binding).selector
        return any(
            f"{scope}/".startswith(f"{binding.scope}/" if binding.scope else "")
            and f".{called}".endswith(f".{selector}")
            and binding.parameter in values
            for (scope, called), values in gin_config._OPERATIVE_CONFIG.items()
        )


def _register(target: Target) -> signatures.Parameters:
    """Loads the target and makes it known to gin."""
    if target.component is not None:
        loaded = registry.load(target.component)
    else:
        module, _, attribute = target.source.partition(":")
        loaded = getattr(importlib.import_module(module), attribute)
    parameters = signatures.parameters(loaded)
    bindable = target.bindable(parameters)
    module, _, name = target.selector.rpartition(".")
    is_builder = not target.is_core_function or target.name in BUILDERS
    bound = functools.partial(gin.get_bindings, target.selector, False)
    is_class = isinstance(loaded, type)
    if is_builder and not is_class:
        loaded = guarded(loaded, target.name, bound)
    # A second activation in one process registers everything anew.
    with gin_config.interactive_mode():
        wrapper = gin.external_configurable(
            loaded,
            name=name,
            module=module,
            # Not an allowlist: gin takes an empty one for "everything".
            denylist=[p for p in parameters.names if p not in bindable],
        )
    if is_class:
        if is_builder:
            guard_class(wrapper, target.name, bound)
        # gin's subclass hides it, and core looks there for what it supplies.
        wrapper.__signature__ = inspect.signature(loaded)
    return parameters


def _comes_later(binding: Binding) -> bool:
    """Whether gin may take a binding after those for which this is false.

    gin builds values in the order in which they are bound, and a strategy must
    be built before TensorFlow does anything else.
    """
    return binding.parameter != "strategy"


def _parse(text: str, location: str) -> None:
    try:
        gin.parse_config(text)
    except Exception as error:
        reason = str(error).strip().splitlines()[0].rstrip(".")
        raise ConfigurationError(
            f"gin refuses `{text}`: {type(error).__name__}: {reason}. Correct "
            f"or remove it. ({location})"
        ) from error


def _is_imported(name: str) -> bool:
    """Whether an imported module has told gin of this name or %macro."""
    try:
        if name.startswith("%"):
            gin.query_parameter(name[1:])
        else:
            gin.get_configurable(name)
    except ValueError:
        return False
    except KeyError:  # Ambiguous, of which gin complains when it parses.
        return True
    return True


def _builds_without_end(error: BaseException) -> bool:
    """Whether it is gin's building of values that has gone too deep."""
    frames = traceback.walk_tb(error.__traceback__)
    calls = [frame.f_code.co_name for frame, _ in frames]
    return calls.count("gin_wrapper") > sys.getrecursionlimit() // 20
