"""One page about a run: `report.html`, which needs nothing beside it.

It is made of what the run directory holds, pictures inline, without scripts: it
reads the same on a phone, offline, and ten years from now.
"""

import base64
import html
import json
import math
import pathlib
from typing import Any

from ganzoo.scores.comparing import result_files
from ganzoo.storage import checkpoint_files
from ganzoo.storage.run_directory import RunDirectory, read_lines

# Samples that differ less than this share of what examples do are a collapse.
_COLLAPSED = 0.2

_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; padding: 1rem;
  max-width: 50rem; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin-top: 2rem; }
img { max-width: 100%; height: auto; background: #fff; }
figure { margin: 1.5rem 0; } figcaption { font-size: .9rem; }
.scroll { overflow-x: auto; }
.facts td { overflow-wrap: anywhere; }
table { border-collapse: collapse; font-size: .9rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem;
  border-bottom: 1px solid #8884; overflow-wrap: normal; }
pre { overflow-x: auto; font-size: .8rem; }
.warnings { border-left: .3rem solid #c60; padding-left: 1rem; }
"""


def write_report(run: RunDirectory) -> pathlib.Path:
    """Writes `report.html` from what a run directory holds.

    Args:
        run: What is missing there is left out of the page.

    Returns:
        The file.
    """
    folder = run.path
    results = [
        result for path in result_files(folder) for result in _json(path)
    ]
    lines = read_lines(folder / "metrics.jsonl")
    parts = [
        _head(folder, lines),
        _warnings(results, lines, _num_rollbacks(folder / "checkpoints")),
        _figures(folder),
        _numbers(results),
        _recipe(folder),
    ]
    title = html.escape(folder.resolve().name)
    return run.write(
        "report.html",
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}: a run of ganzoo</title>\n"
        f"<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(part for part in parts if part)
        + "\n</main>\n</body>\n</html>\n",
    )


def _head(folder: pathlib.Path, lines: list[dict[str, Any]]) -> str:
    bindings = _json(folder / "bindings.json") or {}
    facts = {
        "Data": bindings.get("experiment.dataset"),
        "Generator": bindings.get("build_gan.generator"),
        "Discriminator": bindings.get("build_gan.discriminator"),
        "Losses": bindings.get("build_gan.losses"),
        "Seed": bindings.get("experiment.seed"),
    }
    if lines:
        facts["Steps"] = f"{lines[-1]['step']:,}"
    rows = "".join(
        f"<tr><th scope='row'>{name}</th><td>{html.escape(value)}</td></tr>"
        for name, value in facts.items()
        if value
    )
    name = html.escape(folder.resolve().name)
    return f"<h1>{name}</h1>\n<table class='facts'>{rows}</table>"


def _warnings(
    results: list[dict[str, Any]],
    lines: list[dict[str, Any]],
    num_rollbacks: int,
) -> str:
    """What a reader should know before the numbers."""
    found = [
        f"{_about(result)}: {warning}"
        for result in results
        for warning in result.get("warnings", ())
    ]
    if num_rollbacks:
        found.append(
            f"{num_rollbacks} time(s) a loss or a weight was not finite, and "
            "the run went back to a checkpoint and lowered its learning rates."
        )
    for line in lines:
        bad = [
            name
            for name, value in line.items()
            if isinstance(value, float) and not math.isfinite(value)
        ]
        if bad:
            found.append(
                f"{', '.join(bad)} was not finite up to step {line['step']:,}."
            )
    diversity = [
        x["sample_diversity"] for x in lines if "sample_diversity" in x
    ]
    if diversity and diversity[-1] < _COLLAPSED:
        found.append(
            f"At the end, samples differ {diversity[-1]:.2g} times as much as "
            "the data does: the generator has collapsed."
        )
    if not found:
        return ""
    items = "".join(
        f"<li>{html.escape(text)}</li>" for text in dict.fromkeys(found)
    )
    return (
        "<section class='warnings'>\n<h2>Warnings</h2>\n"
        f"<ul>{items}</ul>\n</section>"
    )


def _num_rollbacks(folder: pathlib.Path) -> int:
    """How often a run was rolled back, as its newest checkpoint says."""
    for path in sorted(folder.glob("step-*"), reverse=True):
        if checkpoint_files.is_whole(path):
            about = json.loads((path / "manifest.json").read_text())["about"]
            return about.get("num_rollbacks", 0)
    return 0


def _figures(folder: pathlib.Path) -> str:
    """The newest picture of samples, and every figure that was drawn."""
    figures = []
    pictures = sorted((folder / "samples").glob("step-*.png"))
    if pictures:
        step = int(pictures[-1].stem.removeprefix("step-"))
        caption = (
            f"The points in z that the run draws all along, step {step:,}."
        )
        figures.append(_figure(pictures[-1], "Samples", caption))
    for figure in _json(folder / "figures" / "figures.json") or ():
        path = folder / "figures" / f"{figure['name']}.png"
        if path.exists():
            figures.append(_figure(path, figure["title"], figure["caption"]))
    return "\n".join(figures)


def _figure(path: pathlib.Path, title: str, caption: str) -> str:
    data = base64.b64encode(path.read_bytes()).decode()
    title, caption = html.escape(title), html.escape(caption)
    return (
        f"<section>\n<h2>{title}</h2>\n<figure>"
        f'<img alt="{title}. {caption}" src="data:image/png;base64,{data}">'
        f"<figcaption>{caption}</figcaption></figure>\n</section>"
    )


def _numbers(results: list[dict[str, Any]]) -> str:
    if not results:
        return ""
    rows, protocols = [], []
    for name in dict.fromkeys(result["name"] for result in results):
        same = [result for result in results if result["name"] == name]
        rows += [_row(name, result) for result in same]
        beside = [
            _row(f"beside it: {baseline['name']}", baseline)
            for result in same
            for baseline in result.get("baselines", ())
        ]
        rows += dict.fromkeys(beside)  # Each once.
    for result in results:
        text = html.escape(json.dumps(result["protocol"], indent=1))
        protocols.append(
            f"<details><summary>Protocol of {html.escape(_about(result))}"
            f"</summary><pre>{text}</pre></details>"
        )
    return (
        "<section>\n<h2>Numbers</h2>\n<p>A number means something only with "
        "its protocol, and compares only with numbers of the same one.</p>\n"
        "<div class='scroll'><table><thead><tr><th scope='col'>name</th>"
        "<th scope='col'>weights</th><th scope='col'>step</th>"
        "<th scope='col'>value ± standard error</th></tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></div>\n"
        + "\n".join(protocols)
        + "\n</section>"
    )


def _about(result: dict[str, Any]) -> str:
    """Which number, of which weights, of which step."""
    protocol = result["protocol"]
    step = f", step {protocol['step']:,}" if "step" in protocol else ""
    return f"{result['name']}, {protocol.get('weights', '')} weights{step}"


def _row(name: str, result: dict[str, Any]) -> str:
    protocol = result["protocol"]
    error = protocol.get("standard_error")
    cells = [
        name.replace("_", " "),
        protocol.get("weights", ""),
        f"{protocol['step']:,}" if "step" in protocol else "",
        f"{result['value']:.6g}" + ("" if error is None else f" ± {error:.2g}"),
    ]
    return (
        "<tr>"
        + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells)
        + "</tr>"
    )


def _recipe(folder: pathlib.Path) -> str:
    parts = []
    for name, title in [
        ("config.gin", "Recipe: enough to run it again"),
        ("components.txt", "Components: name, package, version, place"),
        ("operative_config.gin", "Every parameter, defaults included"),
    ]:
        path = folder / name
        if path.exists():
            text = html.escape(path.read_text().strip())
            parts.append(
                f"<details><summary>{title}</summary><pre>{text}</pre></details>"
            )
    return (
        "<section>\n<h2>What ran</h2>\n" + "\n".join(parts) + "\n</section>"
        if parts
        else ""
    )


def _json(path: pathlib.Path) -> Any:
    return json.loads(path.read_text()) if path.exists() else None
