"""Entry points -> components: what is found is not yet loaded.

A component is one line in some package's entry points,
`name = module:attribute` under `ganzoo.<kind>`. Finding reads metadata alone,
so a broken plugin that nobody names hurts nobody; `load` imports exactly one.
"""

import contextlib
import functools
import importlib
import importlib.metadata
import operator
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from ganzoo.errors import ComponentError, did_you_mean

SINGULAR = {
    "generators": "generator",
    "discriminators": "discriminator",
    "losses": "loss",
    "datasets": "dataset",
    "evaluators": "evaluator",
}
KINDS = tuple(SINGULAR)
# Networks: core calls what the entry point names. The other kinds are objects
# that the config builds.
FACTORY_KINDS = ("generators", "discriminators")
_LONGEST_LIST = 10


class Component(NamedTuple):
    """A component before loading.

    Attributes:
        kind: One of `KINDS`.
        name: Such as "mlp".
        package: The distribution that offers it, such as "ganzoo-sagan".
        version: Of that distribution.
        target: "module:attribute".
    """

    kind: str
    name: str
    package: str
    version: str
    target: str

    @property
    def full_name(self) -> str:
        """`<package>.<kind>.<name>`, with `_` for what gin does not take."""
        package = re.sub(r"\W|^(?=\d)", "_", self.package)
        return f"{package}.{self.kind}.{self.name}"


def find() -> list[Component]:
    """All components of all installed packages, sorted; nothing is imported.

    Raises:
        ComponentError: If ganzoo's own are missing: it is not installed.
    """
    components, _ = _scan(tuple(sys.path))
    if not any(component.package == "ganzoo" for component in components):
        raise ComponentError(
            "ganzoo must be installed for its components to be found. "
            "Received: a checkout that is not. "
            "Run `pip install -e .` in its folder."
        )
    return list(components)


def refresh() -> None:
    """Forgets what was found, for packages installed since in this process."""
    importlib.invalidate_caches()
    _scan.cache_clear()


def problems() -> list[str]:
    """What packages declare that cannot mean what they want, one line each."""
    shadowed = [
        f"{_named(c)} is hidden by ganzoo's own `{c.kind}.{c.name}`. "
        f"Write `{c.full_name}` to use it."
        for c in find()
        if is_hidden(c)
    ]
    return [*_scan(tuple(sys.path))[1], *shadowed]


def is_hidden(component: Component) -> bool:
    """Whether its bare name is ganzoo's own component's."""
    return component.package != "ganzoo" and any(
        (other.package, other.kind, other.name)
        == ("ganzoo", component.kind, component.name)
        for other in find()
    )


def resolve(reference: str) -> Component:
    """The component that `kind.name` or `package.kind.name` stands for.

    A name without its package is ganzoo's own where there is one, else the only
    one that is installed.

    Raises:
        ComponentError: If there is none, or if two packages offer it.
    """
    parts = reference.split(".")
    is_full = len(parts) == 3
    kind, name = parts[-2:] if is_full or len(parts) == 2 else (reference, "")
    if kind not in KINDS:
        raise ComponentError(
            f"No kind named {kind!r}.{did_you_mean(kind, KINDS)} Kinds: "
            f"{', '.join(KINDS)}. Received: {reference!r}. Write `kind.name`."
        )
    candidates = [c for c in find() if c.kind == kind]
    found = [
        c
        for c in candidates
        if reference in (c.full_name, f"{c.kind}.{c.name}")
    ]
    own = [c for c in found if c.package == "ganzoo"]
    if len(found) == 1 or own:
        return (own or found)[0]
    if found:
        raise ComponentError(
            f"{reference!r} is offered by {len(found)} packages: "
            f"{', '.join(c.full_name for c in found)}. Write one in full."
        )
    names = sorted({c.full_name if is_full else c.name for c in candidates})
    wanted = reference if is_full else name
    raise ComponentError(
        f"No {SINGULAR[kind]} named {wanted!r}.{did_you_mean(wanted, names)} "
        + (
            f"Registered: {', '.join(names)}."
            if len(names) <= _LONGEST_LIST
            else "Run `--list` to see all of them."
        )
    )


