"""Games given a class, or a part of an image: from recipe to server."""

import contextlib
import http.client
import json
import re
import socket
import textwrap
import threading

import exported_runs
import keras
import numpy as np
import pytest
import small_runs
import tensorflow as tf
import uvicorn
from exported_runs import LATENT_DIM, points
from PIL import Image

from ganzoo import example_sets, masks
from ganzoo.building import build_gan
from ganzoo.datasets.digits import Digits
from ganzoo.datasets.masked import Masked
from ganzoo.discriminators import maxout_mlp
from ganzoo.errors import DataError
from ganzoo.generators import mlp
from ganzoo.latents import Uniform
from ganzoo.pictures.figures import grid_cell
from ganzoo.run import run
from ganzoo.sampling import ExampleConditions, Sampler
from ganzoo.serving.exports import Export
from ganzoo.serving.server import application

LABELLED = (
    "datasets.digits.conditional = True",
    "evaluate.evaluators = [@evaluators.class_accuracy()]",
    "evaluators.class_accuracy.num_samples = 40",
)
MASKED = (
    "experiment.dataset = @datasets.masked()",
    "datasets.masked.dataset = @datasets.digits()",
    "datasets.masked.mask = @masks.mixture()",
    "masks.mixture.masks = [@masks.blocks(), @masks.right_half()]",
    "evaluate.evaluators = [@evaluators.completion()]",
    "evaluators.completion.num_images = 20",
    "evaluators.completion.num_completions = 3",
)
MODES = "train,evaluate,figures,export"


@pytest.fixture(scope="module")
def labelled_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "labelled"
    return exported_runs.make(folder, *LABELLED, mode=MODES)


@pytest.fixture(scope="module")
def masked_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "masked"
    return exported_runs.make(folder, *MASKED, mode=MODES)


def results(folder):
    """{name: value} by the raw weights."""
    found = json.loads((folder / "evaluation.json").read_text())
    return {
        result["name"]: result["value"]
        for result in found
        if result["protocol"]["weights"] == "raw"
    }


def figure(folder, name):
    """Rows and columns of images in a figure, and its pixels."""
    listed = json.loads((folder / "figures" / "figures.json").read_text())
    assert name in [entry["name"] for entry in listed]
    image = Image.open(folder / "figures" / f"{name}.png").convert("L")
    height, width = grid_cell((8, 8))
    assert image.height % height == image.width % width == 2
    return image.height // height, image.width // width, np.asarray(image)


@pytest.mark.slow
def test_a_run_with_labels_is_scored_and_drawn_by_class(labelled_run):
    scores = results(labelled_run)
    assert 0 <= scores["worst_class_accuracy"] <= scores["class_accuracy"] <= 1
    assert figure(labelled_run, "classes")[:2] == (10, 7)


@pytest.mark.slow
def test_a_masked_run_keeps_what_is_visible(masked_run):
    scores = results(masked_run)
    assert scores["completion_visible_error"] == 0.0
    assert scores["completion_diversity"] > 0
    rows, columns, pixels = figure(masked_run, "completions")
    assert (rows, columns) == (5, 7)
    gan, dataset = exported_runs.game(masked_run)
    samples, condition = example_sets.first_examples(
        dataset.examples("test"), 1
    )
    sampler = Sampler(gan, use_ema=True)
    several = {key: np.repeat(part, 5, 0) for key, part in condition.items()}
    latents = sampler.draw_latents(25, 0)[:5]
    made = sampler.generate(latents, several)
    shown = condition["mask"] > 0
    pictures = [samples[0], np.where(shown, samples, 0.5)[0], *made]
    for column, picture in enumerate(pictures):
        left = 2 + 50 * column
        cell = pixels[2:50, left : left + 48][::6, ::6]
        expected = np.round(picture[..., 0] * 255)
        assert np.abs(cell - expected).max() <= 1


