"""What README.md shows is run as it stands there."""

import os
import re
import shlex
import subprocess
import sys

import pytest
from real_data import tfds_folder

from conftest import ROOT, write_distribution

README = (ROOT / "README.md").read_text()


def blocks(language):
    """The fenced blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.M | re.S)


def commands():
    """Every `python -m ganzoo.run ...` of the page, its arguments alone."""
    prefix = "python -m ganzoo.run "
    return [
        shlex.split(line.removeprefix(prefix), comments=True)
        for block in blocks("sh")
        for line in block.splitlines()
        if line.startswith(prefix)
    ]


def run_ganzoo(folder, arguments, *sites):
    """Runs ganzoo in `folder`, where `gin/` is as in a checkout."""
    path = os.pathsep.join([*map(str, sites), str(ROOT)])
    found = subprocess.run(
        [sys.executable, "-m", "ganzoo.run", *arguments],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": path,
            "TFDS_DATA_DIR": os.environ.get("TFDS_DATA_DIR", ""),
        },
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stderr
    return found.stdout


def test_the_python_example_makes_images():
    python = [b for b in blocks("python") if "gan.fit" in b]
    assert len(python) == 1
    check = (
        "\nassert images.shape == (64, 8, 8, 1), images.shape"
        "\nassert str(images.dtype) == 'float32'"
        "\nassert 0 <= images.min() <= images.max() <= 1"
    )
    found = subprocess.run(
        [sys.executable, "-c", python[0] + check],
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stderr


def test_the_plugin_of_twenty_lines_trains(tmp_path):
    (source,) = (b for b in blocks("python") if "ganzoo_tiny" in b)
    (toml,) = blocks("toml")
    group, target = re.search(
        r'entry-points\."(\S+)"\]\n(tiny = "\S+")', toml
    ).groups()
    site = tmp_path / "site"
    write_distribution(
        site,
        "ganzoo-tiny",
        "0.1",
        {group: [target.replace('"', "")]},
        {"ganzoo_tiny/__init__.py": "", "ganzoo_tiny/networks.py": source},
    )
    out = run_ganzoo(
        tmp_path,
        [
            f"--gin_file={ROOT / 'gin' / 'digits_mlp.gin'}",
            "--mode=train",
            "--gin_param=train.num_steps = 2",
            "--gin_param=build_gan.generator = @generators.tiny",
            "--gin_param=generators.tiny.width = 128",
        ],
        site,
    )
    assert "Step 2." in out


def test_every_recipe_is_in_the_table():
    recipes = {path.name for path in (ROOT / "gin").glob("*.gin")}
    assert set(re.findall(r"gin/(\w+\.gin)", README)) == recipes


def test_every_file_that_is_linked_is_there():
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


@pytest.mark.slow
def test_the_commands_run_in_order(tmp_path, monkeypatch):
    """As written, but for so few steps that it ends."""
    monkeypatch.setenv("TFDS_DATA_DIR", tfds_folder("cifar10"))
    (tmp_path / "gin").symlink_to(ROOT / "gin")
    for arguments in commands():
        if any(a.startswith("--gin_file") for a in arguments):
            arguments = [*arguments, "--gin_param=train.num_steps = 2"]
        if any("cifar_conv" in a for a in arguments):
            arguments += ["--mode=train"]
        run_ganzoo(tmp_path, arguments)
