"""Where tests find real data; they are skipped, and say so, where it is not."""

import os
import pathlib

import pytest

_SHARED = pathlib.Path(__file__).parents[2] / "shared"


def tfds_folder(name):
    """The TFDS folder that holds `name`, or a skip."""
    chosen = os.environ.get("TFDS_DATA_DIR") or _SHARED / "tensorflow_datasets"
    if not (pathlib.Path(chosen) / name).is_dir():
        pytest.skip(f"needs real data: no {name} in TFDS_DATA_DIR or ../shared")
    return str(chosen)


def faces_file():
    """The ORL faces, an .npz of images [400, 64, 64] and labels, or a skip."""
    path = _SHARED / "faces" / "olivetti" / "orl_faces_64x64.npz"
    if not path.is_file():
        pytest.skip("needs real data: no ../shared/faces/olivetti")
    return path
