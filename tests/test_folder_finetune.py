"""The recipe for a folder of few images, on the weights of another run."""

import numpy as np
import pytest
from PIL import Image
from real_data import tfds_folder
from test_recipes import train

SMALL = [
    "generators.mlp.hidden_units = (16, 16)",
    "discriminators.maxout_mlp.hidden_units = (8, 8)",
    "train.batch_size = 10",
]


@pytest.mark.slow
def test_a_folder_trains_on_top_of_another_run(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("TFDS_DATA_DIR", tfds_folder("mnist"))
    images = tmp_path / "images"
    images.mkdir()
    random = np.random.default_rng(0)
    for index in range(40):
        pixels = random.integers(0, 256, (30, 40, 3), np.uint8)
        Image.fromarray(pixels).save(images / f"{index}.png")
    first = train("mnist_mlp", tmp_path / "first", *SMALL)
    capsys.readouterr()
    train(
        "folder_finetune",
        tmp_path / "second",
        *SMALL,
        f"datasets.image_folder.path = '{images}'",
        f"initialize_from.run = '{first}'",
    )
    out = capsys.readouterr().out
    for player in ("generator", "discriminator"):
        for layer in ("hidden_0", "hidden_1", "output"):
            assert f"{player} {layer}: from {layer} of {first}" in out
