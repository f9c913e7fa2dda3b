"""A run from end to end, and what stops it."""

import json
import re
import resource

import numpy as np
import pytest
from PIL import Image
from processes import Command, complete
from small_runs import Data, arguments, check_identical, game, lines, newest

from ganzoo.errors import ConfigurationError, DataError, RunError
from ganzoo.scores.evaluation import evaluate
from ganzoo.storage.checkpoints import Checkpoints
from ganzoo.storage.run_directory import RunDirectory
from ganzoo.training import divergence
from ganzoo.training.experiment import Experiment, train
from ganzoo.training.saving import Saver
from ganzoo.training.scoring import Scores


class Unbounded:
    """Costs that outgrow float32 after a few steps at a high rate."""

    def discriminator(self, real_logits, fake_logits):
        return -(real_logits**2) + fake_logits

    def generator(self, fake_logits):
        return -fake_logits


class Spread:
    """Scores a model by the standard deviation of its samples."""

    def run(self, model, dataset):
        samples = np.concatenate(list(model.sample(50, seed=1)))
        yield "spread", float(samples.std()), {"better": "lower"}


def play(tmp_path, gan, data=None, **settings):
    """Trains in this process; the examples are few, an epoch is 8 steps."""
    data = data or Data()
    return train(
        gan,
        Experiment(dataset=data, seed=11),
        data.examples("train"),
        RunDirectory(tmp_path),
        **{"num_steps": 16, "batch_size": 8, "num_samples": 4, **settings},
    )


def saver(folder):
    return Saver(Checkpoints(folder / "checkpoints"), 1, {})


def test_a_run_leaves_all_that_it_promises(tmp_path):
    run_dir, log = tmp_path / "run", tmp_path / "log"
    params = (
        "train.num_steps = 30",
        "train.sample_every_steps = 10",
        "train.log_every_steps = 14",
    )
    status, output = complete(arguments(run_dir, *params), log)
    assert status == 0, output
    assert "Seed: 0\n" in output
    assert re.search(r"Devices: .*\d CPU.*Training on 1 replica\.", output)
    first, line = re.search(r"First step: (.*) s with.*\n(.*)", output).groups()
    assert 0 < float(first) < 600
    assert line.startswith("step      14/30 ")
    pictures = sorted(path.name for path in (run_dir / "samples").iterdir())
    assert pictures == [f"step-{step:08d}.png" for step in (10, 20, 30)]
    with Image.open(run_dir / "samples" / pictures[-1]) as picture:
        assert picture.width > 30
    assert output.splitlines()[-1] == (
        f"Step 30. Everything is in {run_dir}; samples in "
        f"{run_dir}/samples/{pictures[-1]}"
    )
    assert [line["step"] for line in lines(run_dir)] == [14, 28, 30]
    for name in ("config.gin", "operative_config.gin", "components.txt"):
        assert (run_dir / name).read_text()
    (manifest,) = (
        json.loads((path / "manifest.json").read_text())
        for path in [run_dir / "checkpoints" / "step-00000030"]
    )
    about = manifest["about"]
    assert about["bindings"]["train.num_steps"] == "30"
    assert any("generators.mlp" in line for line in about["components"])
    assert set(about["versions"]) == {"ganzoo", "keras", "numpy", "tensorflow"}

    # The same folder under another recipe, and another version.
    status, output = complete(
        arguments(run_dir, *params, "train.batch_size = 50"), log
    )
    assert status == 2
    assert (
        f"Error: {run_dir} belongs to another recipe: train.batch_size was "
        "100, is 50. Use another --run_dir, or the settings it began with."
    ) in output
    components = run_dir / "components.txt"
    changed = components.read_text().replace("\t0.", "\t7.")
    components.write_text(changed)
    status, output = complete(arguments(run_dir, *params), log)
    assert status == 2
    assert f"Error: {run_dir} was begun with other versions: " in output
    assert "generators.mlp was of ganzoo 7.1, is of ganzoo 0.1" in output


