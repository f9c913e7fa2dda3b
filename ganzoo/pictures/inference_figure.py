"""Test images beside what an inference net and the generator make of them."""

from typing import Any

import numpy as np

from ganzoo import example_sets
from ganzoo.errors import ConfigurationError
from ganzoo.pictures.curves import Drawn
from ganzoo.pictures.figures import grid_figure
from ganzoo.reconstruction import inference_nets
from ganzoo.sampling import Sampler


def reconstruction_figures(
    sampler: Sampler,
    dataset: Any,
    num_rows: int,
    num_columns: int,
    about: str,
) -> list[tuple[str, Drawn]]:
    """One figure for each inference net of the game.

    Args:
        sampler: Of the game.
        dataset: Of images; its first test images are taken.
        num_rows: Rows of images; below each stand their reconstructions.
        num_columns: Images in a row.
        about: End of the caption.

    Returns:
        Name, and figure with title and caption, of each whose predictions G
        can go on from; a line is printed of the others.
    """
    nets = inference_nets(sampler.gan)
    if not nets:
        return []
    samples, condition = example_sets.first_examples(
        dataset.examples("test"), num_rows * num_columns
    )
    # A split may hold fewer; whole rows are shown.
    num_columns = min(num_columns, len(samples))
    num_rows = len(samples) // num_columns
    drawn = []
    for name, net in nets.items():
        work = sampler.inference(name)
        try:
            again = work.decode(work.infer(samples), condition)
        except ConfigurationError as error:
            print(f"No reconstructions by {name!r}: {error}")
            continue
        images = [
            np.asarray(dataset.to_unit(part)) for part in (samples, again)
        ]
        shape = images[0].shape[1:]
        pairs = np.stack(
            [
                part[: num_rows * num_columns].reshape(-1, num_columns, *shape)
                for part in images
            ],
            axis=1,
        )  # [num_rows, 2, num_columns, height, width, channels]
        figure, _ = grid_figure(pairs.reshape(-1, num_columns, *shape))
        of = net.target_layer or "z"
        drawn.append(
            (
                f"{name}_reconstructions",
                (
                    figure,
                    "Test images and their reconstructions",
                    "In turn: a row of the first test images x, and below it "
                    f"G(E(x)) for the inference net E, which predicts {of} "
                    f"(paper, section 7, item 2). {about}",
                ),
            )
        )
    return drawn
