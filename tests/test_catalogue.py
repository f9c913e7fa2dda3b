"""`--list` and `--describe`, with really installed packages."""

import sys

import pytest

from ganzoo import catalogue
from ganzoo.commands.describing import describe
from ganzoo.core_names import CORE
from ganzoo.errors import ComponentError

SAGAN = '''
    """Networks of SAGAN."""

    def build_generator(
        sample_shape, latent_dim, width=64, *, activation="relu", **kwargs
    ):
        """Self-attention generator.

        Zhang et al. 2019.

        Args:
            width: Channels.
        """

    class Plain(dict):
        def __init__(self, sample_shape=(1,)):
            pass
'''


@pytest.fixture
def sagan(install):
    install(
        "ganzoo-sagan",
        "0.3",
        {
            "ganzoo.generators": [
                "sagan = ganzoo_sagan.networks:build_generator",
                "elsewhere = no_such_package.networks:build",
            ],
            "ganzoo.datasets": ["plain = ganzoo_sagan.networks:Plain"],
        },
        {
            "ganzoo_sagan/__init__.py": "raise RuntimeError('imported')",
            "ganzoo_sagan/networks.py": SAGAN,
        },
    )


def test_list_shows_each_component_under_its_kind(sagan):
    *sections, _ = catalogue.list_components().split("\n\n")
    assert [section.splitlines()[0] for section in sections] == [
        "generators",
        "discriminators",
        "losses",
        "datasets",
        "evaluators",
    ]
    generators = [line.split() for line in sections[0].splitlines()[1:]]
    names = [row[0] for row in generators]
    assert names == sorted(names)
    assert [
        "sagan",
        "ganzoo-sagan",
        "0.3",
        "Self-attention",
        "generator.",
    ] in generators
    # Where nothing is found, nothing is said.
    assert ["elsewhere", "ganzoo-sagan", "0.3"] in generators
    assert "mlp" in names
    # Columns begin at the same place in all sections.
    rows = [line for s in sections for line in s.splitlines()[1:]]
    versions = {
        line.index(" 0.3" if " 0.3" in line else " 0.1.0") for line in rows
    }
    assert len(versions) == 1


def test_list_shows_what_the_core_has():
    title, *lines = catalogue.list_components().split("\n\n")[-1].splitlines()
    assert title == "core"
    assert max(map(len, lines)) <= 80
    group, found = "", []
    for line in lines:
        head, names = line[2:15].strip(), line[15:].strip(" ,").split(", ")
        group = head or group
        is_plain = group == "(functions)"
        found += [n if is_plain else f"{group}.{n}" for n in names]
    assert sorted(found) == sorted(CORE)


def test_list_imports_nothing_heavy_and_no_plugin(sagan, site, fresh_python):
    result = fresh_python(
        """
        import sys
        from ganzoo.catalogue import list_components
        text = list_components()
        heavy = {"tensorflow", "keras", "gin", "numpy", "ganzoo_sagan"}
        print("sagan" in text, sorted(heavy & set(sys.modules)))
        ours = {name for name in sys.modules if name.startswith("ganzoo.")}
        print(sorted(ours))
        """,
        site,
    )
    assert result.stderr == ""
    assert result.stdout.splitlines() == [
        "True []",
        "['ganzoo.catalogue', 'ganzoo.core_names', 'ganzoo.errors', "
        "'ganzoo.registry', 'ganzoo.signatures']",
    ]


def test_describe_a_factory(sagan, site):
    (site / "ganzoo_sagan/__init__.py").write_text("")
    assert describe("generators.sagan") == (
        "ganzoo_sagan.generators.sagan\n"
        "ganzoo-sagan 0.3, ganzoo_sagan.networks:build_generator\n"
        "\n"
        "Self-attention generator.\n"
        "\n"
        "Zhang et al. 2019.\n"
        "\n"
        "Parameters:\n"
        "  sample_shape    (supplied by the core)\n"
        "  latent_dim    (supplied by the core)\n"
        "  width=64\n"
        "  activation='relu'\n"
        "  **kwargs    (cannot be bound)"
    )


def test_describe_a_class_without_docstring(sagan, site):
    """The core supplies nothing to data sets; no text is inherited."""
    (site / "ganzoo_sagan/__init__.py").write_text("")
    assert describe("ganzoo_sagan.datasets.plain") == (
        "ganzoo_sagan.datasets.plain\n"
        "ganzoo-sagan 0.3, ganzoo_sagan.networks:Plain\n"
        "\n"
        "Parameters:\n"
        "  sample_shape=(1,)"
    )


def test_describe_imports_the_one_that_is_named(sagan, site):
    (site / "ganzoo_sagan/__init__.py").write_text("")
    describe("datasets.plain")
    assert "no_such_package" not in sys.modules
    with pytest.raises(
        ComponentError, match="No module named 'no_such_package'"
    ):
        describe("generators.elsewhere")
