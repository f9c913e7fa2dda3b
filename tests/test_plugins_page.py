"""Every block of docs/plugins.md: files are written, commands are run."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

from conftest import ROOT

PAGE = ROOT / "docs" / "plugins.md"
# A block, and the file that the line above it names, if any.
BLOCK = re.compile(
    r"(?:^`(?P<path>[^`\n]+)`:\n\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


def blocks():
    return [match.groupdict() for match in BLOCK.finditer(PAGE.read_text())]


def test_every_block_is_a_file_or_commands():
    assert len(blocks()) == PAGE.read_text().count("\n```") / 2
    for block in blocks():
        assert (block["path"] is None) == (block["language"] == "sh")


@pytest.mark.slow
def test_blocks_run_in_order(tmp_path):
    site = tmp_path / "site"
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(site), str(ROOT)]),
        "TF_CPP_MIN_LOG_LEVEL": "2",
    }
    said = {}
    for block in blocks():
        if block["path"]:
            path = tmp_path / block["path"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block["text"])
            continue
        for line in block["text"].splitlines():
            command = [sys.executable, *line.split()[1:]]
            if line.startswith("pip install "):
                # Into a folder of the test's own, from what is installed.
                options = ["--no-deps", "--no-build-isolation", "--quiet"]
                command = [sys.executable, "-m", "pip", "install", *options]
                command += ["--target", str(site), *line.split()[2:]]
            done = subprocess.run(
                command,
                cwd=tmp_path,
                env=environment,
                capture_output=True,
                text=True,
            )
            assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
            said[line] = done.stdout
    assert (
        "ganzoo_tiny.generators.tiny"
        in said["python -m ganzoo.run --describe=generators.tiny"]
    )
    assert (
        "brightness = "
        in said["python -m ganzoo.run --gin_file=ganzoo-tiny/gin/tiny.gin"]
    )
    checked = said["python -m ganzoo.run --check"]
    assert re.search(
        r"ganzoo_tiny\.losses\.margin +ganzoo-tiny 0.1.0  ok", checked
    )
    assert pathlib.Path(tmp_path, "ganzoo-sagan", "pyproject.toml").exists()