def test_a_run_does_not_go_on_with_another_number_of_examples(tmp_path):
    gan, data = game(), Data()
    play(tmp_path, gan, num_steps=2)
    kept = Checkpoints(tmp_path / "checkpoints")
    about = kept.restore(gan)
    assert about["num_examples"] == 64
    known = {"gan": gan, "about": about, "num_steps": 3}
    # Earlier versions kept no number.
    play(tmp_path, **{**known, "about": {}})
    play(tmp_path, **known)
    data.examples = lambda split: Data().examples(split)[:63]
    with pytest.raises(
        RunError,
        match=re.escape(
            "A run must go on with the examples that it began with. Received: "
            "63 to train on, where its checkpoint saw 64. Put the data back, "
        ),
    ):
        play(tmp_path, data=data, **known)


def test_a_held_run_names_its_holder(tmp_path):
    run_dir = tmp_path / "run"
    with RunDirectory(run_dir).hold():
        command = Command(
            arguments(run_dir, "train.num_steps = 1"), tmp_path / "log"
        )
        assert command.wait() == 2
    assert re.search(
        rf"Error: {run_dir} is held by process \d+ on .+, since .+\. Wait for "
        r"it, stop it, or use another --run_dir\.",
        command.output(),
    )


def test_losses_are_means_over_the_interval(tmp_path):
    play(tmp_path, game(), log_every_steps=1)
    single = [line["discriminator_loss"] for line in lines(tmp_path)]
    other = tmp_path / "other"
    other.mkdir()
    play(other, game(), log_every_steps=8)
    means = [line["discriminator_loss"] for line in lines(other)]
    expected = np.mean(np.reshape(single, (2, 8)), axis=1)
    np.testing.assert_allclose(means, expected, rtol=1e-6)


def test_a_loss_that_is_not_finite_stops_the_run(tmp_path):
    gan = game(rate=1e19, losses=[Unbounded()])
    with pytest.raises(
        divergence.DivergenceError,
        match=r"(loss became (nan|-?inf) between steps \d+ and \d+|is not "
        r"finite at step \d+)\. There is no checkpoint yet\. Lower the",
    ):
        play(tmp_path, gan, checkpoint_every_steps=16)
    assert Checkpoints(tmp_path / "checkpoints").steps() == []


def test_a_run_rolls_back_and_lowers_the_rates(tmp_path, capsys):
    gan = game()
    play(tmp_path, gan, num_steps=8)
    rates = [o.learning_rate for _, o in gan.players.values()]
    for rate in rates:
        rate.assign(1e19)
    gan.compile(
        gan.players["generator"][1],
        gan.players["discriminator"][1],
        [Unbounded()],
    )
    reached = play(
        tmp_path, gan, num_steps=12, max_rollbacks=2, log_every_steps=1
    )
    # Step 8 brought the recipe's rates back; they suffice at half.
    assert reached == 12
    np.testing.assert_allclose([float(rate) for rate in rates], 0.005)
    printed = capsys.readouterr().out
    assert "Back to step 8 with learning rates times 0.5: rollback 1 of 2." in (
        printed
    )
    steps = [line["step"] for line in lines(tmp_path)]
    assert steps == sorted(set(steps))


