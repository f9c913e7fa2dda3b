"""Finding, naming and loading components, with really installed packages."""

import re
import sys

import pytest

from conftest import write_distribution
from ganzoo import registry
from ganzoo.errors import ComponentError
from ganzoo.registry import Component

TOY = """
    def build(sample_shape, latent_dim, *, width=3):
        return width
"""


def fails(message, error=ComponentError):
    return pytest.raises(error, match=f"^{re.escape(message)}$")


def test_built_ins_come_through_entry_points():
    found = {(c.kind, c.name, c.target) for c in registry.find()}
    assert (
        "generators",
        "mlp",
        "ganzoo.generators.mlp:build_generator",
    ) in found
    assert (
        "losses",
        "minimax",
        "ganzoo.losses.minimax:Minimax",
    ) in found


def test_find_is_sorted_by_kind_name_and_package(install):
    for package in ("ganzoo-b", "ganzoo-a"):
        install(package, "1.0", {"ganzoo.losses": ["z = m:f", "a = m:f"]})
    components = registry.find()
    order = [
        (registry.KINDS.index(c.kind), c.name, c.package) for c in components
    ]
    assert order == sorted(order)
    assert Component("losses", "a", "ganzoo-b", "1.0", "m:f") in components


def test_first_of_two_copies_on_the_path_counts(
    install, site, tmp_path, monkeypatch
):
    install("ganzoo-toy", "2.0", {"ganzoo.generators": ["toy = new:build"]})
    write_distribution(
        tmp_path / "behind",
        "Ganzoo_Toy",
        "1.0",
        {"ganzoo.generators": ["toy = old:build"]},
    )
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "behind")])
    assert registry.resolve("generators.toy") == Component(
        "generators", "toy", "ganzoo-toy", "2.0", "new:build"
    )


def test_found_is_not_loaded(install):
    install(
        "ganzoo-toy",
        "1.0",
        {"ganzoo.generators": ["toy = toy_unloaded:build"]},
        {"toy_unloaded.py": "raise RuntimeError"},
    )
    assert registry.resolve("generators.toy").version == "1.0"
    assert "toy_unloaded" not in sys.modules


def test_full_name_replaces_what_gin_cannot_read():
    component = Component("losses", "toy", "3d-zoo.more", "1", "m:f")
    assert component.full_name == "_3d_zoo_more.losses.toy"


def test_bare_name_is_ganzoos_own_and_the_shadow_is_reported(install):
    install("another-zoo", "0.3", {"ganzoo.generators": ["mlp = m:f"]})
    assert registry.resolve("generators.mlp").package == "ganzoo"
    theirs = registry.resolve("another_zoo.generators.mlp")
    assert theirs.package == "another-zoo"
    assert registry.problems() == [
        "Generator 'mlp' of another-zoo 0.3 is hidden by ganzoo's own "
        "`generators.mlp`. Write `another_zoo.generators.mlp` to use it."
    ]


def test_two_packages_with_one_name(install):
    for package in ("ganzoo-one", "ganzoo-two"):
        install(package, "1.0", {"ganzoo.generators": ["toy = m:f"]})
    with fails(
        "'generators.toy' is offered by 2 packages: ganzoo_one.generators.toy, "
        "ganzoo_two.generators.toy. Write one in full."
    ):
        registry.resolve("generators.toy")
    two = registry.resolve("ganzoo_two.generators.toy")
    assert two.package == "ganzoo-two"


@pytest.fixture
def install_alone(install, site, monkeypatch):
    """`install`, where a ganzoo of two generators is all there is."""
    monkeypatch.setattr(sys, "path", [str(site)])
    install("ganzoo", "9", {"ganzoo.generators": ["mlp = m:f", "deconv = m:f"]})
    return install


