"""Every built-in keeps every promise of its kind.

The plugins' own tests do the same for theirs; the table at the end of a test
run shows all of them (`conftest.py` at the root).
"""

import functools
import pathlib
import tempfile

import numpy as np
import pytest
import toronto_faces
from PIL import Image
from real_data import tfds_folder

from ganzoo import masks, registry, testing
from ganzoo.datasets.densities import GaussianRing
from ganzoo.datasets.digits import Digits
from ganzoo.datasets.image_folder import ImageFolder
from ganzoo.datasets.masked import Masked
from ganzoo.datasets.tfd import TorontoFaces
from ganzoo.datasets.tfds_images import Cifar10, Mnist, TfdsImages
from ganzoo.losses.non_saturating import NonSaturating

PIXELS = [(28, 28, 1), (32, 32, 3)]


@functools.cache
def folder():
    """A temporary folder that goes with the process."""
    made = tempfile.TemporaryDirectory()
    folder.kept = made
    return pathlib.Path(made.name)


def mnist():
    return Mnist(data_dir=tfds_folder("mnist"))


def cifar10():
    return Cifar10(contrast_normalization=55.0, data_dir=tfds_folder("cifar10"))


def tfds_images():
    return TfdsImages(
        "fashion_mnist",
        test_split="test[:200]",
        conditional=True,
        data_dir=tfds_folder("fashion_mnist"),
    )


def tfd():
    path = folder() / "TFD_48x48.mat"
    if not path.exists():
        toronto_faces.write(path)
    return TorontoFaces(path)


def image_folder():
    images = folder() / "images"
    if not images.exists():
        images.mkdir()
        random = np.random.default_rng(0)
        for index in range(60):
            pixels = random.integers(0, 256, (6, 5, 3), np.uint8)
            Image.fromarray(pixels).save(images / f"{index}.png")
    return ImageFolder(images)


# Arguments of the kit, for each of ganzoo's own. Of real sets that take long to
# read, the test split is looked at; a data set that needs files comes from a
# function above.
CASES = {
    "generators.mlp": {"sample_shapes": [*PIXELS, (2,)], "hidden_units": (8,)},
    "generators.deconv": {
        "sample_shapes": [(8, 8, 1), (32, 32, 3)],
        "hidden_units": 8,
        "base_channels": 4,
    },
    "discriminators.maxout_mlp": {
        "sample_shapes": [*PIXELS, (2,)],
        "hidden_units": (8,),
    },
    "discriminators.maxout_conv": {
        "sample_shapes": PIXELS,
        "filters": (4, 4, 4),
        "hidden_units": (8,),
    },
    "losses.minimax": {},
    "losses.non_saturating": {"discriminator_weight": 0.5},
    "losses.blend": {"minimax_weight": 0.5},
    "losses.lazy": {"discriminator_margin": 0.1},
    "losses.without_dropout": {"loss": NonSaturating()},
    "datasets.digits": {"conditional": True},
    "datasets.mnist": {"factory": mnist, "splits": ["test"]},
    "datasets.cifar10": {"factory": cifar10, "splits": ["test"]},
    "datasets.tfds_images": {"factory": tfds_images, "splits": ["test"]},
    "datasets.tfd": {"factory": tfd},
    "datasets.image_folder": {"factory": image_folder},
    "datasets.masked": {"dataset": Digits(), "mask": masks.Blocks()},
    "datasets.gaussian": {},
    "datasets.gaussian_ring": {},
    "datasets.gaussian_grid": {},
    "evaluators.parzen": {"num_samples": 100},
    "evaluators.modes": {"dataset": GaussianRing(), "num_samples": 1000},
    "evaluators.divergence": {"dataset": GaussianRing(), "num_samples": 1000},
    "evaluators.frechet": {"num_samples": 400},
    "evaluators.kernel": {
        "num_samples": 100,
        "num_subsets": 5,
        "subset_size": 50,
    },
    "evaluators.precision_recall": {"num_samples": 100},
    "evaluators.nearest_neighbor": {"num_samples": 100},
    "evaluators.interpolation": {"num_pairs": 10},
    "evaluators.reconstruction": {"num_samples": 100},
    "evaluators.class_accuracy": {
        "dataset": Digits(conditional=True),
        "num_samples": 100,
    },
    "evaluators.completion": {
        "dataset": Masked(Digits(), masks.RightHalf()),
        "num_images": 20,
        "num_completions": 2,
    },
    "evaluators.semi_supervised": {"num_labels": (20, 50), "num_draws": 2},
    "evaluators.fine_tuning": {
        "num_labels": (20,),
        "num_draws": 1,
        "num_steps": 3,
    },
}
MAKERS = {
    "generators": testing.generator_checks,
    "discriminators": testing.discriminator_checks,
    "losses": testing.loss_checks,
    "datasets": testing.dataset_checks,
    "evaluators": testing.evaluator_checks,
}


def checks():
    for name, arguments in CASES.items():
        component = registry.resolve(name)
        given = {"factory": registry.load(component), **arguments}
        yield from MAKERS[component.kind](name=component.full_name, **given)


@pytest.mark.parametrize(
    "check",
    list(checks()),
    ids=lambda check: f"{check.component}-{check.promise}",
)
def test_built_in(check):
    check()


def test_no_built_in_is_left_out():
    own = {
        f"{component.kind}.{component.name}"
        for component in registry.find()
        if component.package == "ganzoo"
    }
    assert own == set(CASES)
