"""Exports: what they answer without ganzoo, what they weigh and say."""

import io
import json
import pathlib
import re
import textwrap

import exported_runs
import keras
import numpy as np
import pytest
import tensorflow as tf
import toronto_faces
from absl import flags
from absl.testing.flagsaver import flagsaver
from exported_runs import points
from PIL import Image
from real_data import tfds_folder

from conftest import ROOT
from ganzoo.errors import RunError
from ganzoo.randomness import Draws, Segment
from ganzoo.run import run
from ganzoo.serving import exports
from ganzoo.serving.exporting import export
from ganzoo.serving.exports import Export
from ganzoo.storage.run_directory import RunDirectory

# Asks an export everything, where nothing but TensorFlow can be imported.
WITHOUT_GANZOO = """
    import sys, numpy as np

    class Refuse:
        def find_spec(self, name, path=None, target=None):
            if name.split(".")[0] in ("ganzoo", "gin"):
                raise ImportError(name)

    sys.meta_path.insert(0, Refuse())
    import tensorflow as tf

    signatures = tf.saved_model.load(folder).signatures
    found = {}
    for key, inputs in np.load(questions, allow_pickle=True).items():
        inputs = {k: tf.constant(v) for k, v in inputs.item().items()}
        outputs = signatures[key.split("/")[0]](**inputs)
        for name, value in outputs.items():
            found[f"{key}/{name}"] = value.numpy()
    np.savez(answers, **found)
"""


def ask_without_ganzoo(fresh_python, folder, path, questions):
    """{"signature/case/output": array} from a process with TensorFlow alone."""
    arrays = path / "questions.npz", path / "answers.npz"
    np.savez(arrays[0], **questions)
    given = [str(folder), *map(str, arrays)]
    done = fresh_python(
        f"folder, questions, answers = {given!r}\n"
        + textwrap.dedent(WITHOUT_GANZOO),
        cwd=path,
    )
    assert done.returncode == 0, done.stderr
    return dict(np.load(arrays[1], allow_pickle=True))


def test_it_answers_without_ganzoo_as_the_run_does(
    exported_run, fresh_python, tmp_path
):
    num, seed = np.int32(5), np.int64(2**40 + 7)
    samples = np.random.default_rng(0).random([7, 8, 8, 1], np.float32)
    questions = {
        f"serving_default/{n}": {"latents": points(n)} for n in (1, 7, 256)
    } | {
        "discriminate/7": {"samples": samples},
        "interpolate/7": {
            "start": points(7),
            "end": points(7, seed=1),
            "steps": np.int32(4),
        },
        "latents/5": {"num": num, "seed": seed, "first_row": np.int64(3)},
        "images/7": {"latents": points(7)},
        "png/7": {"latents": points(7)},
    }
    for name in ("sample", "sample_images", "sample_png"):
        questions[f"{name}/5"] = {"num": num, "seed": seed}
        questions[f"{name}/2"] = {"num": np.int32(2), "seed": np.int64(-1)}
    found = ask_without_ganzoo(
        fresh_python, exported_run / "export" / "1", tmp_path, questions
    )

    gan, dataset = exported_runs.game(exported_run)
    for weight, average in zip(
        gan.generator.trainable_variables, gan.ema, strict=True
    ):
        assert np.abs(weight.numpy() - average.numpy()).max() > 1e-6
        weight.assign(average.value)

    def generate(latents):
        return gan.generator(latents, training=False).numpy()

    def pixels(latents):
        return np.round(generate(latents) * 255).astype(np.uint8)

    for n in (1, 7, 256):
        np.testing.assert_allclose(
            found[f"serving_default/{n}/samples"], generate(points(n)), 0, 1e-6
        )
    logits = gan.discriminator(samples, training=False).numpy()[:, 0]
    np.testing.assert_allclose(
        found["discriminate/7/probability"], 1 / (1 + np.exp(-logits)), 1e-6
    )
    for step, share in enumerate(np.linspace(0, 1, 4, dtype=np.float32)):
        on_line = (1 - share) * points(7) + share * points(7, seed=1)
        np.testing.assert_allclose(
            found["interpolate/7/samples"][:, step], generate(on_line), 0, 1e-6
        )
    draws = Draws(int(seed), 0, [Segment("sample/z", 0, 8)])
    drawn = gan.latents(draws, 8).numpy()  # The prior itself.
    np.testing.assert_array_equal(found["latents/5/latents"], drawn[3:])
    np.testing.assert_allclose(
        found["sample/5/samples"], generate(drawn[:5]), 0, 1e-6
    )
    # A value that lies between two bytes may fall on either side.
    assert_within_one(found["sample_images/5/images"], pixels(drawn[:5]))
    assert_within_one(found["images/7/images"], pixels(points(7)))
    for name in ("sample_png/5", "sample_png/2", "png/7"):
        images = found[f"{name.replace('png', 'images')}/images"]
        for encoded, image in zip(
            found[f"{name}/png_bytes"], images, strict=True
        ):
            decoded = np.asarray(Image.open(io.BytesIO(encoded)))
            np.testing.assert_array_equal(decoded, image[..., 0])
    assert found["sample/2/samples"].shape == (2, 8, 8, 1)
    assert not np.allclose(
        found["sample/2/samples"], found["sample/5/samples"][:2]
    )


