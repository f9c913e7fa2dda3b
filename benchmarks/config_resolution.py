"""What installed plugins cost: resolving a recipe, and `--list`.

    python benchmarks/config_resolution.py

Resolving is `configuration.read` in a fresh interpreter, which every run pays
before TensorFlow; the import of the module is not counted. Plugins are
dist-info folders with one generator each, as `pip` leaves them.
"""

import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).parents[1]
NUM_PLUGINS = 200
REPEATS = 5
RESOLVE = """
import sys, time
from ganzoo import configuration
wall, cpu = time.perf_counter(), time.process_time()
configuration.read([sys.argv[1]])
print(1000 * (time.perf_counter() - wall), 1000 * (time.process_time() - cpu))
"""
LIST = """
import contextlib, io, json, sys, time
start = time.perf_counter()
from ganzoo.run import run
with contextlib.redirect_stdout(io.StringIO()):
    run(["ganzoo", "--list"])
seconds = time.perf_counter() - start
heavy = sorted({"tensorflow", "keras", "gin", "numpy"} & set(sys.modules))
print(json.dumps([1000 * seconds, len(sys.modules), heavy]))
"""


def write_plugins(folder: pathlib.Path) -> None:
    """Installs `NUM_PLUGINS` packages into a folder."""
    for index in range(NUM_PLUGINS):
        info = folder / f"ganzoo_many{index}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: ganzoo-many{index}\nVersion: 1.0\n"
        )
        (info / "entry_points.txt").write_text(
            f"[ganzoo.generators]\nmany{index} = many{index}:build\n"
        )
        (folder / f"many{index}.py").write_text(
            'def build(sample_shape):\n    """A generator."""\n'
        )


def measure(code: str, site: str) -> str:
    """What `code` prints in a fresh interpreter that finds `site`."""
    return subprocess.run(
        [sys.executable, "-c", code, str(ROOT / "gin/mnist_mlp.gin")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([site, str(ROOT)])},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def main() -> None:
    """Prints medians of both."""
    with (
        tempfile.TemporaryDirectory() as none,
        tempfile.TemporaryDirectory() as many,
    ):
        write_plugins(pathlib.Path(many))
        # Alternating, so that a busy machine is busy for both.
        rounds = [
            {
                site: (measure(RESOLVE, site), measure(LIST, site))
                for site in (none, many)
            }
            for _ in range(REPEATS)
        ]
    resolved = {}
    for site, plugins in ((none, 0), (many, NUM_PLUGINS)):
        resolved[plugins] = [
            statistics.median(
                float(found[site][0].split()[i]) for found in rounds
            )
            for i in (0, 1)
        ]
        lists = [json.loads(found[site][1]) for found in rounds]
        milliseconds = statistics.median(found[0] for found in lists)
        _, num_modules, heavy = lists[0]
        print(
            "{:3} more plugins: resolving {:.0f} ms ({:.0f} ms of CPU)".format(
                plugins, *resolved[plugins]
            )
            + f"; --list {milliseconds:.0f} ms, {num_modules} modules, of "
            f"tensorflow, keras, gin, numpy: {heavy or 'none'}"
        )
    wall, cpu = (
        many - none
        for none, many in zip(resolved[0], resolved[NUM_PLUGINS], strict=True)
    )
    print(f"Difference: {wall:.0f} ms ({cpu:.0f} ms of CPU).")


if __name__ == "__main__":
    main()