def test_numbers_on_the_way_choose_the_best_checkpoint(tmp_path, capsys):
    play(
        tmp_path,
        game(),
        log_every_steps=16,
        checkpoint_every_steps=8,
        keep_checkpoints=1,
        evaluators=[Spread()],
        evaluate_every_steps=3,
    )
    scores = {
        line["step"]: line["spread/ema"]
        for line in lines(tmp_path)
        if "spread/ema" in line
    }
    assert list(scores) == [3, 6, 9, 12, 15, 16]
    checkpoints = Checkpoints(tmp_path / "checkpoints")
    best = checkpoints.best()
    assert scores[best["step"]] == min(scores.values()) == -best["score"]
    assert set(checkpoints.steps()) == {best["step"], 16}
    assert checkpoints.find("best") == best["step"]
    printed = capsys.readouterr().out
    assert re.search(
        r"step +3/16  spread/raw [\d.]+  spread/ema [\d.]+", printed
    )

    # The one that is scored here is the one that was scored on the way.
    gan = game()
    checkpoints.restore(gan, best["step"])
    results = evaluate(
        gan, Data(), RunDirectory(tmp_path), evaluators=[Spread()]
    )
    assert results[1]["value"] == scores[best["step"]]


@pytest.mark.slow
def test_numbers_on_the_way_leave_the_weights_and_a_resume_as_they_are(
    tmp_path,
):
    watched = {"evaluators": [Spread()], "evaluate_every_steps": 3}
    for name, settings in [("plain", {}), ("watched", watched)]:
        (tmp_path / name).mkdir()
        play(tmp_path / name, game(), num_steps=20, **settings)
    check_identical(newest(tmp_path / "watched"), newest(tmp_path / "plain"))

    resumed = tmp_path / "resumed"
    resumed.mkdir()
    play(resumed, game(), num_steps=7, **watched)
    gan = game()
    Checkpoints(resumed / "checkpoints").restore(gan)
    play(resumed, gan, num_steps=20, **watched)
    check_identical(newest(resumed), newest(tmp_path / "plain"))
    numbers = [line for line in lines(resumed) if "spread/raw" in line]
    assert [line["step"] for line in numbers] == [3, 6, 7, 9, 12, 15, 18, 20]
    expected = [x for x in lines(tmp_path / "watched") if "spread/raw" in x]
    assert [x for x in numbers if x["step"] != 7] == expected


class OfTheDiscriminator(Spread):
    """Looks at no weight of G's."""

    ignores_averages = True


def test_what_ignores_averages_is_scored_once(tmp_path):
    evaluators = [OfTheDiscriminator()]
    gan = game()
    play(tmp_path, gan, num_steps=2, evaluators=evaluators)
    (line,) = [x for x in lines(tmp_path) if "spread/raw" in x]
    assert "spread/ema" not in line
    best = Checkpoints(tmp_path / "checkpoints").best()
    assert best == {"step": 2, "score": -line["spread/raw"]}
    (result,) = evaluate(gan, Data(), evaluators=evaluators)
    assert result["protocol"]["weights"] == "raw"
    assert result["value"] == line["spread/raw"]


class Killed(BaseException):
    """What no code of the run catches."""


class KilledAt(Spread):
    """Is killed at its call number `fatal`."""

    def __init__(self, fatal=None):
        self.fatal = fatal
        self.num_calls = 0

    def run(self, model, dataset):
        self.num_calls += 1
        if self.num_calls == self.fatal:
            raise Killed
        yield from super().run(model, dataset)


@pytest.mark.parametrize("fatal", [3, 6])  # At steps 6 and 9.
def test_what_is_killed_before_its_number_is_scored_when_it_goes_on(
    tmp_path, fatal
):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    settings = {
        "num_steps": 9,
        "keep_checkpoints": 1,
        "evaluate_every_steps": 3,
    }
    for folder in (whole, killed):
        folder.mkdir()
    play(whole, game(), evaluators=[KilledAt()], **settings)
    with pytest.raises(Killed):
        play(killed, game(), evaluators=[KilledAt(fatal)], **settings)
    checkpoints = Checkpoints(killed / "checkpoints")
    step = checkpoints.steps()[-1]
    assert step == (6 if fatal == 3 else 9)
    assert not [
        x for x in lines(killed) if x["step"] == step and "spread/ema" in x
    ]

    gan = game()
    checkpoints.restore(gan)
    play(killed, gan, evaluators=[KilledAt()], **settings)
    check_identical(newest(killed), newest(whole))
    assert lines(killed) == lines(whole)
    expected = Checkpoints(whole / "checkpoints")
    assert checkpoints.best() == expected.best()
    assert checkpoints.steps() == expected.steps()

    # Once more: nothing is left to be scored.
    again = KilledAt(1)
    play(killed, gan, evaluators=[again], **settings)
    assert again.num_calls == 0


