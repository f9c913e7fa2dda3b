"""Checkpoints: what comes back, what is refused, what survives damage."""

import json
import random
import re
import resource
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_runs import check_identical, game

from ganzoo import pipeline
from ganzoo.errors import CheckpointError
from ganzoo.storage import checkpoint_files
from ganzoo.storage.checkpoints import Checkpoints, arrays
from ganzoo.training import divergence

DATA = np.random.default_rng(0).normal(size=(64, 2)).astype("float32")


def play(gan, num_steps):
    batches = pipeline.batches(
        DATA, 8, gan.discriminator_steps, first_step=int(gan.step.numpy())
    )
    gan.make_step_loop()(iter(batches), tf.constant(num_steps))
    return gan


def saved(folder, gan, about=None, **kwargs):
    checkpoints = Checkpoints(folder, **kwargs)
    checkpoints.save(gan, about or {})
    checkpoints.wait()
    return checkpoints


@pytest.fixture
def policy():
    before = keras.config.dtype_policy()
    yield keras.config.set_dtype_policy
    keras.config.set_dtype_policy(before)


@pytest.mark.parametrize(
    ("name", "num_micro_batches"),
    [
        ("float32", 1),
        ("mixed_bfloat16", 1),
        pytest.param("mixed_float16", 2, marks=pytest.mark.slow),
    ],
)
def test_a_restored_game_goes_on_exactly(
    tmp_path, policy, name, num_micro_batches
):
    policy(name)
    settings = {"num_micro_batches": num_micro_batches, "with_batch_norm": True}
    straight = play(game(**settings), 7)
    first = play(game(**settings), 3)
    checkpoints = saved(tmp_path, first, {"seed": 5})
    second = game(**settings)
    assert checkpoints.restore(second) == {"seed": 5}
    check_identical(arrays(play(second, 4)), arrays(straight))
    has_scale = any("dynamic_scale" in key for key in arrays(straight))
    assert has_scale == (name == "mixed_float16")


def test_micro_batches_add_up_to_the_whole(policy):
    policy("float64")
    whole = arrays(play(game(), 5))
    parts = arrays(play(game(num_micro_batches=4), 5))
    assert parts.keys() == whole.keys()
    for key in whole:
        if not key.startswith("metrics"):  # They count the parts.
            np.testing.assert_allclose(parts[key], whole[key], 0, 1e-12, key)


def test_who_is_told_of_a_checkpoint_finds_it_on_the_disk(tmp_path):
    there = []
    checkpoints = Checkpoints(
        tmp_path, saved=lambda step: there.append(checkpoints.steps())
    )
    checkpoints.save(game(), {})
    checkpoints.wait()
    assert there == [[0]]


def test_the_last_and_the_best_stay(tmp_path):
    gan, checkpoints = game(), Checkpoints(tmp_path, keep_last=2)
    for step, score in enumerate((1.0, 9.0, float("nan"), 3.0, 4.0)):
        gan.step.assign(step)
        checkpoints.save(gan, {})
        checkpoints.score(step, score)
    checkpoints.wait()
    assert checkpoints.steps() == [1, 3, 4]
    assert checkpoints.best() == {"step": 1, "score": 9.0}


def test_a_checkpoint_is_found_by_its_step_or_as_the_best(tmp_path):
    gan, checkpoints = game(), Checkpoints(tmp_path)
    for step, score in ((5, 1.0), (10, 3.0), (15, 2.0)):
        gan.step.assign(step)
        checkpoints.save(gan, {"at": step})
        checkpoints.score(step, score)
    checkpoints.wait()
    found = {name: checkpoints.find(name) for name in ("newest", "best", "5")}
    assert found == {"newest": None, "best": 10, "5": 5}
    for name, step in (("newest", 15), ("best", 10), ("5", 5)):
        assert checkpoints.restore(gan, checkpoints.find(name)) == {"at": step}
        assert int(gan.step.numpy()) == step
    message = (
        '`--checkpoint` must be "newest", "best" or the step of a checkpoint '
        f"in {tmp_path}. Received: 7. There are: 5, 10, 15; best: 10."
    )
    with pytest.raises(CheckpointError, match=re.escape(message)):
        checkpoints.find("7")
    (tmp_path / "best.json").unlink()
    with pytest.raises(CheckpointError, match="; best: none was scored"):
        checkpoints.find("best")


def test_a_damaged_checkpoint_that_is_asked_for_is_an_error(tmp_path):
    gan = game()
    checkpoints = saved(tmp_path, gan)
    gan.step.assign(1)
    saved(tmp_path, gan)
    (checkpoints.path(0) / "SHA256SUMS").write_text("")
    with pytest.raises(CheckpointError, match="is damaged: its check sum"):
        checkpoints.restore(gan, 0)


