"""Parameters and summaries, by import and from source alone."""

import importlib
import sys

import pytest

from ganzoo import signatures
from ganzoo.signatures import Parameters

SOURCE = '''
    import functools
    import os

    def plain(a, b=2, *args, c, d=4, **kwargs):
        """Does it.

        At length.
        """

    def nothing():
        ...

    class Parent:
        def __init__(self, a, *, b=1):
            pass

    class Child(Parent):
        """A child."""

    def switched(a: bool, b: "bool", c: int = 1, *, d: bool = False):
        ...

    class Stranger(os.PathLike):
        pass

    @functools.cache
    def decorated(a):
        pass
'''


@pytest.fixture
def target(site):
    package = site / "signed"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError")
    (package / "parts.py").write_text(
        "\n".join(line[4:] for line in SOURCE.splitlines())
    )
    importlib.invalidate_caches()
    signatures.refresh()
    return "signed.parts:{}".format


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "plain",
            Parameters(("a", "b", "c", "d"), ("c", "d"), ("a", "c"), ()),
        ),
        ("nothing", Parameters((), (), (), ())),
        ("Parent", Parameters(("a", "b"), ("b",), ("a",), ())),
        ("Child", Parameters(("a", "b"), ("b",), ("a",), ())),
        (
            "switched",
            Parameters(
                ("a", "b", "c", "d"), ("d",), ("a", "b"), ("a", "b", "d")
            ),
        ),
    ],
)
def test_source_says_what_the_import_does(target, site, name, expected):
    assert signatures.source_parameters(target(name)) == expected
    assert "signed" not in sys.modules
    (site / "signed/__init__.py").write_text("")
    parts = importlib.import_module("signed.parts")
    assert signatures.parameters(getattr(parts, name)) == expected


@pytest.mark.parametrize("name", ["Stranger", "decorated", "missing"])
def test_what_only_an_import_can_tell(target, name):
    assert signatures.source_parameters(target(name)) is None


@pytest.mark.parametrize(
    "target",
    ["no_such_package.parts:f", "sys:exit", "os.path:join", ":f", "__main__:f"],
)
def test_source_out_of_reach(target):
    assert signatures.source_parameters(target) is None
    assert signatures.source_summary(target) is None


def test_summary_is_the_first_line(target):
    assert signatures.source_summary(target("plain")) == "Does it."
    assert signatures.source_summary(target("Child")) == "A child."
    assert signatures.source_summary(target("Parent")) is None


def test_source_that_does_not_parse(target, site):
    (site / "signed/parts.py").write_text("def plain(:")
    assert signatures.source_parameters(target("plain")) is None
