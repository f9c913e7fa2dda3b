"""Fixtures that several test files share; nothing heavy is imported here."""

import importlib
import os
import pathlib
import subprocess
import sys
import textwrap

import pytest

ROOT = pathlib.Path(__file__).parents[1]


def write_distribution(folder, package, version, entry_points, modules=()):
    """Writes what `pip install` would leave of a package.

    Args:
        folder: Site directory.
        package: Such as "ganzoo-toy".
        version: Such as "1.0".
        entry_points: {group: ["name = module:attribute"]}.
        modules: {file name: source}.
    """
    info = folder / f"{package.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n\nText.\n"
    )
    lines = []
    for group, declared in entry_points.items():
        lines += [f"[{group}]", *declared, ""]
    (info / "entry_points.txt").write_text("\n".join(lines))
    for name, source in dict(modules).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(source))


@pytest.fixture(autouse=True, scope="session")
def cache(tmp_path_factory):
    """What ganzoo keeps between runs: in a folder of the test session."""
    os.environ["GANZOO_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A site directory on `sys.path`; what is imported from it is forgotten."""
    from ganzoo import registry, signatures

    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    before = set(sys.modules)
    yield folder
    for name in set(sys.modules) - before:
        origin = getattr(sys.modules[name], "__file__", None) or ""
        if origin.startswith(str(folder)):
            del sys.modules[name]
    registry.refresh()
    signatures.refresh()


@pytest.fixture
def install(site):
    """`install(package, version, entry_points, modules)` into `site`."""
    from ganzoo import registry

    def write(package, version, entry_points, modules=()):
        write_distribution(site, package, version, entry_points, modules)
        importlib.invalidate_caches()
        registry.refresh()

    return write


@pytest.fixture
def fresh_python():
    """Runs code in a fresh interpreter, `site` folders in front of its path."""

    def run(code, *sites, cwd=None):
        path = os.pathsep.join([*map(str, sites), str(ROOT)])
        return subprocess.run(
            [sys.executable, "-c", textwrap.dedent(code)],
            env={**os.environ, "PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "2"},
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=300,
        )

    return run


@pytest.fixture(scope="session")
def exported_run(tmp_path_factory):
    """The directory of a small run of digits, evaluated and exported."""
    import exported_runs

    return exported_runs.make(tmp_path_factory.mktemp("runs") / "digits")
