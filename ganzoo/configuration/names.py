"""What the names in a configuration stand for; nothing is imported for it."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from ganzoo import registry
from ganzoo.errors import ConfigurationError, did_you_mean
from ganzoo.interfaces import SUPPLIED_BY_CORE
from ganzoo.signatures import Parameters


class Target(NamedTuple):
    """What a name stands for.

    Attributes:
        name: As ganzoo writes it, such as "train" or "ganzoo.generators.mlp".
        selector: As gin knows it.
        source: "module:attribute"; empty where a Python module that the
            configuration imports has to bring it.
        component: None for what belongs to the core.
    """

    name: str
    selector: str
    source: str = ""
    component: registry.Component | None = None

    def bindable(self, parameters: Parameters) -> tuple[str, ...]:
        """The parameters that a configuration may bind."""
        if self.is_core_function:
            return parameters.keyword_only
        return tuple(
            name for name in parameters.names if not self.is_supplied(name)
        )

    def is_supplied(self, parameter: str) -> bool:
        """Whether the core gives this parameter a value by its name."""
        return self.is_factory and parameter in SUPPLIED_BY_CORE

    def check_bindable(
        self, written: str, name: str, bindable: Sequence[str], where: str
    ) -> None:
        """Raises ConfigurationError unless the parameter `name` is bindable.

        Args:
            written: How the configuration writes the target.
            name: What it binds.
            bindable: What `bindable` gives.
            where: It does so there.
        """
        if name in bindable:
            return
        if self.is_supplied(name):
            origin = "prior of z" if name == "latent_dim" else "dataset"
            raise ConfigurationError(
                f"`{name}` of `{written}` comes from the {origin} and cannot "
                f"be bound. Remove the binding. ({where})"
            )
        raise ConfigurationError(
            f"`{written}` has no parameter {name!r}."
            f"{did_you_mean(name, bindable)} It takes: "
            f"{', '.join(bindable) or 'nothing'}. ({where})"
        )

    def check_given(
        self, parameters: Parameters, given: Collection[str], where: str = ""
    ) -> None:
        """Checks that what the configuration must bind is bound.

        Args:
            parameters: What the target takes.
            given: Names of parameters that are bound.
            where: End of the message.

        Raises:
            ConfigurationError: If something is missing.
        """
        for name in self.bindable(parameters):
            if name in parameters.required and name not in given:
                raise ConfigurationError(
                    f"`{self.name}` needs a value of `{name}`. Bind it: "
                    f"`{self.name}.{name} = <value>`.{where}"
                )

    @property
    def is_core_function(self) -> bool:
        """Whether the core calls it, with all but keyword-only arguments."""
        return self.component is None and "." not in self.name

    @property
    def is_factory(self) -> bool:
        """Whether it is a network's, called by the core and not by gin."""
        return (
            self.component is not None
            and self.component.kind in registry.FACTORY_KINDS
        )


def resolve(name: str, core: Mapping[str, str]) -> Target:
    """What `name` stands for.

    Args:
        name: Without scope: "train", "optimizers.sgd", "generators.mlp", each
            also with its package in front.
        core: Name -> "module:attribute" of what belongs to the core.

    Raises:
        GanzooError: If it stands for nothing.
    """
    short = name.removeprefix("ganzoo.")
    if short in core:
        return Target(short, f"ganzoo.{short}", core[short])
    *_, group, last = ["", *name.split(".")]
    if group in registry.KINDS:
        component = registry.resolve(name)
        full_name = component.full_name
        return Target(full_name, full_name, component.target, component)
    groups = sorted({key.split(".")[0] for key in core if "." in key})
    if group in groups:
        names = sorted(
            key.partition(".")[2] for key in core if key.startswith(f"{group}.")
        )
        raise ConfigurationError(
            f"`{group}` has no {last!r}.{did_you_mean(last, names)} It has: "
            f"{', '.join(names)}."
        )
    if group:
        kinds = [*registry.KINDS, *groups]
        raise ConfigurationError(
            f"No kind named {group!r}.{did_you_mean(group, kinds)} Kinds: "
            f"{', '.join(kinds)}. Received: {name!r}. Write `kind.name`."
        )
    functions = sorted(key for key in core if "." not in key)
    if last in (*registry.KINDS, *groups):
        raise ConfigurationError(
            f"`{last}` must be followed by a name. Received: {name!r}. Write "
            f"`{last}.<name>`."
        )
    raise ConfigurationError(
        f"No core function named {last!r}.{did_you_mean(last, functions)} "
        f"There are: {', '.join(functions)}."
    )


def check_switch(name: str, value: str, where: str) -> None:
    """Checks a parameter of type bool: Python takes the text "False" for true.

    Args:
        name: Of the binding.
        value: As gin has it; what refers to something else may be a bool.
        where: End of the message.

    Raises:
        ConfigurationError: If it is neither True nor False.
    """
    if value not in ("True", "False") and not value.startswith(("@", "%")):
        raise ConfigurationError(
            f"`{name}` must be True or False. Received: {value}. ({where})"
        )
