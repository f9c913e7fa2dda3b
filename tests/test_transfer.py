"""Starting with the weights of another run, layer by layer."""

import re

import numpy as np
import pytest
from small_runs import game

from ganzoo.errors import RunError
from ganzoo.storage.checkpoints import Checkpoints
from ganzoo.transfer import initialize_from


@pytest.fixture
def other_run(tmp_path):
    """A run whose weights are all 3, and whose averages are all 5."""
    gan = game()
    for weight in gan.generator.weights + gan.discriminator.weights:
        weight.assign(np.full(weight.shape, 3.0))
    for average in gan.ema:
        average.assign(np.full(average.shape, 5.0))
    checkpoints = Checkpoints(tmp_path / "checkpoints")
    checkpoints.save(gan, {})
    checkpoints.wait()
    return gan, str(tmp_path)


def layers(network):
    return [layer.name for layer in network.layers if layer.weights]


def test_layers_are_taken_by_name_and_the_rest_is_kept(other_run):
    other, run = other_run
    gan = game()
    before = [weight.numpy() for weight in gan.generator.weights]
    ours, theirs = layers(gan.generator), layers(other.generator)
    lines = initialize_from(
        gan,
        run=run,
        generator_layers={ours[0]: theirs[0]},
        discriminator_layers={},
    )
    assert lines[0] == f"generator {ours[0]}: from {theirs[0]} of {run}"
    assert f"generator {ours[1]}: kept its own" in lines
    after = [weight.numpy() for weight in gan.generator.weights]
    np.testing.assert_array_equal(after[0], 3)
    np.testing.assert_array_equal(after[2], before[2])
    np.testing.assert_array_equal(gan.ema[0].numpy(), 3)


def test_averages_can_be_taken(other_run):
    other, run = other_run
    gan = game()
    pairs = dict(
        zip(layers(gan.generator), layers(other.generator), strict=True)
    )
    initialize_from(
        gan,
        run=run,
        generator_layers=pairs,
        discriminator_layers={},
        use_ema=True,
    )
    for weight in gan.generator.weights:
        np.testing.assert_array_equal(weight.numpy(), 5)


def test_what_does_not_fit_is_named(other_run):
    other, run = other_run
    gan = game()
    ours, theirs = layers(gan.generator), layers(other.generator)
    with pytest.raises(
        RunError,
        match=re.escape(
            "`initialize_from.generator_layers` must pair layers of the same "
            f"shapes. Received: {ours[0]} from {theirs[1]}: "
        ),
    ):
        initialize_from(gan, run=run, generator_layers={ours[0]: theirs[1]})
    with pytest.raises(
        RunError,
        match=re.escape(
            "`initialize_from.discriminator_layers` names a layer 'dance' that "
            "this discriminator does not have."
        ),
    ):
        initialize_from(
            gan,
            run=run,
            generator_layers={},
            discriminator_layers={"dance": "dense"},
        )


def test_a_run_without_checkpoint_is_named(tmp_path):
    with pytest.raises(
        RunError,
        match=re.escape(
            "`initialize_from.run` must be a run directory with a checkpoint. "
            f"Received: '{tmp_path}', which has none in {tmp_path}/checkpoints."
        ),
    ):
        initialize_from(game(), run=str(tmp_path))
