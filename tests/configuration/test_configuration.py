"""Configurations: read, checked, activated, recorded; every message."""

import inspect
import re
import sys

import gin
import pytest

from ganzoo import configuration, registry
from ganzoo.errors import ComponentError, ConfigurationError, DataError

CORE = {
    "experiment": "core_parts:Experiment",
    "train": "core_parts:train",
    "alternating": "core_parts:alternating",
    "latents.uniform": "core_parts:Uniform",
    "optimizers.sgd": "core_parts:SGD",
    "optimizers.adam": "core_parts.heavy:Adam",
}

MODULES = {
    "core_parts/__init__.py": """
        class Experiment:
            def __init__(self, *, dataset, seed=None):
                self.dataset = dataset
                self.seed = seed

        def train(game, *, num_steps, batch_size=100, rule=None, parts=()):
            return game, num_steps, batch_size, rule, parts

        def alternating(game):
            return "alternating"

        class Uniform:
            def __init__(self, latent_dim=100):
                self.latent_dim = latent_dim

        class SGD:
            def __init__(self, learning_rate=0.1, momentum=0.0, **kwargs):
                self.learning_rate = learning_rate
                self.momentum = momentum
    """,
    "core_parts/heavy.py": """
        from core_parts import SGD as Adam  # As keras.optimizers does.
    """,
    "toy_parts.py": """
        from ganzoo.errors import DataError

        def build(sample_shape, latent_dim, *, width=3, depth=1, **kwargs):
            return sample_shape, latent_dim, width, depth

        class Network:
            def __init__(self, sample_shape, width=3):
                self.width = width

        def bare(sample_shape=(1,)):
            return sample_shape

        def needy(sample_shape, width):
            return width

        class Data:
            def __init__(self, sample_shape=(2,), folder=None):
                self.sample_shape = sample_shape
                if folder == "missing":
                    raise DataError("No data there.")

        class Term:
            def __init__(self, weight):
                self.weight = weight
    """,
}


@pytest.fixture(autouse=True)
def parts(install, monkeypatch):
    """A small core, and a package `zoo` of small components."""
    monkeypatch.setattr(configuration, "CORE", CORE)
    install(
        "zoo",
        "0.3",
        {
            "ganzoo.generators": [
                "toy = toy_parts:build",
                "network = toy_parts:Network",
                "bare = toy_parts:bare",
                "needy = toy_parts:needy",
                "broken = no_such_module:build",
                "mlp = toy_parts:build",
            ],
            "ganzoo.datasets": ["toy = toy_parts:Data"],
            "ganzoo.losses": ["term = toy_parts:Term"],
        },
        MODULES,
    )
    yield
    gin.clear_config()


