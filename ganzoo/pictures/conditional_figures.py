"""What a conditional game makes of each class, or of what a mask hides."""

from typing import Any

import numpy as np

from ganzoo import example_sets
from ganzoo.conditions import is_label, is_masked
from ganzoo.pictures.curves import Drawn
from ganzoo.pictures.figures import grid_figure
from ganzoo.sampling import Sampler

_GREY = 0.5  # Of what is hidden.


def conditional_figures(
    sampler: Sampler,
    dataset: Any,
    examples: Any,
    seed: int,
    num_rows: int,
    num_columns: int,
    about: str,
) -> list[tuple[str, Drawn]]:
    """The figures that a condition allows: none where there is none.

    Args:
        sampler: Of the game.
        dataset: Of images.
        examples: What `dataset.examples("train")` gave.
        seed: Of z.
        num_rows: Test images that are completed.
        num_columns: Samples of each class, or pictures of each test image.
        about: End of the caption.

    Returns:
        Name, and figure with title and caption, of each.
    """
    spec = example_sets.condition_spec(examples)
    if is_masked(spec):
        return [
            _completions(sampler, dataset, seed, num_rows, num_columns, about)
        ]
    if dataset.num_classes is not None and is_label(spec):
        return [_classes(sampler, dataset, seed, num_columns, about)]
    return []


def _classes(
    sampler: Sampler, dataset: Any, seed: int, num_columns: int, about: str
) -> tuple[str, Drawn]:
    """A row for each class, the same z down a column."""
    num_classes = dataset.num_classes
    latents = np.asarray(sampler.draw_latents(num_columns, seed))
    samples = sampler.generate(
        np.tile(latents, (num_classes, 1)),
        np.repeat(np.arange(num_classes), num_columns),
    )
    images = np.asarray(dataset.to_unit(samples))
    figure, _ = grid_figure(
        images.reshape(num_classes, num_columns, *images.shape[1:])
    )
    return "classes", (
        figure,
        "Samples of each class",
        "A row for each class, the same point in z down a column (paper, "
        f"section 7, item 1). {about}",
    )


def _completions(
    sampler: Sampler,
    dataset: Any,
    seed: int,
    num_rows: int,
    num_columns: int,
    about: str,
) -> tuple[str, Drawn]:
    """Test images: whole, masked, and completed from several z."""
    samples, condition = example_sets.first_examples(
        dataset.examples("test"), num_rows
    )
    num_rows, num_completions = len(samples), max(num_columns - 2, 2)
    latents = sampler.draw_latents(num_rows * num_completions, seed)
    completed = sampler.generate(
        latents,
        {
            name: np.repeat(part, num_completions, axis=0)
            for name, part in condition.items()
        },
    )
    whole = np.asarray(dataset.to_unit(samples))
    masked = np.where(condition["mask"] > 0, whole, _GREY)
    made = np.asarray(dataset.to_unit(completed))
    made = made.reshape(num_rows, num_completions, *whole.shape[1:])
    figure, _ = grid_figure(
        np.concatenate([whole[:, None], masked[:, None], made], axis=1)
    )
    return "completions", (
        figure,
        "Test images completed",
        "Each row: one of the first test images, what the model is shown of "
        f"it, and {num_completions} completions from as many points in z "
        f"(paper, section 7, item 3). {about}",
    )