@pytest.mark.slow
def test_an_export_takes_labels_without_ganzoo(
    labelled_run, fresh_python, tmp_path
):
    labels = np.arange(7) % 10
    np.savez(tmp_path / "asked.npz", latents=points(7), labels=labels)
    code = f"""
        import sys, numpy as np, tensorflow as tf
        path, asked = {str(labelled_run / "export" / "1")!r}, "asked.npz"
        signatures = tf.saved_model.load(path).signatures
        serve = signatures["serving_default"]
        asked = {{k: tf.constant(v) for k, v in np.load(asked).items()}}
        np.save("made.npy", serve(**asked)["samples"])
        images = signatures["sample_png"](
            seed=tf.constant(3, tf.int64), labels=asked["labels"]
        )
        assert images["png_bytes"].shape == (7,)
        try:
            serve(latents=asked["latents"], labels=asked["labels"] + 4)
        except tf.errors.InvalidArgumentError as error:
            print(error.message)
        assert "ganzoo" not in sys.modules
    """
    done = fresh_python(textwrap.dedent(code), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "`labels` must be 0 to 9. Received:] [4 5 6 7 8 9 10]" in done.stdout
    gan, _ = exported_runs.game(labelled_run)
    expected = Sampler(gan, use_ema=True).generate(points(7), labels)
    np.testing.assert_allclose(np.load(tmp_path / "made.npy"), expected, 1e-5)


@contextlib.contextmanager
def served(folder):
    """`ask(signature_name, **inputs)` -> (status, answer) over HTTP."""
    app = application(Export(folder / "export"), ["*"])
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()

    def ask(name, **inputs):
        body = json.dumps({"signature_name": name, "inputs": inputs})
        connection = http.client.HTTPConnection(*listener.getsockname())
        with contextlib.closing(connection):
            path = f"/v1/models/{folder.name}:predict"
            connection.request("POST", path, body)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    try:
        yield ask
    finally:
        server.should_exit = True
        thread.join(30)
        listener.close()


@pytest.mark.slow
def test_a_server_takes_labels_and_refuses_wrong_ones(labelled_run):
    with served(labelled_run) as ask:
        status, answer = ask("sample", seed=4, labels=[3, 3, 9])
        assert status == 200
        assert np.shape(answer["outputs"]) == (3, 8, 8, 1)
        status, answer = ask("sample", seed=4, labels=[3, 10])
        assert status == 400
        assert "`labels` must be 0 to 9. Received:] [3 10]" in answer["error"]


@pytest.mark.slow
def test_a_server_takes_a_mask_and_what_is_visible(masked_run):
    samples, condition = Masked(Digits(), masks.Blocks(), 5).examples("test")
    given = {key: part[:2].tolist() for key, part in condition.items()}
    with served(masked_run) as ask:
        status, answer = ask("sample", seed=4, **given)
        assert status == 200
    made = np.array(answer["outputs"], np.float32)
    mask, visible = condition["mask"][:2], condition["visible"][:2]
    np.testing.assert_array_equal(np.where(mask > 0, made, 0), visible)
    assert not np.array_equal(made, samples[:2])


def sample(folder, *flags):
    return run(["ganzoo", f"--run_dir={folder}", "--mode=sample", *flags])


def test_samples_of_chosen_classes(labelled_run, tmp_path):
    path = tmp_path / "x.npz"
    flags = [f"--output={path}", "--num_samples=5", "--classes=7,3"]
    assert sample(labelled_run, *flags) == 0
    with np.load(path) as made:
        assert made["labels"].tolist() == [7, 3, 7, 3, 7]
        gan, _ = exported_runs.game(labelled_run)
        sampler = Sampler(gan, use_ema=True)
        (expected,) = sampler.sample(5, 0, made["labels"])
        np.testing.assert_allclose(made["samples"], expected, 1e-5)


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        (
            "--classes=3,10",
            "`--classes` must be of 0 to 9. Received: '10'. Write --classes=3 "
            "or --classes=1,7.",
        ),
        (
            "--classes=three",
            "`--classes` must be of 0 to 9. Received: 'three'.",
        ),
    ],
)
def test_classes_that_there_are_not(
    flag, message, labelled_run, tmp_path, capsys
):
    assert sample(labelled_run, flag, f"--output={tmp_path / 'x.png'}") == 2
    assert message in capsys.readouterr().err


def test_classes_of_a_game_that_takes_none(exported_run, tmp_path, capsys):
    output = f"--output={tmp_path / 'x.png'}"
    assert sample(exported_run, "--classes=3", output) == 2
    assert (
        "`--classes` needs a game that is conditioned on classes. Received: "
        "--classes=3 for one that is not."
    ) in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("params", [LABELLED, MASKED], ids=["labels", "masks"])
def test_a_conditional_run_resumes_exactly(params, tmp_path):
    """Stopped at step 3 and gone on with, or not: the same to the bit."""
    for folder, stops in (("whole", [5]), ("parts", [3, 5])):
        for num_steps in stops:
            given = (*params, f"train.num_steps = {num_steps}")
            flags = small_runs.arguments(tmp_path / folder, *given)
            assert run(["ganzoo", *flags]) == 0
    small_runs.check_identical(
        small_runs.newest(tmp_path / "parts"),
        small_runs.newest(tmp_path / "whole"),
    )


class Stream(Digits):
    def examples(self, split):
        return tf.data.Dataset.from_tensor_slices(super().examples(split))


def test_example_conditions_are_drawn_from_all_of_the_data():
    examples = Digits(conditional=True).examples("train")
    conditions = ExampleConditions(examples)
    drawn = conditions(1437)
    np.testing.assert_array_equal(np.sort(drawn), np.sort(examples[1]))
    assert not np.array_equal(drawn, examples[1])
    np.testing.assert_array_equal(conditions(2000)[1437:], drawn[:563])
    np.testing.assert_array_equal(ExampleConditions(examples)(50), drawn[:50])
    streamed = ExampleConditions(Stream(conditional=True).examples("train"))
    np.testing.assert_array_equal(np.sort(streamed(1437)), np.sort(examples[1]))
    assert ExampleConditions(examples[0])(3) is None


def test_samples_have_them_where_nobody_gives_a_condition(labelled_run):
    gan, dataset = exported_runs.game(labelled_run)
    sampler = Sampler(gan)
    labels = ExampleConditions(dataset.examples("train"))(9)
    (made,) = sampler.sample(9, 2)
    (expected,) = sampler.sample(9, 2, labels)
    np.testing.assert_array_equal(made, expected)
    np.testing.assert_array_equal(
        sampler.generate(points(9)), sampler.generate(points(9), labels)
    )


class WrongLabels(Digits):
    def examples(self, split):
        samples, labels = super().examples(split)
        return samples, labels + 1


def test_labels_that_are_no_classes():
    dataset = WrongLabels(conditional=True)
    message = (
        "Labels of WrongLabels must be 0 to 9, for it says num_classes=10. "
        "Received: 1 to 10."
    )
    with pytest.raises(DataError, match=re.escape(message)):
        build_gan(
            dataset,
            dataset.examples("train"),
            0,
            generator=mlp.build_generator,
            discriminator=maxout_mlp.build_discriminator,
            latents=Uniform(LATENT_DIM),
            losses=[],
            generator_optimizer=keras.optimizers.SGD(),
            discriminator_optimizer=keras.optimizers.SGD(),
        )
