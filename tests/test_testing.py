"""The kit says of a wrong component which promise it breaks, and no other."""

import re

import pytest
import wrong_components as wrong

from ganzoo import testing
from ganzoo.testing import ConformanceError
from ganzoo.testing.promises import Check

SHAPES = [(4, 4, 1), (2, 2, 1)]


def broken(checks):
    """The names of the promises that are broken."""
    names = set()
    for check in checks:
        try:
            check()
        except ConformanceError as error:
            assert error.promise == check.promise
            names.add(check.promise)
    return names


@pytest.mark.slow
@pytest.mark.parametrize(
    ("factory", "promise"),
    [
        (wrong.right_generator, None),
        (wrong.generator_of_one_shape, "shapes"),
        (wrong.generator_that_casts, "dtypes"),
        (wrong.generator_with_unused_weight, "gradients"),
        (wrong.generator_that_overflows, "finite"),
        (wrong.generator_that_writes_kernels, "pure"),
        (wrong.generator_without_seed, "seed"),
        (wrong.generator_with_one_mask_for_all, "replicas"),
        (wrong.generator_deaf_to_conditions, "conditions"),
        (wrong.generator_with_state_in_python, "export"),
    ],
)
def test_generator_fails_the_check_of_its_fault(factory, promise):
    checks = testing.generator_checks(factory, SHAPES, latent_dim=3)
    assert broken(checks) == ({promise} if promise else set())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("factory", "promise"),
    [
        (wrong.right_discriminator, None),
        (wrong.discriminator_without_last_axis, "shapes"),
        (wrong.discriminator_that_compares, "examples"),
    ],
)
def test_discriminator_fails_the_check_of_its_fault(factory, promise):
    checks = testing.discriminator_checks(factory, SHAPES)
    assert broken(checks) == ({promise} if promise else set())


@pytest.mark.parametrize(
    ("factory", "promise"),
    [
        (wrong.RightLoss, None),
        (wrong.LossThatAsksForMore, "signatures"),
        (wrong.LossThatAverages, "shapes"),
        (wrong.LossThatCasts, "dtypes"),
        (wrong.LossWithoutGradient, "gradients"),
        (wrong.LossOfProbabilities, "finite"),
        (wrong.PenaltyThatIsNaNWhereFlat, "finite"),
        (wrong.LossWithoutSeed, "seed"),
        (wrong.LossWithOneNoiseForAll, "replicas"),
    ],
)
def test_loss_fails_the_check_of_its_fault(factory, promise):
    checks = testing.loss_checks(factory)
    assert broken(checks) == ({promise} if promise else set())


@pytest.mark.parametrize(
    ("factory", "promise"),
    [
        (wrong.RightData, None),
        (wrong.DataOfAnotherShape, "shapes"),
        (wrong.DataOfPixels, "dtypes"),
        (wrong.DataWithNaN, "finite"),
        (wrong.DataOutOfRange, "range"),
        (wrong.ShuffledData, "seed"),
        (wrong.DataOfAnySplit, "splits"),
        (wrong.DataOfRelativeImages, "images"),
        (wrong.DataWithLabelsFromOne, "conditions"),
        (wrong.DataWithOneDensity, "density"),
        (wrong.DataAugmentedAnyhow, "augmentation"),
    ],
)
def test_dataset_fails_the_check_of_its_fault(factory, promise):
    checks = testing.dataset_checks(factory)
    assert broken(checks) == ({promise} if promise else set())


@pytest.mark.parametrize(
    ("factory", "promise"),
    [
        (wrong.RightEvaluator, None),
        (wrong.EvaluatorOfNothing, "numbers"),
        (wrong.EvaluatorOfScalars, None),
        (wrong.EvaluatorOfText, "numbers"),
        (wrong.EvaluatorWithoutProtocol, "protocol"),
        (wrong.EvaluatorThatPrints, "silence"),
        (wrong.EvaluatorWithoutSeed, "seed"),
    ],
)
def test_evaluator_fails_the_check_of_its_fault(factory, promise):
    checks = testing.evaluator_checks(factory)
    assert broken(checks) == ({promise} if promise else set())