def fails(message, error=ConfigurationError):
    return pytest.raises(error, match=f"^{re.escape(message)}$")


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    """Writes a gin file into the current folder, returns its name."""
    monkeypatch.chdir(tmp_path)

    def write(text, name="a.gin"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return name

    return write


WHOLE = """# A recipe.
STEPS = 20
experiment.dataset = @datasets.toy()
train.num_steps = %STEPS
train.rule = @alternating
train.parts = [
    @generators.toy,
    {"slow": (@slow/optimizers.sgd(), @optimizers.sgd())},
]
generators.toy:
    width = 7
slow/optimizers.sgd.learning_rate = 0.001
"""


def test_whole_recipe_is_bound(recipe):
    found = configuration.read([recipe(WHOLE)], ["optimizers.sgd.momentum=.5"])
    assert not {"core_parts", "toy_parts"} & set(sys.modules)
    found.activate()
    experiment = configuration.configured("experiment")()
    assert experiment.dataset.sample_shape == (2,)
    assert experiment.seed is None
    game, num_steps, batch_size, rule, (factory, rates) = (
        configuration.configured("train")("game")
    )
    assert (game, num_steps, batch_size) == ("game", 20, 100)
    assert rule("game") == "alternating"
    assert factory(sample_shape=(4,), latent_dim=9) == ((4,), 9, 7, 1)
    slow, fast = rates["slow"]
    assert (slow.learning_rate, slow.momentum) == (0.001, 0.5)
    assert (fast.learning_rate, fast.momentum) == (0.1, 0.5)
    assert found.unused_bindings() == []


def test_only_what_is_named_is_loaded(recipe):
    found = configuration.read([recipe(WHOLE)])
    found.activate()
    assert "core_parts.heavy" not in sys.modules
    assert "no_such_module" not in sys.modules


def test_an_overridden_component_is_not_loaded(recipe):
    name = recipe("train.num_steps = 1\ntrain.parts = @generators.broken\n")
    with pytest.raises(
        ComponentError, match="No module named 'no_such_module'"
    ):
        configuration.read([name]).activate()
    found = configuration.read([name], ["train.parts = @generators.toy"])
    found.activate()
    assert found.components_text() == (
        "zoo.generators.toy\tzoo\t0.3\ttoy_parts:build\n"
    )


def test_activation_can_be_repeated():
    for steps in (1, 2):
        found = configuration.read([], [f"train.num_steps = {steps}"])
        found.activate()
        assert configuration.configured("train")("game")[1] == steps


def test_locked_after_activation():
    configuration.read([], ["train.num_steps = 1"]).activate()
    with pytest.raises(RuntimeError, match="locked"):
        gin.bind_parameter("ganzoo.train.num_steps", 2)


def test_a_class_shows_core_what_it_takes():
    configuration.read(
        [], ["train.num_steps=1\ntrain.parts=@s/generators.network"]
    ).activate()
    factory = configuration.configured("train")("game")[-1]
    assert list(inspect.signature(factory).parameters) == [
        "sample_shape",
        "width",
    ]
    assert type(factory((1,))).__name__ == "Network"


# Reading -----------------------------------------------------------------


def test_config_text_reads_back_the_same(recipe):
    name = recipe(WHOLE)
    params = [
        "generators.toy.depth = 2",
        'experiment.seed = ["it\'s", -1e999, (1, )]',
        "optimizers.sgd.momentum = 1e999",
    ]
    found = configuration.read([name], params)
    again = configuration.read([recipe(found.config_text(), "again.gin")])
    assert again.config_text() == found.config_text()
    assert again.bindings() == found.bindings()
    assert "zoo.generators.toy.width = 7\n" in found.config_text()
    assert "train.num_steps = %STEPS\n" in found.config_text()


def test_what_only_overridden_references_could_take_is_not_recorded(recipe):
    name = recipe(
        "train.num_steps = 1\n"
        "train.parts = [@one/optimizers.sgd()]\n"
        "one/optimizers.sgd.momentum = 0.5\n"
        "one/optimizers.sgd.learning_rate = @two/latents.uniform()\n"
        "two/latents.uniform.latent_dim = 3\n"
    )
    found = configuration.read([name], ["train.parts = []"])
    assert found.bindings() == {"train.num_steps": "1", "train.parts": "[]"}
    again = configuration.read([recipe(found.config_text(), "again.gin")])
    assert again.bindings() == found.bindings()
    found.activate()
    configuration.configured("train")("game")
    assert found.unused_bindings() == [
        "one/optimizers.sgd.momentum (a.gin:3)",
        "one/optimizers.sgd.learning_rate (a.gin:4)",
        "two/latents.uniform.latent_dim (a.gin:5)",
    ]


def test_bindings_are_flat_and_resolved(recipe):
    found = configuration.read([recipe(WHOLE)], ["train.batch_size = 1_000"])
    assert found.bindings() == {
        "experiment.dataset": "@zoo.datasets.toy()",
        "train.num_steps": "20",
        "train.rule": "@alternating",
        "train.parts": "[@zoo.generators.toy, {'slow': "
        "(@slow/optimizers.sgd(), @optimizers.sgd())}]",
        "zoo.generators.toy.width": "7",
        "slow/optimizers.sgd.learning_rate": "0.001",
        "train.batch_size": "1000",
    }


def test_two_ways_to_write_one_configuration():
    one = configuration.read(
        [], ["N = (1,)\nM = %N\ntrain.parts = [%M]\ntrain.num_steps=1"]
    )
    two = configuration.read(
        [], ["ganzoo.train.num_steps = 1", "train:\n  parts = [(1,)]\n"]
    )
    assert one.bindings() == two.bindings()


def test_last_binding_wins_also_under_another_name():
    found = configuration.read(
        [],
        [
            "train.num_steps = 1\ntrain.num_steps = 2",
            "generators.toy.width=4\nzoo.generators.toy.width = 5",
        ],
    )
    assert found.bindings() == {
        "train.num_steps": "2",
        "zoo.generators.toy.width": "5",
    }


def test_includes_are_found_beside_the_file_or_here(recipe):
    recipe("train.num_steps = 1\ntrain.batch_size = 1\n", "parts/inner.gin")
    recipe("generators.toy.width = 1\n", "here.gin")
    name = recipe(
        "include 'inner.gin'\ninclude 'here.gin'\n", "parts/outer.gin"
    )
    found = configuration.read([name], ["train.batch_size = 2"])
    assert found.bindings() == {
        "train.num_steps": "1",
        "train.batch_size": "2",
        "zoo.generators.toy.width": "1",
    }


def test_mentions():
    found = configuration.read(
        [], ["train.num_steps=1\ntrain.rule=@alternating"]
    )
    assert found.mentions("train")
    assert found.mentions("alternating")
    assert not found.mentions("experiment")


def test_bare_name_is_ganzoos_own(install):
    # In front of the real one.
    install("ganzoo", "9", {"ganzoo.generators": ["mlp = toy_parts:needy"]})
    found = configuration.read(
        [],
        [
            "train.num_steps = 1",
            "train.parts = [@generators.mlp, @zoo.generators.mlp]",
            "generators.mlp.width = 4\nzoo.generators.mlp.width = 5",
        ],
    )
    found.activate()
    own, theirs = configuration.configured("train")("game")[-1]
    assert own(sample_shape=(1,)) == 4
    assert theirs(sample_shape=(1,), latent_dim=2) == ((1,), 2, 5, 1)
    assert found.components_text() == (
        "ganzoo.generators.mlp\tganzoo\t9\ttoy_parts:needy\n"
        "zoo.generators.mlp\tzoo\t0.3\ttoy_parts:build\n"
    )


# What is misspelt, before anything is imported ---------------------------

MISSPELT = {
    "generators.tyo.width = 3": (
        "No generator named 'tyo'. Did you mean 'toy'? Registered: "
        "{generators}. (a.gin:1)"
    ),
    "train.parts = @generater.toy": (
        "No kind named 'generater'. Did you mean 'generators'? Kinds: "
        "generators, discriminators, losses, datasets, evaluators, latents, "
        "optimizers. Received: 'generater.toy'. Write `kind.name`. (a.gin:1)"
    ),
    "\n\ntrian.num_steps = 3": (
        "No core function named 'trian'. Did you mean 'train'? There are: "
        "alternating, experiment, train. (a.gin:3)"
    ),
    "train.rule = [\n  1,\n  @g/optimizers.sdg(),\n]": (
        "`optimizers` has no 'sdg'. Did you mean 'sgd'? It has: adam, sgd. "
        "(a.gin:3)"
    ),
    "optimizers.sgd = 3": (
        "`optimizers` must be followed by a name. Received: 'optimizers'. "
        "Write `optimizers.<name>`. (a.gin:1)"
    ),
    "train:\n  num_steps = 1\n  num_stps = 3": (
        "`train` has no parameter 'num_stps'. Did you mean 'num_steps'? It "
        "takes: num_steps, batch_size, rule, parts. (a.gin:3)"
    ),
    "train.game = 1\ntrain.num_steps = 1": (
        "`train` has no parameter 'game'. It takes: num_steps, batch_size, "
        "rule, parts. (a.gin:1)"
    ),
    "alternating.game = 1": (
        "`alternating` has no parameter 'game'. It takes: nothing. (a.gin:1)"
    ),
    "latents.uniform.latent_dmi = 3": (
        "`latents.uniform` has no parameter 'latent_dmi'. Did you mean "
        "'latent_dim'? It takes: latent_dim. (a.gin:1)"
    ),
    "train.batch_size = 1": (
        "`train` needs a value of `num_steps`. Bind it: `train.num_steps = "
        "<value>`. (a.gin:1)"
    ),
    "STEPS = 1\ntrain.num_steps = %STESP": (
        "No macro named 'STESP'. Did you mean 'STEPS'? Define it: `STESP = "
        "<value>`. (a.gin:2)"
    ),
    "A = [%B]\nB = {'b': %A}": (
        "Macro 'B' must not refer to itself. Received: B -> A -> B. (a.gin:1)"
    ),
    "N = %gin.REQUIRED\ntrain.num_steps = %N": (
        "`train.num_steps` must be given a value. Received: %gin.REQUIRED. Add "
        "`train.num_steps = <value>`. (a.gin:2)"
    ),
    "train.parts = @generators.toy()": (
        "`generators.toy` is called by the core. Received: @generators.toy(). "
        "Write `@generators.toy`. (a.gin:1)"
    ),
    "train.rule = @alternating()": (
        "`alternating` is called by the core. Received: @alternating(). Write "
        "`@alternating`. (a.gin:1)"
    ),
    "experiment.dataset = @s/datasets.toy": (
        "`datasets.toy` must be called by the configuration. Received: "
        "@s/datasets.toy. Write `@s/datasets.toy()`. (a.gin:1)"
    ),
    "train.rule = @slow/optimizers.sgd()\nslwo/optimizers.sgd.momentum = 1": (
        "No reference has the scope 'slwo'. Did you mean 'slow'? A binding of "
        "it counts for references such as `@slwo/optimizers.sgd()`. (a.gin:2)"
    ),
    "train.num_steps = five": (
        "`train.num_steps = five` is not gin: Failed to parse token 'five'. "
        "Write `name.parameter = value`, text in quotes. (a.gin:1)"
    ),
    "train.is_fast = true": (
        "`train.is_fast = true` is not gin: Failed to parse token 'true'. Did "
        "you mean True? Write `name.parameter = value`, text in quotes. "
        "(a.gin:1)"
    ),
    "train.num_steps = 5\ntrain.parts = [1,\n": (
        "`train.parts = [1,` is not gin: EOF in multi-line statement. Write "
        "`name.parameter = value`, text in quotes. (a.gin:2)"
    ),
    "train.num_steps": (
        "`train.num_steps` is not gin: Couldn't parse statement, expected ':' "
        "or '='. Write `name.parameter = value`, text in quotes. (a.gin:1)"
    ),
    "train:\n    num_steps = 1\n  batch_size = 2": (
        "`batch_size = 2` is not gin: unindent does not match any outer "
        "indentation level. Write `name.parameter = value`, text in quotes. "
        "(a.gin:3)"
    ),
    "from __gin__ import dynamic_registration": (
        "gin's dynamic registration must be off. Received: `from __gin__ "
        "import dynamic_registration`. Remove it and import the module whose "
        "configurables you need. (a.gin:1)"
    ),
    "\ninclude 'b.gin'": (
        "No gin file 'b.gin'. Did you mean 'a.gin'? In its folder: a.gin. "
        "(a.gin:2)"
    ),
    "include 'a.gin'": "a.gin must not include itself. (a.gin:1)",
}


@pytest.mark.parametrize("text", MISSPELT)
def test_misspelling_is_found_before_anything_is_imported(recipe, text):
    name = recipe(text)
    generators = {c.name for c in registry.find() if c.kind == "generators"}
    message = MISSPELT[text].replace(
        "{generators}", ", ".join(sorted(generators))
    )
    with pytest.raises(
        (ConfigurationError, ComponentError), match=f"^{re.escape(message)}$"
    ):
        configuration.read([name])
    assert not {"core_parts", "toy_parts"} & set(sys.modules)


def test_misspelling_in_a_parameter_says_so():
    with fails("No macro named 'B'. Define it: `B = <value>`. (--gin_param)"):
        configuration.read(
            [], ["train.num_steps = 1", "A = 1\ntrain.parts = [%A, %B]"]
        )


def test_macro_that_a_parameter_defines_in_vain(recipe):
    name = recipe("STEPS = 1\nIDLE = 2\ntrain.num_steps = %STEPS")
    assert configuration.read([name], ["STEPS = 3"]).bindings() == {
        "train.num_steps": "3"
    }
    with fails(
        "No binding uses a macro 'STPES'. Did you mean 'STEPS'? Write the name "
        "of one that is used. (--gin_param)"
    ):
        configuration.read([name], ["STPES = 3"])


def test_misspelling_in_an_include_names_that_file(recipe):
    recipe("train.num_step = 1", "parts/inner.gin")
    name = recipe("include 'inner.gin'", "parts/outer.gin")
    with fails(
        "`train` has no parameter 'num_step'. Did you mean 'num_steps'? It "
        "takes: num_steps, batch_size, rule, parts. (parts/inner.gin:1)"
    ):
        configuration.read([name])


def test_ambiguous_component_says_where(install):
    install("zoo-two", "1", {"ganzoo.generators": ["toy = m:f"]})
    with fails(
        "'generators.toy' is offered by 2 packages: zoo.generators.toy, "
        "zoo_two.generators.toy. Write one in full. (--gin_param)",
        ComponentError,
    ):
        configuration.read([], ["generators.toy.width = 1"])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("b.gin", "No gin file 'b.gin'. Did you mean 'a.gin'? In its folder: "),
        ("none/b.gin", "No gin file 'none/b.gin'. In its folder: none."),
        (
            ".",
            ". must be a gin file. Received: [Errno 21] Is a directory: '.'.",
        ),
        ("c.bin", "c.bin must be a gin file. Received: 'utf-8' codec"),
    ],
)
def test_file_that_cannot_be_read(recipe, tmp_path, name, message):
    recipe("")
    (tmp_path / "c.bin").write_bytes(b"\xff\xff")
    with pytest.raises(ConfigurationError, match=f"^{re.escape(message)}"):
        configuration.read([name])