def assert_within_one(found, expected):
    assert found.dtype == np.uint8
    difference = np.abs(found.astype(int) - expected)
    assert difference.max() <= 1
    assert np.mean(difference) < 0.01


def test_images_do_not_depend_on_their_neighbours(exported_run):
    images = Export(exported_run / "export").signatures["images"]
    latents = points(32)
    together = images(latents=tf.constant(latents))["images"].numpy()
    assert together.std() > 1
    for index in (0, 13, 31):
        # Beside points far out, which a common scale would follow.
        others = 40 * points(3, seed=index)
        mixed = np.concatenate([others, latents[index : index + 1]])
        beside = images(latents=tf.constant(mixed))["images"].numpy()[-1]
        assert_within_one(beside, together[index])


def test_saved_model_cli_shows_and_runs_it(exported_run, tmp_path, capsys):
    from tensorflow.python.tools import saved_model_cli

    def command(function, **chosen):
        flags.FLAGS.mark_as_parsed()
        with flagsaver(**chosen):
            function()
        return capsys.readouterr().out

    show, run_it = saved_model_cli.show, saved_model_cli.run
    folder = str(exported_run / "export" / "1")
    shown = command(show, dir=folder, all=True)
    for name in Export(folder).signatures:
        assert f"signature_def['{name}']" in shown
    assert re.search(r"inputs\['latents'\].*\n.*\n *shape: \(-1, 8\)", shown)
    np.save(tmp_path / "z.npy", points(3))
    asked = {"dir": folder, "tag_set": "serve"}
    command(
        run_it,
        **asked,
        signature_def="serving_default",
        inputs=f"latents={tmp_path / 'z.npy'}",
        outdir=str(tmp_path),
    )
    expected = Export(folder).signatures["serving_default"](
        latents=tf.constant(points(3))
    )["samples"]
    np.testing.assert_allclose(
        np.load(tmp_path / "samples.npy"), expected, 0, 1e-6
    )
    assert "samples" in command(
        run_it, **asked, signature_def="sample", input_exprs="num=2;seed=3"
    )


def test_it_says_where_it_comes_from(exported_run):
    about = Export(exported_run / "export").provenance
    numbers = json.loads((exported_run / "evaluation.json").read_text())
    assert about["name"] == "digits"
    assert (about["step"], about["weights"]) == (30, "ema")
    assert about["versions"]["tensorflow"] == tf.__version__
    found = [(n["name"], n["value"]) for n in about["evaluation"]]
    assert found == [(n["name"], n["value"]) for n in numbers]
    assert all(n["protocol"]["step"] == 30 for n in about["evaluation"])
    records = exported_run / "export" / "1" / "assets.extra"
    for name in ("config.gin", "components.txt"):
        assert (records / name).read_text() == (exported_run / name).read_text()
    operative = (records / "operative_config.gin").read_text()
    assert "generators.mlp.hidden_units = (16,)" in operative


