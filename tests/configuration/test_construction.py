"""A binding that nothing can be built from is named, without a traceback."""

import pytest
from small_runs import RECIPE, arguments

from ganzoo import configuration
from ganzoo.errors import ConfigurationError
from ganzoo.run import run

NOISE = "build_gan.transforms = [@transforms.noise()]"
PACE = "build_gan.generator_pace = @pacing.constant()"
MIXTURE = "build_gan.latents = @latents.mixture()"
INFERENCE = """
build_gan.companions = [@companions.inference()]
companions.inference.encoder = @mlp_encoder
companions.inference.optimizer = @optimizers.adam()
"""


@pytest.mark.parametrize(
    ("binding", "others"),
    [
        ("build_gan.losses = @losses.non_saturating()", ""),
        ("build_gan.transforms = @transforms.noise()", ""),
        (
            "build_gan.companions = @companions.inference()",
            INFERENCE.split("\n", 2)[2],
        ),
        ("transforms.noise.stddev = '0.1'", NOISE),
        ("pacing.constant.value = 'a'", PACE),
        ("build_gan.generator_pace = 0.5", ""),
        ("build_gan.update_rule = 'alternating'", ""),
        ("build_gan.update_rule = @pacing.every()", ""),
        ("build_gan.ema_decay = 'a'", ""),
        ("experiment.seed = 'a'", ""),
        ("experiment.seed = 1.5", ""),
        ("experiment.dtype_policy = 'float31'", ""),
        ("generators.mlp.hidden_units = (256, -5)", ""),
        ("generators.mlp.noise_units = -5", ""),
        ("discriminators.maxout_mlp.init_range = 'a'", ""),
        ("mlp_encoder.hidden_units = ('a',)", INFERENCE),
        ("latents.mixture.means_seed = -1", MIXTURE),
    ],
)
def test_the_binding_is_named(capsys, binding, others):
    """By what builds the game alone, for speed."""
    status = run(
        [
            "ganzoo",
            "--dry_run",
            f"--gin_file={RECIPE}",
            f"--gin_param={others}",
            f"--gin_param={binding}",
        ]
    )
    err = capsys.readouterr().err
    assert status == 2
    assert err.count("\n") == 1
    owner, _, name = binding.split(" = ")[0].rpartition(".")
    # "seed=1.5" or "ganzoo.generators.mlp.noise_units = -5".
    assert owner in err
    assert name in err
    assert "Received: " in err


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (
            ["build_gan.jit_compile = 'False'"],
            "`build_gan.jit_compile` must be True or False. Received: 'False'. "
            "(--gin_param)",
        ),
        (
            ["s/datasets.digits.conditional = %IS", "IS = 1"]
            + ["experiment.dataset = @s/datasets.digits()"],
            "`s/ganzoo.datasets.digits.conditional` must be True or False. "
            "Received: 1. (--gin_param)",
        ),
    ],
)
def test_a_switch_is_on_or_off(capsys, params, message):
    """Python takes the text "False" for true."""
    flags = ["ganzoo", "--dry_run", f"--gin_file={RECIPE}"]
    assert run([*flags, *(f"--gin_param={text}" for text in params)]) == 2
    assert capsys.readouterr().err == f"Error: {message}\n"


def test_a_switch_takes_macros_and_references():
    found = configuration.read(
        [str(RECIPE)], ["datasets.digits.conditional = %IS", "IS = False"]
    )
    found.activate()
    assert not configuration.configured("experiment")().dataset.conditional


@pytest.mark.parametrize("name", ["evaluate", "train"])
def test_evaluators_are_a_list(tmp_path, capsys, name):
    flags = arguments(
        tmp_path,
        "train.num_steps = 1",
        f"{name}.evaluators = @evaluators.parzen()",
        mode="train,evaluate",
    )
    assert run(["ganzoo", *flags]) == 2
    assert f"`{name}.evaluators` must be a list. Received: Parzen" in (
        capsys.readouterr().err
    )


def test_the_cause_is_kept_and_shown(capsys):
    flags = ["ganzoo", "--dry_run", f"--gin_file={RECIPE}", "--verbosity=1"]
    wrong = ["build_gan.generator_pace = @pacing.constant()"]
    wrong += ["pacing.constant.value = 'a'"]
    assert run([*flags, *(f"--gin_param={text}" for text in wrong)]) == 2
    err = capsys.readouterr().err
    assert "if not value >= 0" in err
    assert err.splitlines()[-1] == (
        "Error: `pacing.constant` cannot be built (TypeError: '>=' not "
        "supported between instances of 'str' and 'int'). Received: "
        "pacing.constant.value = 'a'. Correct what is bound; --verbosity=1 "
        "shows where it fails."
    )


def test_a_scope_names_its_own_bindings():
    found = configuration.read(
        [str(RECIPE)],
        [
            NOISE.replace("@", "@little/"),
            "little/transforms.noise.stddev = 'x'",
            "transforms.noise.stddev = 1.0",
        ],
    )
    found.activate()
    dataset = configuration.configured("experiment")().dataset
    with pytest.raises(ConfigurationError) as raised:
        configuration.configured("build_gan")(dataset, None, 0)
    assert "Received: transforms.noise.stddev = 'x'." in str(raised.value)
    assert isinstance(raised.value.__cause__, TypeError)


def test_errors_of_a_program_are_left_alone():
    """`train` is a run, not a construction."""
    configuration.read([str(RECIPE)]).activate()
    with pytest.raises(AttributeError):
        configuration.configured("train")(None, None, None, None)
