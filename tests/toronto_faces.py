"""A small .mat file in the form of the Toronto Face Database, of real faces.

The ORL faces stand in: 40 people, 10 pictures each. People 0 to 19 are the
unlabelled ones; the other 20 are split five ways by person. Expressions are
made up.
"""

import numpy as np
import PIL.Image
import scipy.io
from real_data import faces_file

NUM_UNLABELED = 200
NUM_LABELED = 200
FIRST_LABELED_PERSON = 20


def contents():
    """What the file is to hold: {key: array}."""
    with np.load(faces_file()) as faces:
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


def write(path, **replaced):
    """Writes the file, with some keys replaced or, if None, left out."""
    content = {**contents(), **replaced}
    kept = {key: value for key, value in content.items() if value is not None}
    scipy.io.savemat(path, kept)
    return path