def parameter_bytes(*networks):
    return sum(
        4 * int(np.prod(weight.shape))
        for network in networks
        for weight in network.weights
        if "seed" not in weight.name
    )


def stored_bytes(folder):
    return sum(path.stat().st_size for path in (folder / "variables").iterdir())


@pytest.fixture
def policy():
    before = keras.config.dtype_policy()
    yield keras.config.set_dtype_policy
    keras.config.set_dtype_policy(before)


@pytest.mark.parametrize(
    ("name", "tolerance"), [("float32", 1e-6), ("mixed_bfloat16", 1e-2)]
)
def test_a_conditional_game_with_batch_statistics(
    name, tolerance, policy, tmp_path
):
    policy(name)
    gan, spec = exported_runs.labelled_game()
    dataset = exported_runs.LabelledImages()
    folder = export(gan, dataset, RunDirectory(tmp_path), {}, spec)
    loaded = Export(folder)
    signatures = loaded.signatures
    labels = np.arange(7) % 4
    z = points(7)
    expected = gan.generator([z, labels], training=False).numpy()
    expected = expected.astype(np.float32)
    found = signatures["serving_default"](
        latents=tf.constant(z), labels=tf.constant(labels)
    )["samples"].numpy()
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, tolerance, tolerance)
    by_seed = {"seed": tf.constant(5, tf.int64), "labels": tf.constant(labels)}
    made = signatures["sample"](**by_seed)["samples"].numpy()
    again = signatures["sample"](**by_seed)["samples"].numpy()
    np.testing.assert_array_equal(made, again)
    assert signatures["sample_png"](**by_seed)["png_bytes"].shape == (7,)
    images = signatures["sample_images"](**by_seed)["images"].numpy()
    assert_within_one(images, np.round((made + 1) / 2 * 255).astype(np.uint8))
    logits = gan.discriminator([expected, labels], training=False).numpy()
    judged = signatures["discriminate"](
        samples=tf.constant(expected), labels=tf.constant(labels)
    )["probability"].numpy()
    np.testing.assert_allclose(
        judged, 1 / (1 + np.exp(-logits[:, 0])), tolerance
    )
    line = signatures["interpolate"](
        start=tf.constant(z),
        end=tf.constant(z),
        steps=tf.constant(2),
        labels=tf.constant(labels),
    )["samples"].numpy()
    np.testing.assert_allclose(line[:, 1], expected, tolerance, tolerance)
    assert loaded.provenance["condition"] == ["labels"]
    assert loaded.provenance["weights"] == "raw"
    # What is not weights: the table of names, some 300 bytes for each.
    extra = stored_bytes(folder) - parameter_bytes(
        gan.generator, gan.discriminator
    )
    assert 0 <= extra < 4000


def test_weights_are_stored_once(exported_run):
    gan, _ = exported_runs.game(exported_run)
    weights = parameter_bytes(gan.generator, gan.discriminator)
    stored = stored_bytes(exported_run / "export" / "1")
    assert weights <= stored < 1.05 * weights + 4000


def test_data_that_is_no_image_has_no_image_endpoints(tmp_path):
    import small_runs

    data = small_runs.Data()
    data.to_unit = None
    gan = small_runs.game()
    loaded = Export(export(gan, data, RunDirectory(tmp_path), {}))
    assert sorted(loaded.signatures) == [
        "discriminate",
        "interpolate",
        "latents",
        "sample",
        "serving_default",
    ]


def write_stub(path):
    pathlib.Path(path).mkdir()
    (pathlib.Path(path) / "saved_model.pb").write_bytes(b"")


def test_versions_increase_and_are_whole_or_not_there(tmp_path):
    def fail(path):
        write_stub(path)
        raise KeyboardInterrupt

    first = exports.add(tmp_path, write_stub, {"a": "1"})
    assert first == tmp_path / "1"
    assert exports.add(tmp_path, write_stub, {"a": "1"}) == first
    with pytest.raises(KeyboardInterrupt):
        exports.add(tmp_path, fail, {"a": "2"})
    assert exports.versions(tmp_path) == [1]
    for number in range(2, 12):
        path = exports.add(tmp_path, write_stub, {"a": str(number)})
        assert path == tmp_path / str(number)
    assert exports.newest(tmp_path) == tmp_path / "11"
    assert not list(tmp_path.glob(".*"))
    assert (tmp_path / "11" / "assets.extra" / "a").read_text() == "11"


