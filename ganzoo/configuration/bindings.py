"""What a configuration says, checked before anything is loaded."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ganzoo.configuration import names
from ganzoo.configuration.gin_files import (
    PARAMETER,
    Binding,
    Macro,
    Reference,
    is_within,
    leaves,
    scopes_of,
)
from ganzoo.configuration.names import Target
from ganzoo.core_names import CALLED
from ganzoo.errors import ConfigurationError, GanzooError, did_you_mean
from ganzoo.signatures import Parameters

# gin's constant for "somebody must override this".
_REQUIRED = ("gin.REQUIRED", "REQUIRED")


class Bindings:
    """All bindings of a configuration, with names resolved.

    Args:
        bindings: In the order in which they were read: the last of each wins.
        core: See `names.resolve`.
        has_imports: Whether Python modules are imported, which may bring
            configurables and macros: what is unknown is then an error in
            `unknown`, by name, until they are.

    Attributes:
        in_use: The bindings that count: the last of each, but for `dropped`.
        dropped: Those of a scope that only references had which something
            later overrides: nothing can take them.
        unknown: See `has_imports`.

    Raises:
        GanzooError: If something cannot be meant; the message says where.
    """

    def __init__(
        self,
        bindings: Sequence[Binding],
        core: Mapping[str, str],
        has_imports: bool,
    ):
        self.unknown: dict[str, GanzooError] = {}
        self._all = bindings
        self._has_imports = has_imports
        self._targets: dict[str, Target] = {}
        for binding in bindings:
            if binding.name:
                self._resolve(binding.name, binding.location, core)
            for leaf in leaves(binding.value):
                if isinstance(leaf, Reference):
                    self._resolve(leaf.name, leaf.location, core)
                    self._check_form(leaf)
        # By selector: a name and the same name in full are one.
        last = {
            (b.scope, b.name and self._targets[b.name].selector, b.parameter): b
            for b in bindings
        }
        self.in_use = list(last.values())
        self.dropped: list[Binding] = []
        self._macros = {b.parameter: b for b in self.in_use if not b.name}
        self._check_macros()
        if not has_imports:  # Python code may enter scopes of its own.
            self._check_scopes()
            self._drop()

    def target(self, named: Binding | Reference) -> Target:
        """What a binding or a reference names."""
        return self._targets[named.name]

    def targets(self) -> list[Target]:
        """Everything that is named anywhere, once."""
        return list(dict.fromkeys(self._targets.values()))

    def targets_in_use(self) -> list[Target]:
        """Everything that the bindings that count name, once."""
        used = [binding.name for binding in self.in_use if binding.name]
        used += [reference.name for reference in self._references()]
        return list(dict.fromkeys(self._targets[name] for name in used))

    def idle(self) -> list[Binding]:
        """Those of what neither the core calls nor anything refers to.

        A reference that is overridden counts: a run's own recipe still binds
        what one call does without.
        """
        if self._has_imports:
            return []
        called = {
            self.target(leaf).name
            for binding in self._all
            for leaf in leaves(binding.value)
            if isinstance(leaf, Reference)
        }
        return [
            binding
            for binding in self.in_use
            if binding.name
            and self.target(binding).name not in called.union(CALLED)
        ]

    def check(self, target: Target, parameters: Parameters) -> None:
        """Checks the bindings of one target against what it takes.

        Raises:
            ConfigurationError: If one is unknown, missing, or no bool.
        """
        bound = [b for b in self._all if b.name and self.target(b) == target]
        bindable = target.bindable(parameters)
        for binding in bound:
            parameter, where = binding.parameter, binding.location
            target.check_bindable(binding.name, parameter, bindable, where)
            if parameter in parameters.switches:
                value = self.text(binding.value, expand=True)
                names.check_switch(self.key(binding), value, where)
        references = [r for r in self._references() if self.target(r) == target]
        locations = [r.location for r in references]
        locations += [b.location for b in bound]
        # What is bound but not referred to is not called, except by the core.
        if references or (bound and target.is_core_function):
            target.check_given(
                parameters,
                {binding.parameter for binding in bound},
                where=f" ({locations[0]})",
            )

    def key(self, binding: Binding, for_gin: bool = False) -> str:
        """`scope/name.parameter`, or the name of a macro.

        `for_gin` by the selector, which no other registered name ends in.
        """
        if not binding.name:
            return binding.parameter
        scope = f"{binding.scope}/" if binding.scope else ""
        return f"{scope}{self._name(binding.name, for_gin)}.{binding.parameter}"

    def text(
        self, value: Any, for_gin: bool = False, expand: bool = False
    ) -> str:
        """The value as gin reads it.

        Args:
            value: Of one of these bindings.
            for_gin: As in `key`.
            expand: Puts the values of macros in their places.
        """

        def recurse(inner: Any) -> str:
            return self.text(inner, for_gin, expand)

        if isinstance(value, Reference):
            scope = f"{value.scope}/" if value.scope else ""
            call = "()" if value.is_called else ""
            return f"@{scope}{self._name(value.name, for_gin)}{call}"
        if isinstance(value, Macro):
            if expand and value.name in self._macros:
                return recurse(self._macros[value.name].value)
            return f"%{value.name}"
        if isinstance(value, dict):
            pairs = [f"{recurse(k)}: {recurse(v)}" for k, v in value.items()]
            return "{" + ", ".join(pairs) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(map(recurse, value)) + "]"
        if isinstance(value, tuple):
            comma = "," if len(value) == 1 else ""
            return "(" + ", ".join(map(recurse, value)) + comma + ")"
        if value in (math.inf, -math.inf):
            # repr gives a name, which gin does not read.
            return "1e999" if value > 0 else "-1e999"
        return repr(value)

    def _name(self, name: str, for_gin: bool) -> str:
        target = self._targets[name]
        return target.selector if for_gin else target.name

    def _references(self) -> list[Reference]:
        return [
            leaf
            for binding in self.in_use
            for leaf in leaves(binding.value)
            if isinstance(leaf, Reference)
        ]

    def _resolve(
        self, name: str, location: str, core: Mapping[str, str]
    ) -> None:
        if name in self._targets:
            return
        try:
            self._targets[name] = names.resolve(name, core)
        except GanzooError as error:
            located = type(error)(f"{error} ({location})")
            if not self._has_imports:
                raise located from error
            self.unknown[name] = located
            self._targets[name] = Target(name, name)

    def _check_form(self, reference: Reference) -> None:
        target = self.target(reference)
        is_handed_on = target.is_factory or target.is_core_function
        if not target.source or reference.is_called != is_handed_on:
            return
        scope = f"{reference.scope}/" if reference.scope else ""
        plain = f"@{scope}{reference.name}"
        rule, written, right = (
            ("is called by the core", f"{plain}()", plain)
            if is_handed_on
            else ("must be called by the configuration", plain, f"{plain}()")
        )
        raise ConfigurationError(
            f"`{reference.name}` {rule}. Received: {written}. Write `{right}`. "
            f"({reference.location})"
        )

    def _check_macros(self) -> None:
        used = {
            leaf.name
            for binding in self._all
            for leaf in leaves(binding.value)
            if isinstance(leaf, Macro)
        }
        for binding in self._all:
            # A file may define more than is used; a parameter means something.
            is_idle = not binding.name and binding.parameter not in used
            if is_idle and binding.location == PARAMETER:
                raise ConfigurationError(
                    f"No binding uses a macro {binding.parameter!r}."
                    f"{did_you_mean(binding.parameter, used)} Write the "
                    f"name of one that is used. ({binding.location})"
                )
            for leaf in self._expanded(binding.value):
                if not isinstance(leaf, Macro):
                    continue
                if leaf.name not in _REQUIRED:
                    error = ConfigurationError(
                        f"No macro named {leaf.name!r}."
                        f"{did_you_mean(leaf.name, self._macros)} Define it: "
                        f"`{leaf.name} = <value>`. ({leaf.location})"
                    )
                    if not self._has_imports:
                        raise error
                    self.unknown[f"%{leaf.name}"] = error
                elif binding.name and binding in self.in_use:
                    raise ConfigurationError(
                        f"`{self.key(binding)}` must be given a value. "
                        f"Received: %gin.REQUIRED. "
                        f"Add `{self.key(binding)} = <value>`. "
                        f"({binding.location})"
                    )

    def _expanded(
        self, value: Any, through: tuple[str, ...] = ()
    ) -> Iterator[Reference | Macro]:
        """Yields the leaves of a value, those of its macros in their places."""
        for leaf in leaves(value):
            if isinstance(leaf, Reference) or leaf.name not in self._macros:
                yield leaf
                continue
            if leaf.name in through:
                raise ConfigurationError(
                    f"Macro {leaf.name!r} must not refer to itself. Received: "
                    f"{' -> '.join((*through, leaf.name))}. ({leaf.location})"
                )
            yield from self._expanded(
                self._macros[leaf.name].value, (*through, leaf.name)
            )

    def _check_scopes(self) -> None:
        """A binding in a scope that nothing is called in would not count."""
        scopes = scopes_of(self._all)
        for binding in self._all:
            if not is_within(binding, scopes):
                example = f"@{binding.scope}/{binding.name}()"
                raise ConfigurationError(
                    f"No reference has the scope {binding.scope!r}."
                    f"{did_you_mean(binding.scope, scopes)} A binding of it "
                    f"counts for references such as `{example}`. "
                    f"({binding.location})"
                )

    def _drop(self) -> None:
        """What is recorded of the rest is then read like any other file."""
        while True:
            scopes = scopes_of(self.in_use)
            idle = [b for b in self.in_use if not is_within(b, scopes)]
            if not idle:
                return
            self.dropped += idle
            # They may have been the last to have another scope.
            self.in_use = [b for b in self.in_use if b not in idle]
