"""docs/original_code.md: each setting is one, and no box is left out."""

import re

import pytest

from conftest import ROOT
from ganzoo import configuration

PAGE = ROOT / "docs" / "original_code.md"
NOTES = ROOT.parent / "shared" / "docs" / "original-code.md"
RECIPE = ROOT / "gin" / "mnist_mlp.gin"
SETTING = re.compile(r"`([\w/]+(?:\.\w+)+ = [^`]+)`")
# In the notes' explanations of boxes: formulas, methods, names of Keras.
NOT_BOXES = {
    *("AdversaryCost", "Conv", "get_gradients", "get_samples_and_objectives"),
    *("g_j", "logmeanexp_j", "new_head", "stop_grad", "use_bias"),
}
# What must be bound of things that a row names, and is none of its business.
NEEDED = [
    "companions.inference.encoder = @mlp_encoder",
    "companions.inference.optimizer = @optimizers.adam()",
    "datasets.masked.dataset = @datasets.mnist()",
    "datasets.masked.mask = @masks.right_half()",
    "datasets.tfd.path = 'faces.mat'",
    "initialize_from.run = 'runs/other'",
    "latents.bernoulli.latent_dim = 8",
    "latents.joined.parts = [@latents.gaussian()]",
    "losses.without_dropout.loss = @losses.non_saturating()",
    "pacing.alternating_epochs.steps_per_epoch = 500",
    "pacing.delayed.num_steps = 500",
]


def rows():
    """(what the original had, what does it here), row by row."""
    lines = [
        line.strip("| ").split(" | ")
        for line in PAGE.read_text().splitlines()
        if line.startswith("| ") and line != "| 2014 | here |"
    ]
    assert all(len(line) == 2 for line in lines)
    return lines


def configurations():
    """All settings, in as few configurations as bind no key twice."""
    found = []
    for _, here in rows():
        bound = dict(text.split(" = ", 1) for text in SETTING.findall(here))
        for text in SETTING.findall(here):
            key, value = text.split(" = ", 1)
            if bound[key] != value:  # A row may list values of one key.
                found.append({key: value})
        for other in found:
            if not other.keys() & bound.keys():
                other.update(bound)
                break
        else:
            found.append(bound)
    return found


def test_a_row_has_settings_or_a_reason():
    assert len(rows()) > 50
    for original, here in rows():
        assert SETTING.search(here) or here.startswith("none: "), original


@pytest.mark.parametrize("settings", configurations())
def test_settings_are_known(settings):
    texts = [f"{key} = {value}" for key, value in settings.items()]
    found = configuration.read([str(RECIPE)], [*NEEDED, *texts])
    found.activate()  # Loads what is named, and has all parameters checked.
    bound = {key.removeprefix("ganzoo.") for key in found.bindings()}
    for key in settings:
        assert {key, key.replace("/", "/ganzoo.")} & bound, key


def test_a_setting_that_is_none_would_be_found():
    for wrong in (
        "build_gan.generator_paces = None",
        "losses.lazy.margin = 0.0",
        "build_gan.transforms = [@transforms.diff_argument()]",
    ):
        with pytest.raises(Exception, match="(?s)Did you mean|It takes"):
            configuration.read([str(RECIPE)], [wrong]).activate()


def test_no_name_of_the_original_is_left_out():
    if not NOTES.is_file():
        pytest.skip("needs ../shared/docs/original-code.md")
    sections = re.split(r"^## (\d+) ", NOTES.read_text(), flags=re.M)
    named = set()
    for number, text in zip(sections[1::2], sections[2::2], strict=True):
        if number in ("1", "2", "3", "4", "5", "9", "10"):
            for box in re.findall(r"^- \[ \] (.*(?:\n  .*)*)", text, re.M):
                named |= set(re.findall(r"\b[a-z]+(?:_[a-z]+)+\b", box))
                named |= set(re.findall(r"`([A-Z][A-Za-z]+)", box))
    missing = named - set(re.findall(r"\w+", PAGE.read_text()))
    assert missing <= NOT_BOXES


def test_files_that_it_names_are_there():
    named = re.findall(r"`((?:gin|tests|docs)/[\w/.]+)`", PAGE.read_text())
    assert len(named) >= 3
    for path in named:
        assert (ROOT / path).is_file(), path