class Failing:
    """Says that it cannot score this."""

    def run(self, model, dataset):
        raise DataError("Nothing to score.")


def test_an_evaluator_that_fails_costs_no_training(tmp_path):
    with pytest.raises(DataError, match="Nothing to score"):
        play(tmp_path, game(), evaluators=[Failing()], evaluate_every_steps=5)
    checkpoints = Checkpoints(tmp_path / "checkpoints")
    assert checkpoints.steps() == [5]
    assert checkpoints.best() is None


def test_no_number_is_taken_of_weights_that_are_not_finite(tmp_path):
    gan = game()
    gan.generator.trainable_variables[0].assign(np.full((3, 8), np.nan))
    scores = Scores(gan, [Spread()], Data(), 1, saver(tmp_path), log=None)
    with pytest.raises(divergence.DivergenceError, match="is not finite"):
        scores(gan, 1)


def test_two_numbers_of_one_name_on_the_way_are_refused(tmp_path):
    message = (
        "`train.evaluators` must yield numbers of different names. Received: "
        "spread/raw twice. Leave one evaluator out."
    )
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        play(tmp_path, game(), evaluators=[Spread(), Spread()])


def test_a_full_disk_says_what_to_do(tmp_path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300, before[1]))
    try:
        with pytest.raises(RunError, match="Make room or make"):
            play(tmp_path, game(), log_every_steps=1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"num_steps": 0},
            "`train.num_steps` must be at least 1. Received: num_steps=0.",
        ),
        (
            {"log_every_steps": 0},
            "`train.log_every_steps` must be at least 1. Received: "
            "log_every_steps=0.",
        ),
        (
            {"num_steps": 2.5},
            "`train.num_steps` must be an integer. Received: num_steps=2.5.",
        ),
        (
            {"log_every_steps": 2.5},
            "`train.log_every_steps` must be an integer. Received: "
            "log_every_steps=2.5.",
        ),
        (
            {"keep_checkpoints": 1.5},
            "`train.keep_checkpoints` must be an integer. Received: "
            "keep_checkpoints=1.5.",
        ),
        (
            {"batch_size": 10.5},
            "`train.batch_size` must be an integer. Received: batch_size=10.5.",
        ),
        (
            {"max_rollbacks": True},
            "`train.max_rollbacks` must be an integer. Received: "
            "max_rollbacks=True.",
        ),
        (
            {"evaluators": Spread()},
            "`train.evaluators` must be a list. Received: Spread. Write, for "
            "instance, [@evaluators.parzen()].",
        ),
        (
            {"batch_size": 65},
            "`batch_size` must not exceed the number of examples. Received: "
            "batch_size=65 for 64 examples. Lower it.",
        ),
        (
            {"evaluate_every_steps": 0},
            "`train.evaluate_every_steps` must be at least 1. Received: "
            "evaluate_every_steps=0.",
        ),
        (
            {"max_rollbacks": -1},
            "`train.max_rollbacks` must not be negative, and "
            "`train.rollback_rate_factor` be in (0, 1]. Received: "
            "max_rollbacks=-1, rollback_rate_factor=0.5.",
        ),
        (
            {"rollback_rate_factor": "half"},
            "`train.rollback_rate_factor` be in (0, 1]. Received: "
            "max_rollbacks=0, rollback_rate_factor='half'.",
        ),
    ],
)
def test_bad_numbers_are_refused(tmp_path, settings, message):
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        play(tmp_path, game(), **settings)