def test_a_folder_without_checkpoints_restores_nothing(tmp_path):
    assert Checkpoints(tmp_path / "none").restore(game()) is None


def damage(folder, chance):
    """Truncates, flips a bit of, or removes one of the files; says which."""
    path = chance.choice(sorted(folder.iterdir()))
    kind = chance.choice(["truncate", "flip", "remove"])
    data = bytearray(path.read_bytes())
    if kind == "remove":
        path.unlink()
    elif kind == "truncate":
        path.write_bytes(data[: chance.randrange(len(data))])
    else:
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        path.write_bytes(data)
    return f"{kind} {path.name}"


def test_two_hundred_damaged_checkpoints_are_passed_over(tmp_path, caplog):
    gan = game()
    for step in (10, 20):
        gan.step.assign(step)
        checkpoints = saved(tmp_path / "run", gan)
    chance = random.Random(0)
    kinds = set()
    for index in range(200):
        folder = tmp_path / str(index)
        shutil.copytree(tmp_path / "run", folder)
        what = damage(folder / "step-00000020", chance)
        kinds.add(what)
        caplog.clear()
        checkpoints = Checkpoints(folder)
        checkpoints.restore(gan)
        assert int(gan.step.numpy()) == 10, what
        assert "is damaged" in caplog.text, what
        assert "The one before it is used." in caplog.text
    assert len(kinds) == 9
    # What lies damaged in the way is replaced, and does not count as newest.
    gan.step.assign(15)
    saved(folder, gan, keep_last=1)
    assert Checkpoints(folder).steps() == [15, 20]
    gan.step.assign(20)
    checkpoints = saved(folder, gan, keep_last=1)
    assert checkpoints.steps() == [20]
    assert checkpoint_files.is_whole(checkpoints.path(20))


def test_nothing_whole_is_an_error(tmp_path):
    checkpoints = saved(tmp_path, game())
    (checkpoints.path(0) / "SHA256SUMS").unlink()
    with pytest.raises(
        CheckpointError,
        match=re.escape(
            f"All 1 checkpoints in {tmp_path} are damaged. Remove the folder "
            "to begin anew."
        ),
    ):
        checkpoints.restore(game())


def test_another_architecture_is_refused_by_its_differences(tmp_path):
    checkpoints = saved(tmp_path, game())
    with pytest.raises(
        CheckpointError,
        match=re.escape(
            f"The checkpoint in {tmp_path} is of another architecture: "
            "generator/001/bias: float32 [8] there, none here; "
            "generator/001/gamma: none there, float32 [8] here; "
        ),
    ):
        checkpoints.restore(game(with_batch_norm=True))


def test_a_later_format_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint_files, "FORMAT", 2)
    checkpoints = saved(tmp_path, game())
    monkeypatch.undo()
    with pytest.raises(
        CheckpointError, match="is of format 2; this ganzoo reads up to 1"
    ):
        checkpoints.load()


def test_a_full_disk_leaves_what_was_there(tmp_path):
    gan = game()
    checkpoints = saved(tmp_path, gan)
    gan.step.assign(1)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(
            CheckpointError,
            match=re.escape(
                f"No checkpoint could be written to {checkpoints.path(1)}: "
            )
            + ".*The earlier ones are untouched. Make room or",
        ):
            checkpoints.save(gan, {})
            checkpoints.wait()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000000"]
    checkpoints.save(gan, {})
    checkpoints.wait()
    assert checkpoints.steps() == [0, 1]


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    checkpoints = Checkpoints(tmp_path / "file" / "checkpoints")
    checkpoints.save(game(), {})
    with pytest.raises(CheckpointError, match="Make room or make the folder"):
        checkpoints.wait()


def test_a_weight_that_is_not_finite_is_named():
    gan = game()
    weight = gan.discriminator.trainable_variables[0]
    weight.assign(np.full(weight.shape, np.nan))
    with pytest.raises(
        divergence.DivergenceError,
        match="kernel of the discriminator is not finite at step 3. Kept. L",
    ):
        divergence.check_weights(gan, 3, lambda: "Kept.")


def test_the_manifest_says_what_it_is_of(tmp_path):
    checkpoints = saved(tmp_path, game(), {"batch_size": 8})
    text = (checkpoints.path(0) / "manifest.json").read_text()
    manifest = json.loads(text)
    assert manifest["format"] == 1
    assert manifest["about"] == {"batch_size": 8}
    assert "dense" in manifest["paths"]["generator/000/kernel"]