def test_what_is_no_export_says_so(tmp_path):
    message = (
        f"{tmp_path} holds no export. Make one with --mode=export and the "
        "--run_dir of a trained run, or give its folder as --export_dir."
    )
    with pytest.raises(RunError, match=re.escape(message)):
        exports.newest(tmp_path)
    write_stub(tmp_path / "1")
    message = (
        f"{tmp_path / '1'} is no export of ganzoo: "
        f"{tmp_path / '1' / 'assets.extra' / 'provenance.json'} is not there."
    )
    with pytest.raises(RunError, match=re.escape(message)):
        Export(tmp_path)


def test_an_untrained_run_is_not_exported(tmp_path, capsys):
    arguments = [f"--gin_file={ROOT / 'gin' / 'digits_mlp.gin'}"]
    status = run(
        ["ganzoo", *arguments, f"--run_dir={tmp_path}", "--mode=export"]
    )
    assert status == 2
    assert (
        f"Error: {tmp_path} has no checkpoint to export. Train it first: leave "
        "out --mode." in capsys.readouterr().err
    )


def compare_recipe(recipe, folder, tolerance, *params):
    """Trains one step, exports, and compares the two at several batch sizes."""
    arguments = [
        f"--gin_file={ROOT / 'gin' / recipe}.gin",
        f"--run_dir={folder}",
        "--mode=train,export",
        "--gin_param=train.num_steps = 1",
        *(f"--gin_param={param}" for param in params),
    ]
    assert run(["ganzoo", *arguments]) == 0
    gan, _ = exported_runs.game(folder)
    for weight, average in zip(
        gan.generator.trainable_variables, gan.ema, strict=False
    ):
        weight.assign(average.value)
    loaded = Export(folder / "export")
    for num in (1, 7, 256):
        latents = tf.random.stateless_normal(
            [num, gan.latents.latent_dim], [1, 2]
        )
        found = loaded.signatures["serving_default"](latents=latents)
        expected = gan.generator(latents, training=False).numpy()
        np.testing.assert_allclose(
            found["samples"],
            expected.astype(np.float32),
            tolerance,
            tolerance * np.abs(expected).max(),
        )
    weights = parameter_bytes(gan.generator, gan.discriminator)
    assert weights <= stored_bytes(loaded.path) < 1.05 * weights + 4000


@pytest.mark.slow
@pytest.mark.parametrize("policy_name", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize(
    ("recipe", "data"),
    [
        ("ring_mlp", None),
        ("gaussian_1d", None),
        ("digits_mlp", None),
        ("mnist_mlp", "mnist"),
        ("cifar_mlp", "cifar10"),
        ("cifar_conv", "cifar10"),
    ],
)
def test_the_export_of_each_recipe_at_full_size(
    recipe, data, policy_name, policy, tmp_path, monkeypatch
):
    if data:
        monkeypatch.setenv("TFDS_DATA_DIR", tfds_folder(data))
    tolerance = 1e-6 if policy_name == "float32" else 1e-2
    compare_recipe(
        recipe,
        tmp_path / "run",
        tolerance,
        f"experiment.dtype_policy = '{policy_name}'",
    )


@pytest.mark.slow
def test_the_exports_of_the_face_recipes(tmp_path):
    path = toronto_faces.write(tmp_path / "faces.mat")
    first, second = tmp_path / "first", tmp_path / "second"
    small = (
        f"datasets.tfd.path = '{path}'",
        "train.batch_size = 20",
        "discriminators.maxout_mlp.hidden_units = (16, 16)",
    )
    units = "generators.mlp.hidden_units"
    compare_recipe("tfd_pretrain", first, 1e-6, *small, f"{units} = (80, 120)")
    compare_recipe(
        "tfd_mlp",
        second,
        1e-6,
        *small,
        f"{units} = (80, 100, 80, 120)",
        f"initialize_from.run = '{first}'",
    )
