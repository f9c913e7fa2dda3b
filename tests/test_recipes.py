"""Every recipe: its header, the original's numbers, steps on real data."""

import json
import re

import numpy as np
import pytest
import toronto_faces
from real_data import tfds_folder

from conftest import ROOT
from ganzoo import configuration
from ganzoo.run import run
from ganzoo.storage import checkpoint_files

RECIPES = sorted((ROOT / "gin").glob("*.gin"))

# The original yaml files, read off by hand: (recipe, parameter, value).
ORIGINAL = [
    ("mnist_mlp", "latents.uniform.latent_dim", 100),
    ("mnist_mlp", "ganzoo.generators.mlp.hidden_units", (1200, 1200)),
    ("mnist_mlp", "ganzoo.generators.mlp.init_range", 0.05),
    ("mnist_mlp", "ganzoo.generators.mlp.output_bias", "marginals"),
    ("mnist_mlp", "ganzoo.discriminators.maxout_mlp.hidden_units", (240, 240)),
    ("mnist_mlp", "ganzoo.discriminators.maxout_mlp.num_pieces", 5),
    ("mnist_mlp", "ganzoo.discriminators.maxout_mlp.init_range", 0.005),
    ("mnist_mlp", "optimizers.exponential_decay.initial", 0.1),
    ("mnist_mlp", "optimizers.exponential_decay.decay", 1.000004),
    ("mnist_mlp", "optimizers.exponential_decay.minimum", 1e-6),
    ("mnist_mlp", "optimizers.linear_ramp.initial", 0.5),
    ("mnist_mlp", "optimizers.linear_ramp.final", 0.7),
    ("mnist_mlp", "optimizers.linear_ramp.saturation_epoch", 250),
    ("mnist_mlp", "optimizers.linear_ramp.steps_per_epoch", 500),
    ("mnist_mlp", "train.batch_size", 100),
    ("mnist_mlp", "ganzoo.losses.non_saturating.discriminator_weight", 0.5),
    ("cifar_mlp", "latents.gaussian.latent_dim", 100),
    ("cifar_mlp", "ganzoo.datasets.cifar10.contrast_normalization", 55.0),
    ("cifar_mlp", "ganzoo.generators.mlp.hidden_units", (8000, 8000)),
    ("cifar_mlp", "ganzoo.generators.mlp.activations", ("relu", "sigmoid")),
    ("cifar_mlp", "ganzoo.generators.mlp.output_activation", None),
    # The original's output layer, .5, ends in NaN.
    ("cifar_mlp", "ganzoo.generators.mlp.init_range", 0.05),
    (
        "cifar_mlp",
        "ganzoo.discriminators.maxout_mlp.hidden_units",
        (1600, 1600),
    ),
    ("cifar_mlp", "optimizers.exponential_decay.initial", 0.025),
    ("cifar_mlp", "train.batch_size", 100),
    ("cifar_conv", "ganzoo.generators.deconv.hidden_units", 8000),
    ("cifar_conv", "ganzoo.generators.deconv.base_channels", 80),
    ("cifar_conv", "ganzoo.generators.deconv.kernel_size", 5),
    ("cifar_conv", "ganzoo.generators.deconv.strides", 3),
    ("cifar_conv", "ganzoo.discriminators.maxout_conv.filters", (32, 32, 192)),
    ("cifar_conv", "ganzoo.discriminators.maxout_conv.kernel_size", (8, 8, 5)),
    ("cifar_conv", "ganzoo.discriminators.maxout_conv.padding", (4, 3, 3)),
    ("cifar_conv", "ganzoo.discriminators.maxout_conv.pool_size", (4, 4, 2)),
    ("cifar_conv", "ganzoo.discriminators.maxout_conv.pool_strides", 2),
    ("cifar_conv", "optimizers.exponential_decay.initial", 0.004),
    ("cifar_conv", "train.batch_size", 128),
    ("tfd_pretrain", "ganzoo.generators.mlp.hidden_bias", (0.0, -2.0)),
    ("tfd_pretrain", "ganzoo.generators.mlp.output_num_nonzero", 100),
    ("tfd_pretrain", "ganzoo.generators.mlp.max_column_norm", 1.9365),
    (
        "tfd_pretrain",
        "ganzoo.discriminators.maxout_mlp.max_column_norm",
        1.9365,
    ),
    ("tfd_pretrain", "optimizers.exponential_decay.initial", 0.05),
    ("tfd_mlp", "ganzoo.generators.mlp.hidden_units", (8000, 100, 8000, 8000)),
    ("tfd_mlp", "ganzoo.generators.mlp.hidden_bias", (0.0, -2.0, 0.0, -2.0)),
]


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_states_source_deviations_and_command(path):
    text = path.read_text()
    header = text[: re.search(r"^[^#\n]", text, re.M).start()]
    for word in ("Source:", "Deviates:", "Run:"):
        assert f"# {word}" in header
    assert f"python -m ganzoo.run --gin_file=gin/{path.name}" in header
    assert all(len(line) <= 80 for line in text.splitlines())


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_reads_back_from_its_own_record(path, tmp_path):
    found = configuration.read([str(path)])
    record = tmp_path / "config.gin"
    record.write_text(found.config_text())
    assert configuration.read([str(record)]).bindings() == found.bindings()