def test_unknown_name(install_alone):
    install_alone("my-sagan", "1.0", {"ganzoo.generators": ["sagan = m:f"]})
    with fails(
        "No generator named 'sagn'. Did you mean 'sagan'? "
        "Registered: deconv, mlp, sagan."
    ):
        registry.resolve("generators.sagn")
    with fails(
        "No generator named 'my_sagn.generators.sagan'. Did you mean "
        "'my_sagan.generators.sagan'? Registered: ganzoo.generators.deconv, "
        "ganzoo.generators.mlp, my_sagan.generators.sagan."
    ):
        registry.resolve("my_sagn.generators.sagan")


def test_long_lists_are_left_to_the_catalogue(install_alone):
    names = [f"part{i} = m:f" for i in range(9)]
    install_alone("ganzoo-many", "1.0", {"ganzoo.generators": names})
    with fails("No generator named 'x'. Run `--list` to see all of them."):
        registry.resolve("generators.x")


@pytest.mark.parametrize(
    ("reference", "start"),
    [
        (
            "generater.mlp",
            "No kind named 'generater'. Did you mean 'generators'?",
        ),
        ("mlp", "No kind named 'mlp'."),
        ("a.b.c.d", "No kind named 'a.b.c.d'."),
    ],
)
def test_unknown_kind(reference, start):
    with fails(
        f"{start} Kinds: generators, discriminators, losses, datasets, "
        f"evaluators. Received: {reference!r}. Write `kind.name`."
    ):
        registry.resolve(reference)


