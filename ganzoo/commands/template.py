"""A new plugin's package, from `templates/`: `--new_plugin`."""

import importlib.resources
import keyword
import pathlib
import string

from ganzoo import registry
from ganzoo.errors import ConfigurationError, did_you_mean

# What the recipe on digits takes of ganzoo's own.
_BUILT_IN = {
    "generator": "mlp",
    "discriminator": "maxout_mlp",
    "loss": "non_saturating",
    "dataset": "digits",
    "evaluator": "parzen",
}


def write_plugin(name: str, kind: str, output: str) -> str:
    """Writes `<output>/ganzoo-<name>`, a package with one component.

    Args:
        name: Of the component in recipes, such as "sagan"; that of the package,
            "ganzoo-sagan", will do.
        kind: Such as "generators".
        output: Folder that exists.

    Returns:
        What to do next.

    Raises:
        ConfigurationError: If an argument cannot be meant, or if the package's
            folder is there already.
    """
    name = name.removeprefix("ganzoo-")
    if (
        not name.isidentifier()
        or name.lower() != name
        or keyword.iskeyword(name)
    ):
        raise ConfigurationError(
            "`--new_plugin` must be a lower-case Python name, such as sagan. "
            f"Received: {name!r}."
        )
    if kind not in registry.KINDS:
        raise ConfigurationError(
            f"No kind named {kind!r}.{did_you_mean(kind, registry.KINDS)} "
            f"Kinds: {', '.join(registry.KINDS)}."
        )
    taken = [
        component.name
        for component in registry.find()
        if (component.package, component.kind) == ("ganzoo", kind)
    ]
    if name in taken:
        raise ConfigurationError(
            f"`--new_plugin` must not be a name that ganzoo's own {kind} have: "
            f"recipes would take `{kind}.{name}` for that. Received: {name!r}. "
            f"Choose one beside {', '.join(taken)}; my_{name} will do."
        )
    if not pathlib.Path(output).is_dir():
        raise ConfigurationError(
            f"`--output` must be a folder. Received: {output!r}. Make it first."
        )
    folder = pathlib.Path(output) / f"ganzoo-{name}"
    if folder.exists():
        raise ConfigurationError(
            f"{folder} must not exist yet. Received: a folder that does. "
            "Choose another --new_plugin or --output."
        )
    values = _values(name, kind)
    package = values["package"]
    for path, template in {
        "pyproject.toml": "pyproject.toml.in",
        "README.md": "README.md.in",
        f"gin/{name}_digits.gin": "recipe.gin.in",
        f"tests/test_{name}.py": "test.py.in",
        f"{package}/{kind}.py": f"{kind}.py.in",
    }.items():
        _write(folder / path, _template(template).substitute(values))
    _write(folder / package / "__init__.py", f'"""{name} for ganzoo."""\n')
    return (
        f"{folder} is there. Its README.md says what to do next; first:\n"
        f"  pip install -e {folder}"
    )


def _values(name: str, kind: str) -> dict[str, str]:
    singular = registry.SINGULAR[kind]
    factory = name.title().replace("_", "")
    arguments = factory
    if kind in registry.FACTORY_KINDS:
        factory = f"build_{singular}"
        arguments = f"\n    {factory}, [(8, 8, 1), (28, 28, 1)]\n"
    return {
        **_BUILT_IN,
        singular: name,
        "name": name,
        "kind": kind,
        "singular": singular,
        "package": f"ganzoo_{name}",
        "factory": factory,
        "arguments": arguments,
    }


def _template(name: str) -> string.Template:
    folder = importlib.resources.files("ganzoo.commands") / "templates"
    return string.Template((folder / name).read_text())


def _write(path: pathlib.Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
