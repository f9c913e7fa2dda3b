"""Pictures of samples: a grid of images, or a plot of points."""

import math
import os
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from ganzoo import example_sets
from ganzoo.errors import DataError

# Small images are scaled up by a whole factor to at least so many pixels.
_MIN_CELL_PIXELS = 48
_PADDING_PIXELS = 2
_GREY = 128  # The frame must differ from black and from white digits.


def samples_figure(samples: Any, dataset: Any, path: str | os.PathLike) -> None:
    """Writes the picture that suits the data: a grid of images, or a plot.

    Args:
        samples: Array [num, *sample_shape] in the data set's own space.
        dataset: See `ganzoo.interfaces.Dataset`.
        path: PNG file to write.

    Raises:
        DataError: If the samples cannot be drawn.
    """
    if dataset.to_unit is None:
        sample_plot(samples, path, dataset)
    else:
        sample_grid(np.asarray(dataset.to_unit(samples)), path)


def sample_grid(
    images: Any, path: str | os.PathLike, columns: int | None = None
) -> None:
    """Writes images side by side, row by row, as one PNG.

    The file depends on the arguments alone: it carries no time and no version.

    Args:
        images: Float array [num, height, width, 1 or 3] in [0, 1].
        path: PNG file to write.
        columns: Images in a row; by default as many as rows, or one more.

    Raises:
        DataError: If the images have another shape or range.
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[-1] not in (1, 3) or not len(images):
        raise DataError(
            "`images` must have the shape [num, height, width, 1 or 3]. "
            f"Received: shape {images.shape}. A data set with other samples "
            "says `to_unit = None`."
        )
    if not np.all((images >= 0) & (images <= 1)):  # False for NaN as well.
        raise DataError(
            "`images` must lie in [0, 1]. Received: values from "
            f"{images.min()} to {images.max()}. Apply the data set's `to_unit`."
        )
    canvas = grid_canvas(images, columns)
    Image.fromarray(canvas).save(path, format="PNG")


def grid_cell(shape: tuple[int, int]) -> tuple[int, int]:
    """Height and width of a cell of the grid, padding included, in pixels."""
    height, width = shape
    factor = max(1, math.ceil(_MIN_CELL_PIXELS / max(height, width)))
    return height * factor + _PADDING_PIXELS, width * factor + _PADDING_PIXELS


def grid_canvas(images: np.ndarray, columns: int | None = None) -> np.ndarray:
    """Images in [0, 1] side by side: uint8 [height, width] or with colours."""
    num, height, width, channels = images.shape
    cell = grid_cell((height, width))
    factor = (cell[0] - _PADDING_PIXELS) // height
    pixels = np.round(images * 255).astype(np.uint8)
    pixels = pixels.repeat(factor, axis=1).repeat(factor, axis=2)
    if columns is None:
        columns = math.ceil(math.sqrt(num))
    rows = math.ceil(num / columns)
    canvas = np.full(
        (
            rows * cell[0] + _PADDING_PIXELS,
            columns * cell[1] + _PADDING_PIXELS,
            channels,
        ),
        _GREY,
        np.uint8,
    )
    for index, image in enumerate(pixels):
        top = index // columns * cell[0] + _PADDING_PIXELS
        left = index % columns * cell[1] + _PADDING_PIXELS
        canvas[top : top + image.shape[0], left : left + image.shape[1]] = image
    return canvas[..., 0] if channels == 1 else canvas


def grid_figure(rows: np.ndarray) -> tuple[Figure, Any]:
    """Images [rows, columns, height, width, channels] as figure and axes."""
    images = rows.reshape(-1, *rows.shape[2:])
    canvas = grid_canvas(np.clip(images, 0, 1), rows.shape[1])
    height, width = canvas.shape[:2]
    figure = Figure(figsize=(width / 100, height / 100), dpi=100)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.imshow(canvas, cmap="gray", vmin=0, vmax=255, interpolation="none")
    axes.axis("off")
    return figure, axes


def sample_plot(samples: Any, path: str | os.PathLike, dataset: Any) -> None:
    """Writes samples that are no images as a plot over the real data.

    Samples of one number become a histogram, under the density where it is
    known. Others become points; of more than two numbers the first two count.

    Args:
        samples: Float array [num, *sample_shape].
        path: PNG file to write.
        dataset: See `ganzoo.interfaces.Dataset`.

    Raises:
        DataError: If the samples are none or not finite.
    """
    samples = np.asarray(samples)
    if not samples.size or not np.isfinite(samples).all():
        raise DataError(
            "`samples` must be finite and at least one. Received: shape "
            f"{samples.shape} with {np.sum(~np.isfinite(samples))} values that "
            "are NaN or infinite. The model diverged, or the data is damaged."
        )
    points = samples.reshape(len(samples), -1)
    real, _ = example_sets.first_examples(
        dataset.examples("train"), len(points)
    )
    real = np.reshape(real, [len(real), -1])
    figure = Figure(figsize=(5, 5), dpi=100, layout="constrained")
    axes = figure.add_subplot()
    if points.shape[1] == 1:
        _draw_histogram(axes, points[:, 0], real[:, 0], dataset)
    else:
        _draw_points(axes, points, real, dataset)
    figure.legend(loc="outside upper center", ncols=3)
    figure.savefig(path, format="png", metadata={"Software": None})


def _draw_histogram(
    axes: Any, points: np.ndarray, real: np.ndarray, dataset: Any
) -> None:
    edges = np.histogram_bin_edges(np.concatenate([points, real]), bins=60)
    if hasattr(dataset, "log_density"):
        grid = np.linspace(edges[0], edges[-1], 400)
        log_density = np.asarray(dataset.log_density(grid[:, None]))
        axes.plot(grid, np.exp(log_density), "k", label="data density")
    else:
        axes.hist(real, edges, density=True, color="0.8", label="data")
    axes.hist(points, edges, density=True, histtype="step", label="samples")
    axes.set(xlabel="x", ylabel="density")


def _draw_points(
    axes: Any, points: np.ndarray, real: np.ndarray, dataset: Any
) -> None:
    axes.scatter(real[:, 0], real[:, 1], s=4, color="0.8", label="data")
    axes.scatter(points[:, 0], points[:, 1], s=4, alpha=0.5, label="samples")
    if hasattr(dataset, "means"):
        means = np.asarray(dataset.means)
        axes.plot(means[:, 0], means[:, 1], "k+", label="modes")
    axes.set(xlabel="x[0]", ylabel="x[1]", aspect="equal")