# What only an import can tell --------------------------------------------

WRONG = {
    "generators.toy.widht = 3": (
        "`generators.toy` has no parameter 'widht'. Did you mean 'width'? It "
        "takes: width, depth. (--gin_param)"
    ),
    "zoo.generators.toy.sample_shape = 3": (
        "`sample_shape` of `zoo.generators.toy` comes from the dataset and "
        "cannot be bound. Remove the binding. (--gin_param)"
    ),
    "generators.toy.latent_dim = 3": (
        "`latent_dim` of `generators.toy` comes from the prior of z and cannot "
        "be bound. Remove the binding. (--gin_param)"
    ),
    "generators.bare.width = 3": (
        "`generators.bare` has no parameter 'width'. It takes: nothing. "
        "(--gin_param)"
    ),
    "optimizers.adam.momentun = 3": (
        "`optimizers.adam` has no parameter 'momentun'. Did you mean "
        "'momentum'? It takes: learning_rate, momentum. (--gin_param)"
    ),
    "train.num_steps = 1\ntrain.parts = @generators.needy": (
        "`zoo.generators.needy` needs a value of `width`. Bind it: "
        "`zoo.generators.needy.width = <value>`. (--gin_param)"
    ),
    "train.num_steps = 1\ntrain.parts = [@losses.term()]": (
        "`zoo.losses.term` needs a value of `weight`. Bind it: "
        "`zoo.losses.term.weight = <value>`. (--gin_param)"
    ),
    "import no_such_module_either": (
        "gin refuses `import no_such_module_either`: ModuleNotFoundError: No "
        "module named 'no_such_module_either'. Correct or remove it. "
        "(--gin_param)"
    ),
}