@pytest.mark.parametrize(("recipe", "parameter", "value"), ORIGINAL)
def test_the_numbers_are_the_original_ones(recipe, parameter, value):
    found = configuration.read([str(ROOT / "gin" / f"{recipe}.gin")])
    assert eval(found.bindings()[parameter]) == value


def train(recipe, folder, *params):
    """Two steps by the command line; returns the folder."""
    status = run(
        [
            "ganzoo",
            f"--gin_file={ROOT / 'gin' / recipe}.gin",
            f"--run_dir={folder}",
            "--mode=train",
            "--gin_param=train.num_steps = 2",
            "--gin_param=train.num_samples = 4",
            *(f"--gin_param={param}" for param in params),
        ]
    )
    assert status == 0
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    last = json.loads(lines[-1])
    assert last["step"] == 2
    assert np.isfinite(last["discriminator_loss"])
    assert np.isfinite(last["generator_loss"])
    assert (folder / "samples" / "step-00000002.png").stat().st_size > 0
    return folder


@pytest.mark.parametrize(
    "recipe",
    [
        "digits_mlp",
        "ring_mlp",
        "gaussian_1d",
        pytest.param("digits_inference", marks=pytest.mark.slow),
    ],
)
def test_recipes_that_need_no_data_train(recipe, tmp_path):
    train(recipe, tmp_path / recipe)


def test_mnist_trains_on_real_data(tmp_path, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", tfds_folder("mnist"))
    train("mnist_mlp", tmp_path / "run")


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["mnist_conditional", "mnist_inpaint"])
def test_mnist_with_a_condition_trains_on_real_data(
    recipe, tmp_path, monkeypatch
):
    monkeypatch.setenv("TFDS_DATA_DIR", tfds_folder("mnist"))
    train(recipe, tmp_path / "run")


SMALL = {
    "cifar_mlp": [
        "generators.mlp.hidden_units = (80, 80)",
        "discriminators.maxout_mlp.hidden_units = (16, 16)",
    ],
    "cifar_conv": [
        "generators.deconv.hidden_units = 80",
        "generators.deconv.base_channels = 8",
        "discriminators.maxout_conv.filters = (4, 4, 8)",
        "train.batch_size = 8",
    ],
}


@pytest.mark.parametrize(
    "recipe", [pytest.param("cifar_mlp", marks=pytest.mark.slow), "cifar_conv"]
)
def test_cifar_trains_small_on_real_data(recipe, tmp_path, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", tfds_folder("cifar10"))
    train(recipe, tmp_path / "run", *SMALL[recipe])


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["cifar_mlp", "cifar_conv"])
def test_cifar_trains_at_full_size(recipe, tmp_path, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", tfds_folder("cifar10"))
    train(recipe, tmp_path / "run")


def test_faces_train_in_two_stages(tmp_path, capsys):
    """Each stage small, the second on top of what the first has learnt."""
    path = toronto_faces.write(tmp_path / "faces.mat")
    first, second = tmp_path / "first", tmp_path / "second"
    common = [
        f"datasets.tfd.path = '{path}'",
        "train.batch_size = 20",
        "discriminators.maxout_mlp.hidden_units = (16, 16)",
    ]
    train(
        "tfd_pretrain",
        first,
        *common,
        "generators.mlp.hidden_units = (80, 120)",
    )
    capsys.readouterr()
    train(
        "tfd_mlp",
        second,
        *common,
        "generators.mlp.hidden_units = (80, 100, 80, 120)",
        f"initialize_from.run = '{first}'",
        "train.batch_size = 20",
    )
    out = capsys.readouterr().out
    for line in (
        f"generator hidden_2: from hidden_0 of {first}",
        f"generator hidden_3: from hidden_1 of {first}",
        f"generator output: from output of {first}",
        "generator hidden_0: kept its own",
        "discriminator hidden_0: kept its own",
    ):
        assert line in out
    # Most faces have no label, and the score is by folds.
    assert run(["ganzoo", "--mode=evaluate", f"--run_dir={second}"]) == 0
    (result, *_) = json.loads((second / "evaluation.json").read_text())
    assert result["name"] == "parzen_log_likelihood"
    assert len(result["protocol"]["fold_log_likelihoods"]) == 5


@pytest.mark.slow
def test_inference_is_learnt_for_a_finished_generator(tmp_path, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", tfds_folder("mnist"))
    first, second = tmp_path / "first", tmp_path / "second"
    train("mnist_mlp", first)
    status = run(
        [
            "ganzoo",
            f"--gin_file={ROOT / 'gin' / 'mnist_inference.gin'}",
            f"--run_dir={second}",
            "--mode=train",
            f"--gin_param=initialize_from.run = '{first}'",
            "--gin_param=train.num_steps = 2",
            "--gin_param=train.num_samples = 4",
        ]
    )
    assert status == 0
    (line,) = (second / "metrics.jsonl").read_text().splitlines()
    assert np.isfinite(json.loads(line)["inference_loss"])
    assert "generator_loss" not in json.loads(line)
    before, after = (
        checkpoint_files.read(path / "checkpoints" / "step-00000002")[0]
        for path in (first, second)
    )
    for name in before:
        group, _, rest = name.partition("/")
        if group == "discriminator":
            np.testing.assert_array_equal(after[name], before[name])
        if group == "generator_ema":
            taken = after[f"generator/{rest.replace('ema_', '')}"]
            np.testing.assert_array_equal(taken, before[name])
