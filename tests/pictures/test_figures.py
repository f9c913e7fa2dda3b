import re

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from ganzoo.errors import DataError
from ganzoo.pictures.figures import sample_grid, sample_plot, samples_figure


class Points:
    """Two numbers, or one, per example; `means` and density if given."""

    to_unit = None

    def __init__(self, real, **known):
        self.real = real
        vars(self).update(known)

    def examples(self, split):
        assert split == "train"
        return self.real


def is_ink(path):
    """Pixels of a plot that are not white."""
    return np.any(np.asarray(Image.open(path).convert("RGB")) < 250, axis=-1)


def test_grid_holds_each_image_in_its_place_scaled_by_a_whole_factor(tmp_path):
    images = np.random.default_rng(0).random((5, 8, 8, 1))
    sample_grid(images, tmp_path / "grid.png")
    pixels = np.asarray(Image.open(tmp_path / "grid.png"))
    # 8 pixels times 6 make 48, with 2 of padding; 5 images make 2 rows of 3.
    assert pixels.shape == (2 * 50 + 2, 3 * 50 + 2)
    for index, image in enumerate(images):
        top, left = 2 + 50 * (index // 3), 2 + 50 * (index % 3)
        cell = pixels[top : top + 48, left : left + 48]
        expected = np.kron(np.round(image[..., 0] * 255), np.ones((6, 6)))
        np.testing.assert_array_equal(cell, expected)
    assert np.all(pixels[:2] == 128)  # Frame,
    assert np.all(pixels[52:100, 102:150] == 128)  # and the empty cell.


def test_grid_keeps_colours_columns_and_large_images(tmp_path):
    images = np.zeros((3, 64, 32, 3), np.float32)
    images[..., 1] = 0.5
    sample_grid(images, tmp_path / "grid.png", columns=1)
    pixels = np.asarray(Image.open(tmp_path / "grid.png"))
    assert pixels.shape == (3 * 66 + 2, 34 + 2, 3)
    assert pixels[2, 2].tolist() == [0, 128, 0]


def test_same_input_makes_the_same_bytes(tmp_path):
    ring = Points(np.random.default_rng(1).normal(size=(50, 2)))
    line = Points(np.random.default_rng(1).normal(size=(50, 1)))
    images = np.random.default_rng(0).random((4, 8, 8, 3))
    for name in ("a", "b"):
        sample_grid(images, tmp_path / f"grid-{name}.png")
        sample_plot(ring.real * 2, tmp_path / f"ring-{name}.png", ring)
        sample_plot(line.real * 2, tmp_path / f"line-{name}.png", line)
    for kind in ("grid", "ring", "line"):
        first, second = (tmp_path / f"{kind}-{name}.png" for name in "ab")
        assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (
            np.zeros((4, 8, 8)),
            "`images` must have the shape [num, height, width, 1 or 3]. "
            "Received: shape (4, 8, 8). A data set with other samples says "
            "`to_unit = None`.",
        ),
        (
            np.zeros((4, 8, 8, 2)),
            "`images` must have the shape [num, height, width, 1 or 3]. "
            "Received: shape (4, 8, 8, 2). A data set with other samples says "
            "`to_unit = None`.",
        ),
        (
            np.full((4, 8, 8, 1), 255, np.uint8),
            "`images` must lie in [0, 1]. Received: values from 255 to 255. "
            "Apply the data set's `to_unit`.",
        ),
        (
            np.full((4, 8, 8, 1), np.nan),
            "`images` must lie in [0, 1]. Received: values from nan to nan. "
            "Apply the data set's `to_unit`.",
        ),
    ],
)
def test_what_is_no_image_is_an_error(images, message, tmp_path):
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        sample_grid(images, tmp_path / "grid.png")
    assert not list(tmp_path.iterdir())


def test_plot_shows_samples_data_and_modes(tmp_path):
    real = np.array([[-1.0, -1.0], [1.0, 1.0]])
    far = np.array([[5.0, -5.0]])
    plain, marked = Points(real), Points(real, means=real + 1)
    sample_plot(real, tmp_path / "near.png", plain)
    sample_plot(far, tmp_path / "far.png", plain)
    sample_plot(real, tmp_path / "modes.png", marked)
    near, away, modes = (
        is_ink(tmp_path / f"{name}.png") for name in ("near", "far", "modes")
    )
    assert near.any()
    assert (near != away).any()
    assert (near != modes).any()


def test_plot_of_numbers_draws_the_density_where_it_is_known(tmp_path):
    real = np.linspace(-2, 2, 40)[:, None]
    known = Points(real, log_density=lambda x: tf.fill([len(x)], -1.0))
    sample_plot(real, tmp_path / "known.png", known)
    sample_plot(real, tmp_path / "unknown.png", Points(real))
    assert (
        is_ink(tmp_path / "known.png") != is_ink(tmp_path / "unknown.png")
    ).any()


@pytest.mark.parametrize("dimensions", [1, 2, 5])
def test_plot_takes_streams_conditions_and_more_dimensions(
    dimensions, tmp_path
):
    real = np.random.default_rng(0).normal(size=(30, dimensions))
    stream = tf.data.Dataset.from_tensor_slices((real, np.arange(30)))
    sample_plot(real, tmp_path / "arrays.png", Points((real, np.arange(30))))
    sample_plot(real, tmp_path / "stream.png", Points(stream))
    arrays, streamed = (tmp_path / f"{n}.png" for n in ("arrays", "stream"))
    assert arrays.read_bytes() == streamed.read_bytes()


def test_plot_of_a_diverged_model_is_an_error(tmp_path):
    message = (
        "`samples` must be finite and at least one. Received: shape (2, 2) "
        "with 1 values that are NaN or infinite. The model diverged, or the "
        "data is damaged."
    )
    samples = np.array([[0.0, 1.0], [np.inf, 2.0]])
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        sample_plot(samples, tmp_path / "plot.png", Points(samples))


def test_the_data_set_decides_what_is_drawn(tmp_path):
    points = np.random.default_rng(0).normal(size=(30, 2))
    samples_figure(points, Points(points), tmp_path / "points.png")
    sample_plot(points, tmp_path / "plot.png", Points(points))
    assert (tmp_path / "points.png").read_bytes() == (
        tmp_path / "plot.png"
    ).read_bytes()

    stretched = np.linspace(-1, 1, 2 * 64).reshape(2, 8, 8, 1)
    images = Points(stretched, to_unit=lambda x: (tf.constant(x) + 1) / 2)
    samples_figure(stretched, images, tmp_path / "images.png")
    sample_grid((stretched + 1) / 2, tmp_path / "grid.png")
    assert (tmp_path / "images.png").read_bytes() == (
        tmp_path / "grid.png"
    ).read_bytes()