@pytest.mark.parametrize("text", WRONG)
def test_wrong_parameters_are_found_on_activation(text):
    found = configuration.read([], [text])
    with fails(WRONG[text]):
        found.activate()


def test_dataset_may_take_what_factories_are_supplied_with():
    configuration.read(
        [],
        [
            "experiment.dataset = @datasets.toy()",
            "datasets.toy.sample_shape = (5,)",
        ],
    ).activate()
    experiment = configuration.configured("experiment")()
    assert experiment.dataset.sample_shape == (5,)


def test_component_that_is_bound_but_not_referred_to_is_unused(recipe):
    name = recipe("train.num_steps = 1\n\ngenerators.toy.width = 3\n")
    found = configuration.read([name], ["experiment.dataset = 3"])
    found.activate()
    configuration.configured("train")("game")
    assert found.unused_bindings() == [
        "zoo.generators.toy.width (a.gin:3)",
        "experiment.dataset (--gin_param)",
    ]
    configuration.configured("experiment")()
    assert found.unused_bindings() == ["zoo.generators.toy.width (a.gin:3)"]


def test_what_nothing_refers_to_is_idle(recipe):
    name = recipe(
        "train.num_steps = 1\n"
        "train.parts = [@optimizers.sgd()]\n"
        "optimizers.sgd.momentum = 0.5\n"
        "experiment.dataset = 3\n"
        "generators.toy.width = 3\n"
    )
    # A reference that is overridden is one.
    found = configuration.read([name], ["train.parts = []"])
    assert found.idle_bindings() == ["zoo.generators.toy.width (a.gin:5)"]


