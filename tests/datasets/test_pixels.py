import numpy as np
import PIL.Image
import PIL.ImageOps
import pytest

from ganzoo.datasets import pixels


def test_to_range_reaches_its_bounds():
    levels = np.arange(256, dtype=np.uint8)
    for low, high in ((0.0, 1.0), (-1.0, 1.0)):
        samples = pixels.to_range(levels, (low, high))
        assert samples.dtype == np.float32
        np.testing.assert_allclose(
            samples, low + (high - low) * np.arange(256) / 255, atol=1e-7
        )
        assert (samples[0], samples[-1]) == (low, high)
        unit = pixels.range_to_unit(samples, (low, high)).numpy()
        np.testing.assert_array_equal(np.round(unit * 255), levels)


def test_contrast_against_a_float64_derivation():
    images = np.random.default_rng(0).integers(0, 256, (5, 8, 6, 3))
    flat = images.reshape(5, -1).astype(np.float64)
    flat -= flat.mean(axis=1, keepdims=True)
    flat *= 55 / np.sqrt(np.sum(flat**2, axis=1, keepdims=True))
    actual = pixels.normalize_contrast(images.astype(np.uint8), 55.0)
    np.testing.assert_allclose(actual, flat.reshape(images.shape), atol=1e-5)


def test_contrast_of_a_blank_image_is_zero():
    blank = np.full((1, 4, 4, 3), 77, np.uint8)
    np.testing.assert_array_equal(
        pixels.normalize_contrast(blank, 55.0), 0 * blank
    )


def test_contrast_to_unit_is_one_map_for_every_image():
    bound = 3 * 55 / np.sqrt(4 * 4 * 3)
    samples = np.zeros((2, 4, 4, 3), np.float32)
    samples[0, 0, 0] = [-2 * bound, -bound / 2, bound]
    unit = pixels.contrast_to_unit(samples, 55.0).numpy()
    np.testing.assert_allclose(unit[0, 0, 0], [0.0, 0.25, 1.0], atol=1e-6)
    np.testing.assert_array_equal(unit[1], 0.5)
    np.testing.assert_array_equal(
        pixels.contrast_to_unit(samples[0], 55.0), unit[0]
    )


@pytest.mark.parametrize("size", [(20, 20), (10, 30), (48, 64), (100, 100)])
def test_crop_and_resize_resembles_pillow(size):
    rows, columns = np.mgrid[0:48, 0:64]
    image = np.stack([rows * 5, columns * 3, rows + columns], axis=-1)
    image = image.astype(np.uint8)
    expected = PIL.ImageOps.fit(
        PIL.Image.fromarray(image), size[::-1], PIL.Image.Resampling.BILINEAR
    )
    actual = pixels.crop_and_resize(image, size).numpy()
    assert actual.dtype == np.uint8
    # Pillow crops at fractions of a pixel; neighbours differ by 5.
    np.testing.assert_allclose(actual.astype(int), expected, atol=6)
