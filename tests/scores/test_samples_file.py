import re

import numpy as np
import pytest

from ganzoo.datasets.digits import Digits
from ganzoo.errors import DataError
from ganzoo.scores.samples_file import SamplesFile

DATA = Digits()
SAMPLES = np.random.default_rng(0).random((30, 8, 8, 1))


def all_of(model, num, seed=0):
    return np.concatenate(list(model.sample(num, seed)))


@pytest.mark.parametrize("name", ["s.npy", "one.npz", "named.npz"])
def test_gives_the_samples_of_a_file(tmp_path, name):
    path = tmp_path / name
    if name == "s.npy":
        np.save(path, SAMPLES)
    elif name == "one.npz":
        np.savez(path, anything=SAMPLES)
    else:
        np.savez_compressed(path, samples=SAMPLES, labels=np.arange(30))
    np.testing.assert_array_equal(all_of(SamplesFile(path, DATA), 30), SAMPLES)


def test_fewer_are_a_random_choice_by_the_seed(tmp_path):
    np.save(tmp_path / "s.npy", SAMPLES)
    model = SamplesFile(tmp_path / "s.npy", DATA)
    first, same = all_of(model, 9, 1), all_of(model, 9, 1)
    np.testing.assert_array_equal(first, same)
    assert len(first) == 9
    assert not np.array_equal(first, all_of(model, 9, 2))


def test_more_than_there_are_gives_all(tmp_path):
    # `draw_samples` then says how many are missing.
    np.save(tmp_path / "s.npy", SAMPLES)
    assert len(all_of(SamplesFile(tmp_path / "s.npy", DATA), 99)) == 30


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (
            SAMPLES[..., 0],
            "must hold samples of shape [None, 8, 8, 1]. Received: shape (30, "
            "8, 8). Reshape them as the data set has them.",
        ),
        (SAMPLES[:0], "Received: shape (0, 8, 8, 1)."),
        (
            (SAMPLES * 255).astype(np.uint8),
            "must hold floating-point samples in the data set's range (0.0, "
            "1.0). Received: dtype uint8, values from ",
        ),
        (
            SAMPLES * 2 - 1,
            "must hold samples in the data set's range [0.0, 1.0]. Received: "
            "values from -0.99",
        ),
        (
            np.where(np.arange(30)[:, None, None, None] < 2, np.nan, SAMPLES),
            "must hold finite samples. Received: 2 of 30 with NaN or infinity.",
        ),
        (np.array("text"), "must hold an array of numbers. Received: shape ()"),
        (
            np.array([{}], object),
            "must be a .npy or .npz file of an array. Received: ValueError",
        ),
    ],
)
def test_unusable_samples_are_errors(tmp_path, samples, message):
    path = tmp_path / "s.npy"
    np.save(path, samples, allow_pickle=True)
    with pytest.raises(DataError, match=re.escape(message)):
        SamplesFile(path, DATA)


@pytest.mark.parametrize("content", [None, b"", b"GIF89a", b"PK\x03\x04 no"])
def test_a_file_that_is_no_array_is_an_error(tmp_path, content):
    path = tmp_path / "s.npy"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match="must be a .npy or .npz file of an "):
        SamplesFile(path, DATA)


def test_several_arrays_need_one_named_samples(tmp_path):
    np.savez(tmp_path / "s.npz", a=SAMPLES, b=SAMPLES)
    message = "must hold one array, or one named 'samples'. Received: a, b."
    with pytest.raises(DataError, match=re.escape(message)):
        SamplesFile(tmp_path / "s.npz", DATA)