def test_core_function_that_is_not_given_what_it_needs():
    configuration.read([]).activate()
    with fails(
        "`experiment` needs a value of `dataset`. Bind it: "
        "`experiment.dataset = <value>`."
    ):
        configuration.configured("experiment")


def test_errors_leave_gin_as_they_were_raised():
    configuration.read(
        [],
        [
            "experiment.dataset = @datasets.toy()",
            "datasets.toy.folder = 'missing'",
        ],
    ).activate()
    with fails("No data there.", DataError) as caught:
        configuration.configured("experiment")()
    assert type(caught.value) is DataError


def test_what_would_be_built_without_end_says_so():
    itself = ["datasets.toy.folder = @datasets.toy()"]
    whole = ["experiment.dataset = @datasets.toy()", *itself]
    configuration.read([], whole).activate()
    with fails(
        "`experiment` must be of parts that come to an end. Received: a "
        "reference that needs itself, as `x.y = @x()` does. Give the inner one "
        "a scope: `x.y = @inner/x()`, and bind `inner/x.y`."
    ):
        configuration.configured("experiment")()
    scoped = ["inner/datasets.toy.folder = None", *whole[:1]]
    scoped.append("datasets.toy.folder = @inner/datasets.toy()")
    configuration.read([], scoped).activate()
    assert configuration.configured("experiment")().dataset


