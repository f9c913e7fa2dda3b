"""Packaging of ganzoo, and the list of its built-in components.

The built-ins come through the same entry points as everyone's plugins: a line
`name = module:attribute` under `ganzoo.<kind>` is all that makes a component.
"""

import pathlib
import re

from setuptools import find_packages, setup

HERE = pathlib.Path(__file__).parent
VERSION = re.search(
    r'^__version__ = "(.+)"$', (HERE / "ganzoo/__init__.py").read_text(), re.M
).group(1)

COMPONENTS = {
    "ganzoo.generators": [
        "mlp = ganzoo.generators.mlp:build_generator",
        "deconv = ganzoo.generators.deconv:build_generator",
    ],
    "ganzoo.discriminators": [
        "maxout_mlp = ganzoo.discriminators.maxout_mlp:build_discriminator",
        "maxout_conv = ganzoo.discriminators.maxout_conv:build_discriminator",
    ],
    "ganzoo.losses": [
        "minimax = ganzoo.losses.minimax:Minimax",
        "non_saturating = ganzoo.losses.non_saturating:NonSaturating",
        "blend = ganzoo.losses.blend:Blend",
        "lazy = ganzoo.losses.lazy:Lazy",
        "without_dropout = ganzoo.losses.without_dropout:WithoutDropout",
    ],
    "ganzoo.datasets": [
        "digits = ganzoo.datasets.digits:Digits",
        "mnist = ganzoo.datasets.tfds_images:Mnist",
        "cifar10 = ganzoo.datasets.tfds_images:Cifar10",
        "tfds_images = ganzoo.datasets.tfds_images:TfdsImages",
        "tfd = ganzoo.datasets.tfd:TorontoFaces",
        "image_folder = ganzoo.datasets.image_folder:ImageFolder",
        "masked = ganzoo.datasets.masked:Masked",
        "gaussian = ganzoo.datasets.densities:Gaussian",
        "gaussian_ring = ganzoo.datasets.densities:GaussianRing",
        "gaussian_grid = ganzoo.datasets.densities:GaussianGrid",
    ],
    "ganzoo.evaluators": [
        "parzen = ganzoo.evaluators.parzen:Parzen",
        "modes = ganzoo.evaluators.modes:Modes",
        "frechet = ganzoo.evaluators.frechet:Frechet",
        "kernel = ganzoo.evaluators.kernel:Kernel",
        "precision_recall = ganzoo.evaluators.precision_recall:PrecisionRecall",
        "nearest_neighbor = ganzoo.evaluators.nearest_neighbor:NearestNeighbor",
        "interpolation = ganzoo.evaluators.interpolation:Interpolation",
        "divergence = ganzoo.evaluators.divergence:Divergence",
        "class_accuracy = ganzoo.evaluators.class_accuracy:ClassAccuracy",
        "completion = ganzoo.evaluators.completion:Completion",
        "reconstruction = ganzoo.evaluators.reconstruction:Reconstruction",
        "semi_supervised = ganzoo.evaluators.semi_supervised:SemiSupervised",
        "fine_tuning = ganzoo.evaluators.fine_tuning:FineTuning",
    ],
}

EXTRAS = {
    "serve": ["orjson>=3.10", "starlette>=0.40", "uvicorn>=0.30"],
    "onnx": ["onnx>=1.17", "onnxruntime>=1.20", "tf2onnx>=1.17"],
    "litert": ["ai-edge-litert>=2.0"],
}

setup(
    name="ganzoo",
    version=VERSION,
    description="Generative adversarial nets as parts that plug together.",
    long_description=(HERE / "README.md").read_text(),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.11",
    packages=find_packages(include=["ganzoo", "ganzoo.*"]),
    package_data={
        "ganzoo.commands": ["templates/*.in"],
        "ganzoo.serving": ["pages/*.html"],
    },
    install_requires=[
        "absl-py>=2.1",
        "filelock>=3.12",
        "gin-config>=0.5,<0.6",
        # tensorflow-datasets needs it and does not say so on Python 3.9+.
        "importlib_resources>=6",
        "keras>=3.15,<3.16",
        "matplotlib>=3.8",
        "numpy>=2.0",
        "pillow>=10",
        "safetensors>=0.4",
        "scikit-learn>=1.4",
        "threadpoolctl>=3.1",
        "scipy>=1.11",
        "tensorboard>=2.20",  # TensorFlow no longer brings it.
        "tensorflow>=2.21,<2.22",
        "tensorflow-datasets>=4.9.9",
        "tqdm>=4.66",
    ],
    extras_require={
        **EXTRAS,
        "test": [
            "mypy>=1.10",
            "prdc>=0.2",  # The authors' own precision and recall.
            "pytest>=8",
            "ruff>=0.6",
            "selenium>=4.20",
            *(name for names in EXTRAS.values() for name in names),
        ],
    },
    entry_points={
        "console_scripts": ["ganzoo = ganzoo.run:main"],
        **COMPONENTS,
    },
)
