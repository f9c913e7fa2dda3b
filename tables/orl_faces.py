"""The 400 ORL faces in the form of the Toronto Face Database's .mat file.

40 people, 10 pictures each, brought to 48 x 48. People 0 to 19 are the
unlabelled ones; the other 20 are split five ways by person, so that a fold's
test set shows nobody whom its training set shows. The database's expressions
are made up. Numbers on these faces are not comparable with the paper's.

    python tables/orl_faces.py orl_faces_64x64.npz runs/orl_faces.mat
"""

import pathlib
import sys
from typing import Any

import numpy as np
import PIL.Image
import scipy.io

FIRST_LABELED_PERSON = 20


def contents(path: Any) -> dict[str, np.ndarray]:
    """What the .mat file holds.

    Args:
        path: An .npz with `images` uint8 [400, height, width] and `labels`
            [400], the person in each, 0 to 39.

    Returns:
        `images` uint8 [400, 48, 48], `folds` [400, 5] (0 unlabelled, 1 train, 2
        validation, 3 test), `labs_ex` [400, 1] (1 to 7, or -1) and `labs_id`.
    """
    with np.load(path) as faces:
        people = faces["labels"].astype(np.int64)
        images = np.stack(
            [
                np.asarray(PIL.Image.fromarray(image).resize((48, 48)))
                for image in faces["images"]
            ]
        )
    is_labeled = people >= FIRST_LABELED_PERSON
    group = (people - FIRST_LABELED_PERSON) // 4  # Five groups of four people.
    folds = np.stack(
        [
            np.select(
                [~is_labeled, group == fold, group == (fold + 1) % 5],
                [0, 3, 2],
                default=1,
            )
            for fold in range(5)
        ],
        axis=1,
    )
    expressions = np.where(is_labeled, np.arange(len(people)) % 7 + 1, -1)
    return {
        "images": images,
        "folds": folds.astype(np.uint8),
        "labs_ex": expressions[:, None].astype(np.int16),
        "labs_id": people[:, None] + 1,
    }


def main() -> None:
    """Reads the first argument and writes the second."""
    if len(sys.argv) != 3:
        sys.exit("Usage: python tables/orl_faces.py FACES.npz OUT.mat")
    output = pathlib.Path(sys.argv[2])
    output.parent.mkdir(parents=True, exist_ok=True)
    scipy.io.savemat(output, contents(sys.argv[1]))


if __name__ == "__main__":
    main()