def test_operative_text_has_defaults_and_reads_back(recipe):
    found = configuration.read([recipe(WHOLE)])
    found.activate()
    configuration.configured("train")("game")
    text = found.operative_text()
    assert "optimizers.sgd.momentum = 0.0\n" in text
    assert "slow/optimizers.sgd.learning_rate = 0.001\n" in text
    assert "STEPS = 20\n" in text
    assert "train.batch_size = 100\n" in text
    again = configuration.read([recipe(text, "operative.gin")])
    assert again.bindings()["train.num_steps"] == "20"


# Modules that a configuration imports -------------------------------------


@pytest.fixture
def foreign(site):
    (site / "foreign_parts.py").write_text(
        "import gin\n"
        # Several tests import it anew.
        "with gin.config.interactive_mode():\n"
        "    @gin.configurable\n"
        "    def clip(limit=1):\n"
        "        return limit\n"
    )


def test_imported_module_brings_configurables(foreign):
    found = configuration.read(
        [],
        [
            "import foreign_parts\ntrain.num_steps = 1",
            "train.rule = @clip\nclip.limit = 5",
        ],
    )
    assert "foreign_parts" not in sys.modules
    found.activate()
    assert configuration.configured("train")("game")[3]() == 5
    assert found.unused_bindings() == []
    assert found.config_text().startswith("import foreign_parts\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "clpi.limit = 3",
            "No core function named 'clpi'. There are: alternating, "
            "experiment, train. (--gin_param)",
        ),
        (
            "clip.limti = 3",
            "gin refuses `clip.limti = 3`: ValueError: Configurable 'clip' "
            "doesn't have a parameter named 'limti'. Correct or remove it. "
            "(--gin_param)",
        ),
        (
            "clip.limit = %LIMIT",
            "No macro named 'LIMIT'. Define it: `LIMIT = <value>`. "
            "(--gin_param)",
        ),
    ],
)
def test_misspelling_beside_an_import(foreign, text, message):
    found = configuration.read([], [f"import foreign_parts\n{text}"])
    with fails(message):
        found.activate()


# The real core -----------------------------------------------------------


def test_reading_imports_no_tensorflow(fresh_python, recipe, tmp_path):
    name = recipe(
        "train.num_steps = 1\nbuild_gan.generater = @generators.mlp\n"
        "optimizers.adam.learning_rate = 1\n"
    )
    result = fresh_python(
        f"""
        import sys
        from ganzoo import configuration, errors
        try:
            configuration.read([{name!r}])
        except errors.ConfigurationError as error:
            print(str(error).split(" It takes")[0])
        print(sorted({{"tensorflow", "keras", "numpy"}} & set(sys.modules)))
        """,
        cwd=tmp_path,
    )
    assert result.stdout.splitlines() == [
        "`build_gan` has no parameter 'generater'. Did you mean 'generator'?",
        "[]",
    ]
