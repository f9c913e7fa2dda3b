"""Starting with the weights of another run, layer by layer."""

import re

import keras
import numpy as np
import pytest
from small_runs import game

from ganzoo.errors import ConfigurationError, RunError
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


def narrower():
    """A game none of whose layers has the name and shapes of `game`'s."""
    gan = game()
    nets = []
    for width, num in ((3, 2), (2, 1)):
        layers = [keras.layers.Dense(9, name="hidden"), keras.layers.Dense(num)]
        nets.append(keras.Sequential([keras.Input((width,)), *layers]))
    gan.generator, gan.discriminator = nets
    gan.ema = []
    return gan


@pytest.mark.parametrize("player", ["generator", "discriminator"])
def test_a_player_that_takes_nothing_is_named_with_both_sides(
    player, other_run
):
    other, run = other_run
    gan = narrower()
    rest = {"generator", "discriminator"} - {player}
    first, _ = layers(getattr(other, player))
    with pytest.raises(RunError) as caught:
        initialize_from(gan, run=run, **{f"{rest.pop()}_layers": {}})
    message = str(caught.value)
    width = 3 if player == "generator" else 2
    assert message.startswith(
        f'`initialize_from.{player}_layers` must name layers where "same" '
        f'finds none. Received: "same" for a {player} of '
    )
    assert f"hidden ({width}, 9) (9,), " in message
    assert f", and one of {first} ({width}, 8) (8,), " in message
    assert message.endswith(
        f" in {run}. Pair them in a dict, or write {{}} to take nothing."
    )
    nothing = {"generator_layers": {}, "discriminator_layers": {}}
    assert len(initialize_from(gan, run=run, **nothing)) == 4


@pytest.mark.parametrize("wanted", ["hidden_0", ["hidden_0"], None])
def test_layers_in_another_form_are_refused(wanted, other_run):
    _, run = other_run
    with pytest.raises(
        ConfigurationError,
        match=re.escape(
            "`initialize_from.generator_layers` must be 'same' or a dict "
            f"{{layer of this run: layer of that run}}. Received: {wanted!r}."
        ),
    ):
        initialize_from(game(), run=run, generator_layers=wanted)


def test_a_run_without_checkpoint_is_named(tmp_path):
    with pytest.raises(
        RunError,
        match=re.escape(
            "`initialize_from.run` must be a run directory with a checkpoint. "
            f"Received: '{tmp_path}', which has none in {tmp_path}/checkpoints."
        ),
    ):
        initialize_from(game(), run=str(tmp_path))
