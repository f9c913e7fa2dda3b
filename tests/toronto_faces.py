"""A small .mat file in the form of the Toronto Face Database, of real faces."""

import orl_faces
import scipy.io
from real_data import faces_file

NUM_UNLABELED = 200
NUM_LABELED = 200


def contents():
    """What the file is to hold: {key: array}."""
    return orl_faces.contents(faces_file())


def write(path, **replaced):
    """Writes the file, with some keys replaced or, if None, left out."""
    content = {**contents(), **replaced}
    kept = {key: value for key, value in content.items() if value is not None}
    scipy.io.savemat(path, kept)
    return path
