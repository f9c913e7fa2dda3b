"""The figures of Goodfellow et al. 2014 of a finished run, and its curves.

Each is written to `figures/` as PNG and SVG, and listed with title and caption
in `figures/figures.json`, from which the report takes them.
"""

import json
import pathlib
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from ganzoo import example_sets
from ganzoo.checks import check_counts
from ganzoo.conditions import map_condition, repeated
from ganzoo.gan import Gan
from ganzoo.pictures.conditional_figures import conditional_figures
from ganzoo.pictures.curves import Drawn, loss_curves, sigma_curves, spread
from ganzoo.pictures.density_figure import density_figure
from ganzoo.pictures.figures import grid_cell, grid_figure
from ganzoo.pictures.inference_figure import reconstruction_figures
from ganzoo.sampling import Sampler
from ganzoo.scores.evaluation import results_file
from ganzoo.storage.run_directory import RunDirectory

_MAX_STRIPS = 8


def draw_figures(
    gan: Gan,
    dataset: Any,
    examples: Any,
    run: RunDirectory,
    *,
    seed: int = 0,
    num_rows: int = 5,
    num_columns: int = 7,
) -> list[dict[str, str]]:
    """Draws every figure that the data allows.

    Args:
        gan: The game, trained; averaged weights speak where it keeps them.
        dataset: See `ganzoo.interfaces.Dataset`.
        examples: What `dataset.examples("train")` gave.
        run: Where its pictures, logs and numbers are, and figures go.
        seed: Of the samples: fair draws, nothing is picked.
        num_rows: Of samples in Figures 2 and 3.
        num_columns: Of samples in Figure 2; Figure 3 has as many steps.

    Returns:
        One dict for each figure: name, title, caption.

    Raises:
        ConfigurationError: If there is no row or no column.
    """
    check_counts("draw_figures.", num_rows=num_rows, num_columns=num_columns)
    step = int(gan.step.numpy())
    sampler = Sampler(gan, use_ema=bool(gan.ema))
    weights = "averaged weights" if gan.ema else "raw weights"
    about = f"Step {step:,}, {weights}, seed {seed}."
    drawn: list[tuple[str, Drawn | None]] = []
    if dataset.to_unit is not None:
        of = (sampler, dataset, examples, seed, num_rows, num_columns, about)
        drawn += [
            ("neighbors", _neighbors(*of)),
            ("interpolation", _interpolation(*of)),
            *conditional_figures(*of),
            *reconstruction_figures(
                sampler, dataset, num_rows, num_columns, about
            ),
        ]
    elif hasattr(dataset, "log_density") and dataset.sample_shape == (1,):
        drawn.append(("densities", density_figure(gan, dataset, run)))
    drawn += [
        ("film_strip", _film_strip(dataset, run.path / "samples")),
        ("curves", loss_curves(run.path / "metrics.jsonl")),
        ("sigma", sigma_curves(run.path / results_file(run, step))),
    ]
    listed = []
    for name, found in drawn:
        if found is not None:
            figure, title, caption = found
            _save(figure, run.path / "figures", name)
            listed.append({"name": name, "title": title, "caption": caption})
    run.write("figures/figures.json", json.dumps(listed, indent=1))
    return listed


def _neighbors(
    sampler: Sampler,
    dataset: Any,
    examples: Any,
    seed: int,
    num_rows: int,
    num_columns: int,
    about: str,
) -> Drawn:
    """Figure 2: samples, and the training example nearest to the last."""
    num = num_rows * num_columns
    condition = _conditions(examples, num)
    samples = np.concatenate(list(sampler.sample(num, seed, condition)))
    images = np.asarray(dataset.to_unit(samples))
    last = images[num_columns - 1 :: num_columns]
    nearest = nearest_examples(last, dataset, examples)
    rows = images.reshape(num_rows, num_columns, *images.shape[1:])
    rows = np.concatenate([rows, nearest[:, None]], axis=1)
    figure, axes = grid_figure(rows)
    height, width = grid_cell(images.shape[1:3])
    axes.add_patch(
        Rectangle(
            (num_columns * width - 0.5, -0.5),
            width + 2,
            num_rows * height + 2,
            fill=False,
            edgecolor="gold",
            linewidth=3,
        )
    )
    return (
        figure,
        "Samples beside their nearest training examples",
        "Fair random draws, not cherry-picked. The framed column on the right "
        "is the training example nearest, in pixels, to the sample beside it "
        f"(paper, Figure 2). {about}",
    )


