"""`--describe` of what the core has, and of what there is not."""

import re

import pytest

from ganzoo import __version__
from ganzoo.commands.describing import describe
from ganzoo.core_names import CORE
from ganzoo.errors import GanzooError


@pytest.mark.parametrize("name", CORE)
def test_every_name_of_the_core_is_described(name):
    lines = describe(name).splitlines()
    assert lines[:3] == [name, f"ganzoo {__version__}, {CORE[name]}", ""]
    assert lines[3].strip()
    assert "Parameters:" in lines
    assert describe(f"ganzoo.{name}").splitlines() == lines


def test_what_the_core_gives_its_functions_is_told_from_what_is_bound():
    notes = {
        line.split(":")[0].strip(): "(supplied by the core)" in line
        for line in describe("train").split("Parameters:\n")[1].splitlines()
    }
    assert notes["gan"] and notes["about"]
    assert not (notes["num_steps"] or notes["evaluators"])
    assert "supplied" not in describe("latents.joined")


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("latents.joned", "`latents` has no 'joned'. Did you mean 'joined'?"),
        ("latnets.joined", "No kind named 'latnets'. Did you mean 'latents'?"),
        ("trian", "Nothing is named 'trian'. Did you mean 'train'? Run"),
        (
            "maxout_mlp",
            "Nothing is named 'maxout_mlp'. Did you mean "
            "'discriminators.maxout_mlp'? Run `--list` to see what is.",
        ),
        (
            "mlp_encodr",
            "Nothing is named 'mlp_encodr'. Did you mean 'mlp_encoder'?",
        ),
        ("latents", "`latents` must be followed by a name."),
        ("losses", "`losses` must be followed by a name."),
        ("losses.minmax", "No loss named 'minmax'. Did you mean 'minimax'?"),
    ],
)
def test_what_is_not_there_is_an_error_with_a_suggestion(reference, message):
    with pytest.raises(GanzooError, match=f"^{re.escape(message)}"):
        describe(reference)