def load(component: Component) -> Callable[..., Any]:
    """Imports what the component's entry point names.

    What the import prints goes to stderr: stdout belongs to the run.

    Raises:
        ComponentError: If the import fails in any way, if the attribute is not
            there, or if it cannot be called.
    """
    module_name, _, path = component.target.partition(":")
    try:
        with contextlib.redirect_stdout(sys.stderr):
            module = importlib.import_module(module_name)
            target = operator.attrgetter(path)(module)
    except KeyboardInterrupt:
        raise
    # A plugin may raise anything on import, SystemExit included.
    except BaseException as error:
        is_missing = isinstance(error, ModuleNotFoundError)
        remedy = "Install it" if is_missing else "Repair it"
        raise ComponentError(
            f"{_named(component)} could not be loaded from {component.target}: "
            f"{type(error).__name__}: {error}. {remedy}, or uninstall "
            f"{component.package}."
        ) from error
    if not callable(target):
        raise ComponentError(
            f"{_named(component)} must be a function or a class. Received: "
            f"{component.target}, of type {type(target).__name__}."
        )
    found: Callable[..., Any] = target
    return found


def _named(component: Component) -> str:
    return (
        f"{SINGULAR[component.kind].capitalize()} {component.name!r} of "
        f"{component.package} {component.version}"
    )


@functools.lru_cache(maxsize=1)
def _scan(
    path: tuple[str, ...],
) -> tuple[tuple[Component, ...], tuple[str, ...]]:
    """Components and problems of the distributions on `path`."""
    components = []
    problems = []
    seen = set()
    for distribution in importlib.metadata.distributions(path=list(path)):
        try:
            text = distribution.read_text("entry_points.txt") or ""
            declared = list(_declared(text))
            if not declared:
                continue
            package, version = _name_and_version(distribution)
        # Somebody else's broken metadata must not end this run.
        except (OSError, ValueError) as error:
            problems.append(
                f"A package in {distribution.locate_file('')} has metadata "
                f"that cannot be read: {type(error).__name__}: {error}. "
                "Reinstall it."
            )
            continue
        normalized = re.sub(r"[-_.]+", "-", package).lower()
        # Python imports the first of two copies on its path, and so do we.
        if normalized in seen:
            continue
        seen.add(normalized)
        for kind, name, target in declared:
            component = Component(kind, name, package, version, target)
            problem = _declaration_problem(component)
            if problem:
                problems.append(problem)
            else:
                components.append(component)
    order = {kind: index for index, kind in enumerate(KINDS)}
    components.sort(key=lambda c: (order[c.kind], c.name, c.package))
    return tuple(components), tuple(sorted(problems))


def _declared(text: str) -> Iterator[tuple[str, str, str]]:
    """Yields (kind, name, target) of an `entry_points.txt`."""
    kind = None
    # Parsing by hand what is of concern: most packages have nothing for us, and
    # a malformed file of one must not matter to the others.
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            group = line.strip("[] ")
            kind = group.removeprefix("ganzoo.")
            if kind == group:
                kind = None
        elif kind and "=" in line and not line.startswith("#"):
            name, target = line.split("=", 1)
            yield kind, name.strip(), target.split("[")[0].strip()


def _name_and_version(
    distribution: importlib.metadata.Distribution,
) -> tuple[str, str]:
    """Like `distribution.metadata`, whose e-mail parser is much slower."""
    text = distribution.read_text("METADATA") or distribution.read_text(
        "PKG-INFO"
    )
    header = (text or "").split("\n\n", 1)[0]
    fields = dict(re.findall(r"^(Name|Version): *(.+?)\s*$", header, re.M))
    if len(fields) != 2:
        raise ValueError("METADATA must have a Name and a Version")
    return fields["Name"], fields["Version"]


def _declaration_problem(component: Component) -> str | None:
    where = f"{component.package} {component.version}"
    if component.kind not in KINDS:
        return (
            f"{where} declares {component.name!r} ({component.target}) under "
            f"'ganzoo.{component.kind}', which is no kind."
            f"{did_you_mean(component.kind, KINDS)} Kinds: {', '.join(KINDS)}."
        )
    if not component.name.isidentifier():
        return (
            f"{where} declares {component.name!r} ({component.target}) under "
            f"'ganzoo.{component.kind}', which gin cannot name. Use letters, "
            "digits and underscores."
        )
    return None