def nearest_examples(images: Any, dataset: Any, examples: Any) -> np.ndarray:
    """The training image nearest to each, by Euclidean distance of pixels.

    Args:
        images: [num, height, width, channels] in [0, 1].
        dataset: Says how examples are shown.
        examples: What `dataset.examples("train")` gave.

    Returns:
        Array like `images`.
    """
    best, nearest = np.full(len(images), np.inf), np.array(images)
    flat = np.reshape(images, [len(images), -1])
    for batch in example_sets.sample_batches(examples):
        candidates = np.asarray(dataset.to_unit(batch))
        rows = candidates.reshape(len(candidates), -1)
        distances = ((flat[:, None] - rows[None]) ** 2).sum(axis=2)
        closest = distances.argmin(axis=1)
        found = distances[np.arange(len(flat)), closest]
        better = found < best
        nearest[better] = candidates[closest[better]]
        best = np.where(better, found, best)
    return nearest


def _interpolation(
    sampler: Sampler,
    dataset: Any,
    examples: Any,
    seed: int,
    num_rows: int,
    num_columns: int,
    about: str,
) -> Drawn:
    """Figure 3: samples along straight lines between points in z."""
    ends = np.asarray(sampler.draw_latents(2 * num_rows, seed))
    t = np.linspace(0, 1, num_columns + 1)[None, :, None]
    latents = ends[:num_rows, None] * (1 - t) + ends[num_rows:, None] * t
    condition = map_condition(
        lambda part: np.repeat(part, num_columns + 1, axis=0),
        _conditions(examples, num_rows),
    )
    samples = sampler.generate(latents.reshape(-1, ends.shape[1]), condition)
    images = np.asarray(dataset.to_unit(samples))
    rows = images.reshape(num_rows, num_columns + 1, *images.shape[1:])
    figure, _ = grid_figure(rows)
    return (
        figure,
        "Samples between samples",
        "Each row: equal steps along the straight line between two random "
        f"points in z (paper, Figure 3). {about}",
    )


def _conditions(examples: Any, num: int) -> Any:
    """Those of the first examples, over again where there are fewer."""
    _, condition = example_sets.first_examples(examples, num)
    return repeated(condition, num)


def _film_strip(dataset: Any, folder: pathlib.Path) -> Drawn | None:
    """The same latents over training, from the pictures that it left."""
    pictures = spread(sorted(folder.glob("step-*.png")), _MAX_STRIPS)
    if not pictures:
        return None
    is_images = dataset.to_unit is not None
    size = (7, 0.9 * len(pictures)) if is_images else (2.2 * len(pictures), 2.4)
    figure = Figure(figsize=size, dpi=100, layout="constrained")
    shape = (len(pictures), 1) if is_images else (1, len(pictures))
    panels = figure.subplots(*shape, squeeze=False).ravel()
    for axes, path in zip(panels, pictures, strict=True):
        picture = np.asarray(Image.open(path).convert("RGB"))
        if is_images:
            height, _ = grid_cell(dataset.sample_shape[:2])
            picture = picture[: height + 2]
        step = int(path.stem.removeprefix("step-"))
        axes.imshow(picture, interpolation="none")
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
        if is_images:
            axes.set_ylabel(
                f"{step:,}", rotation=0, ha="right", va="center", fontsize=11
            )
        else:
            axes.set_title(f"{step:,}", fontsize=8)
    return (
        figure,
        "The same points in z over training",
        "Beside each strip: the step.",
    )


def _save(figure: Figure, folder: pathlib.Path, name: str) -> None:
    """PNG and SVG; the same figure makes the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / f"{name}.png", metadata={"Software": None})
    with rc_context({"svg.hashsalt": name}):
        figure.savefig(
            folder / f"{name}.svg", metadata={"Date": None, "Creator": None}
        )