def test_checkout_that_is_not_installed(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    with fails(
        "ganzoo must be installed for its components to be found. Received: a "
        "checkout that is not. Run `pip install -e .` in its folder."
    ):
        registry.find()


def install_toy(install, source, target="toy_module:build"):
    install(
        "ganzoo-toy",
        "0.3",
        {"ganzoo.generators": [f"toy = {target}"]},
        {"toy_module.py": source},
    )
    return registry.resolve("generators.toy")


def test_load_returns_the_object(install):
    component = install_toy(install, TOY)
    assert registry.load(component)(None, 5, width=4) == 4


def test_load_reaches_nested_attributes(install):
    component = install_toy(
        install, "class A:\n    build = dict", "toy_module:A.build"
    )
    assert registry.load(component) is dict


@pytest.mark.parametrize(
    ("source", "cause", "remedy", "error"),
    [
        (
            "import einops_that_is_not_there",
            "ModuleNotFoundError: No module named 'einops_that_is_not_there'",
            "Install it",
            ModuleNotFoundError,
        ),
        (
            "from sys import nothing",
            "ImportError: cannot import name 'nothing' from 'sys' "
            "(unknown location)",
            "Repair it",
            ImportError,
        ),
        (
            "",
            "AttributeError: module 'toy_module' has no attribute 'build'",
            "Repair it",
            AttributeError,
        ),
        (
            "raise ValueError('bad value')",
            "ValueError: bad value",
            "Repair it",
            ValueError,
        ),
        ("import sys; sys.exit(3)", "SystemExit: 3", "Repair it", SystemExit),
        (
            "class Odd(BaseException): pass\nraise Odd('odd')",
            "Odd: odd",
            "Repair it",
            BaseException,
        ),
    ],
)
def test_broken_component(install, source, cause, remedy, error):
    component = install_toy(install, source)
    with fails(
        "Generator 'toy' of ganzoo-toy 0.3 could not be loaded from "
        f"toy_module:build: {cause}. {remedy}, or uninstall ganzoo-toy."
    ) as caught:
        registry.load(component)
    assert isinstance(caught.value.__cause__, error)


def test_interrupting_an_import_is_no_error_of_the_plugin(install):
    component = install_toy(install, "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        registry.load(component)


def test_component_that_cannot_be_called(install):
    component = install_toy(install, "build = 3")
    with fails(
        "Generator 'toy' of ganzoo-toy 0.3 must be a function or a class. "
        "Received: toy_module:build, of type int."
    ):
        registry.load(component)


def test_printing_on_import_leaves_stdout_alone(install, capsys):
    registry.load(install_toy(install, f"print('hello')\n{TOY.strip()}"))
    out, err = capsys.readouterr()
    assert (out, err) == ("", "hello\n")


def test_what_no_kind_or_name_can_be_is_reported(install):
    install("ganzoo-odd", "1.0", {"ganzoo.generater": ["toy = m:f"]})
    install("ganzoo-dash", "2.0", {"ganzoo.losses": ["my-loss = m:f"]})
    packages = {component.package for component in registry.find()}
    assert not packages & {"ganzoo-odd", "ganzoo-dash"}
    assert registry.problems() == [
        "ganzoo-dash 2.0 declares 'my-loss' (m:f) under 'ganzoo.losses', which "
        "gin cannot name. Use letters, digits and underscores.",
        "ganzoo-odd 1.0 declares 'toy' (m:f) under 'ganzoo.generater', which "
        "is no kind. Did you mean 'generators'? Kinds: generators, "
        "discriminators, losses, datasets, evaluators.",
    ]


def test_damaged_metadata_hurts_nobody_and_is_reported(install, site):
    installed = {c.package for c in registry.find()}
    install("ganzoo-one", "1.0", {"ganzoo.losses": ["one = m:f"]})
    install("ganzoo-two", "1.0", {"ganzoo.losses": ["two = m:f"]})
    install("ganzoo-good", "1.0", {"ganzoo.losses": ["good = m:f"]})
    (site / "ganzoo_one-1.0.dist-info/METADATA").write_text("Name: ganzoo-one")
    broken = site / "ganzoo_two-1.0.dist-info/entry_points.txt"
    broken.write_bytes(b"\xff\xfe")
    registry.refresh()
    found = {c.package for c in registry.find()}
    assert found == installed | {"ganzoo-good"}
    assert registry.problems() == [
        f"A package in {site} has metadata that cannot be read: "
        "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xff in position "
        "0: invalid start byte. Reinstall it.",
        f"A package in {site} has metadata that cannot be read: ValueError: "
        "METADATA must have a Name and a Version. Reinstall it.",
    ]


def test_malformed_lines_and_extras_of_entry_points(install, site):
    install(
        "ganzoo-toy",
        "1.0",
        {
            "ganzoo.losses": ["# a = b", "no equals sign", "toy = m:f [extra]"],
            "console_scripts": ["script = m:main"],
        },
    )
    theirs = [c for c in registry.find() if c.package == "ganzoo-toy"]
    assert theirs == [Component("losses", "toy", "ganzoo-toy", "1.0", "m:f")]


def test_two_hundred_plugins_cost_two_small_files_each(tmp_path, fresh_python):
    for i in range(200):
        write_distribution(
            tmp_path,
            f"ganzoo-many{i}",
            "1.0",
            {"ganzoo.generators": [f"many{i} = many{i}:build"]},
            {f"many{i}.py": "raise RuntimeError"},
        )
    result = fresh_python(
        """
        import importlib.metadata, sys, time
        from ganzoo import registry
        opened = []
        sys.addaudithook(
            lambda event, args: event == "open" and opened.append(str(args[0]))
        )
        start = time.perf_counter()
        found = registry.find()
        registry.resolve("generators.mlp")
        milliseconds = 1000 * (time.perf_counter() - start)
        third_party = [path for path in opened if "ganzoo_many" in path]
        heavy = {"tensorflow", "keras", "gin", "numpy", "email.parser"}
        print(sum(c.package.startswith("ganzoo-many") for c in found))
        print(len(third_party), len(set(third_party)))
        print(sorted(heavy & set(sys.modules)))
        print(f"{milliseconds:.0f} ms", file=sys.stderr)
        """,
        tmp_path,
    )
    num_found, opened, heavy = result.stdout.splitlines()
    assert num_found == "200"
    assert opened == "400 400"
    assert heavy == "[]"
    print("find() with 200 plugins:", result.stderr.strip())