@pytest.mark.parametrize(
    ("factory", "received"),
    [
        (wrong.EvaluatorOfPairs, "('mean', 0.5). Yield a tuple of three."),
        (wrong.EvaluatorThatReturnsNone, "None. Yield them, or return a list."),
        (
            wrong.EvaluatorThatCannotRun,
            "EvaluatorThatCannotRun without it. See `ganzoo.interfaces.",
        ),
    ],
)
def test_evaluator_that_yields_no_triples_says_what_it_gives(factory, received):
    with pytest.raises(ConformanceError) as raised:
        testing.check_evaluator(factory)
    assert raised.value.promise == "numbers"
    assert f"Received: {received}" in str(raised.value)


def test_one_call_returns_the_outcomes():
    assert testing.check_evaluator(wrong.RightEvaluator) == {
        "numbers": "ok",
        "protocol": "ok",
        "silence": "ok",
        "seed": "ok",
    }


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (
            lambda: testing.check_generator(
                wrong.generator_of_one_shape, SHAPES, 3, name="toy"
            ),
            "`toy` breaks 'shapes': inputs (1, 3) must give shape (1, 2, 2, 1) "
            "for samples (2, 2, 1). Received: shape (1, 4, 4, 1). Follow "
            "`sample_shape` in the last layer.",
        ),
        (
            lambda: testing.check_generator(
                wrong.generator_that_is_no_model, SHAPES, 3, name="toy"
            ),
            "`toy` breaks 'shapes': the factory must return a keras.Model. "
            "Received: function. Return the model itself, not its output or a "
            "function.",
        ),
        (
            lambda: testing.check_loss(wrong.LossThatAverages),
            "`wrong_components:LossThatAverages` breaks 'shapes': `generator` "
            "must give one value for each example, shape (6,). Received: shape "
            "(). Do not average: ganzoo does, over the global batch.",
        ),
        (
            lambda: testing.check_dataset(wrong.DataOutOfRange, ["train"]),
            "`wrong_components:DataOutOfRange` breaks 'range': samples must "
            "lie within `value_range` (0.0, 1.0). Received: ",
        ),
        (
            lambda: testing.check_evaluator(wrong.EvaluatorOfNothing),
            "`wrong_components:EvaluatorOfNothing` breaks 'numbers': `run` "
            "must yield a name and a finite number. Received: 'mean', -inf. "
            "Leave out, or raise for, what cannot be computed.",
        ),
    ],
)
def test_message_says_who_breaks_what_and_what_to_do(check, message):
    with pytest.raises(ConformanceError, match=f"^{re.escape(message)}"):
        check()


def test_what_cannot_be_sent_to_the_other_process_is_said():
    def build(sample_shape, latent_dim):
        return wrong.right_generator(sample_shape, latent_dim)

    (check,) = (
        check
        for check in testing.generator_checks(build, SHAPES, 3)
        if check.promise == "replicas"
    )
    with pytest.raises(
        ConformanceError, match="Define it at the top level of a module"
    ):
        check()


def test_what_a_component_raises_is_its_fault():
    def fail():
        raise ZeroDivisionError("of its own")

    check = Check("toy", "seed", fail)
    message = (
        "`toy` breaks 'seed': it must not raise. Received: "
        "ZeroDivisionError: of its own"
    )
    with pytest.raises(ConformanceError, match=f"^{re.escape(message)}$"):
        check()
    assert check.outcome == "BROKEN"


def test_table():
    outcomes = {
        ("a.toy", "shapes"): "ok",
        ("a.toy", "replicas"): "equal",
        ("b", "shapes"): "BROKEN",
    }
    assert testing.table(outcomes) == (
        "component  shapes  replicas\n"
        "a.toy      ok      equal\n"
        "b          BROKEN"
    )
