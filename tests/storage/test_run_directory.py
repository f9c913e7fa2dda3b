"""Whose recipe a run directory holds, and when it changes."""

import json

import pytest
from processes import complete
from small_runs import RECIPE, arguments, newest

from ganzoo.storage.run_directory import RunDirectory

FILES = ("config.gin", "components.txt", "bindings.json")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run of two steps; its seed was chosen by the core."""
    folder = tmp_path_factory.mktemp("runs")
    recipe = folder / "recipe.gin"
    text = RECIPE.read_text().replace("experiment.seed", "# experiment.seed")
    recipe.write_text(text)
    flags = arguments(folder / "run", "train.num_steps = 2")
    status, output = complete(
        [f"--gin_file={recipe}", *flags[1:]], folder / "log"
    )
    assert status == 0, output
    return folder / "run"


def texts(run_dir):
    return [(run_dir / name).read_text() for name in FILES]


def command(run_dir, mode, *params):
    """A call on the run's own recipe: (exit status, output)."""
    flags = [f"--run_dir={run_dir}", f"--mode={mode}"]
    params = [f"--gin_param={param}" for param in params]
    return complete([*flags, *params], run_dir.with_suffix(".log"))


SCOPED = (
    "evaluate.evaluators = [@evaluators.semi_supervised(), "
    "@first/evaluators.semi_supervised()]",
    "first/evaluators.semi_supervised.layer = 'hidden_0'",
    "evaluators.semi_supervised.num_labels = (20,)",
    "evaluators.semi_supervised.num_draws = 2",
    "train.num_steps = 7",
)


def test_a_call_that_does_not_train_is_not_remembered(trained):
    before = texts(trained)
    status, output = command(trained, "evaluate", *SCOPED)
    assert status == 0, output
    results = json.loads((trained / "evaluation.json").read_text())
    assert len({r["protocol"].get("layer") for r in results}) == 2
    assert texts(trained) == before
    picture = trained.with_name("samples.png")
    status, output = complete(
        [
            f"--run_dir={trained}",
            "--mode=sample",
            f"--output={picture}",
            "--gin_param=train.num_steps = 7",
            "--gin_param=evaluators.kernel.num_samples = 5",
        ],
        trained.with_suffix(".log"),
    )
    assert status == 0, output
    assert (
        "Bound, but never used: ganzoo.evaluators.kernel.num_samples "
        "(--gin_param)." in output
    )
    assert texts(trained) == before


@pytest.mark.parametrize(
    ("mode", "param", "message"),
    [
        (
            "evaluate",
            "evaluators.parzen.num_samples = -1",
            "`num_samples` must be",
        ),
        ("train", "train.keep_checkpoints = 0", "`train.keep_checkpoints`"),
        # Training has nothing to do, and what comes after it fails.
        (
            "train,evaluate",
            "evaluate.evaluators = [@evaluators.class_accuracy()]",
            "class_accuracy",
        ),
    ],
)
def test_a_call_that_fails_leaves_the_recipe_as_it_was(
    trained, mode, param, message
):
    before = texts(trained)
    status, output = command(trained, mode, param)
    assert status == 2, output
    assert message in output
    assert texts(trained) == before


def test_a_scope_that_is_no_longer_referred_to_is_forgotten(trained):
    """Last in this file: the run goes on."""
    seed = RunDirectory(trained).recorded_seed()
    numbers = json.dumps([{"protocol": {"step": 2}}])
    (trained / "evaluation.json").write_text(numbers)
    params = (
        "train.evaluators = [@watch/evaluators.parzen()]",
        "watch/evaluators.parzen.num_samples = 100",
    )
    for num, more in ((3, params), (4, ("train.evaluators = []",)), (5, ())):
        status, output = command(
            trained, "train", f"train.num_steps = {num}", *more
        )
        assert status == 0, output
        assert f"Seed: {seed}\n" in output
    assert "watch" not in (trained / "config.gin").read_text()
    assert newest(trained)["step/000/step"] == 5
    # Numbers of step 2 are not taken for those of the newest.
    assert not (trained / "evaluation.json").exists()
    assert (trained / "evaluation-step-00000002.json").read_text() == numbers


@pytest.mark.parametrize(
    ("text", "is_aside"),
    [
        ('[{"protocol": {"step": 4}}]', True),
        ('[{"protocol": {"step": 5}}]', False),
        ("[]", False),
        ('[{"proto', False),
    ],
)
def test_numbers_about_an_earlier_step_are_set_aside(tmp_path, text, is_aside):
    file = tmp_path / "evaluation.json"
    RunDirectory(tmp_path).set_aside(5)
    file.write_text(text)
    RunDirectory(tmp_path).set_aside(5)
    assert file.exists() != is_aside
    own = tmp_path / "evaluation-step-00000004.json"
    assert own.exists() == is_aside


def test_a_first_start_that_fails_does_not_take_the_folder(tmp_path):
    run_dir, log = tmp_path / "run", tmp_path / "log"
    start = ("train.num_steps = 2", "build_gan.ema_start = -1")
    status, output = complete(arguments(run_dir, *start), log)
    assert status == 2
    assert "`ema_start` must be a step" in output
    assert not (run_dir / "config.gin").exists()
    status, output = complete(arguments(run_dir, start[0]), log)
    assert status == 0, output
