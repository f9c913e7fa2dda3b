"""`--new_plugin`: what it writes installs, keeps its promises and trains."""

import ast
import importlib.metadata
import os
import pathlib
import re
import subprocess
import sys
import tomllib

import pytest

from conftest import ROOT
from ganzoo import configuration, registry
from ganzoo.commands.template import write_plugin
from ganzoo.errors import ConfigurationError


@pytest.mark.parametrize("kind", registry.KINDS)
def test_package_declares_its_component(kind, tmp_path):
    said = write_plugin("my_toy", kind, str(tmp_path))
    folder = tmp_path / "ganzoo-my_toy"
    assert f"pip install -e {folder}" in said
    files = {
        str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()
    }
    assert files == {
        "README.md",
        "pyproject.toml",
        "ganzoo_my_toy/__init__.py",
        f"ganzoo_my_toy/{kind}.py",
        "gin/my_toy_digits.gin",
        "tests/test_my_toy.py",
    }
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    target = project["entry-points"][f"ganzoo.{kind}"]["my_toy"]
    module, attribute = target.split(":")
    assert module == f"ganzoo_my_toy.{kind}"
    tree = ast.parse((folder / f"ganzoo_my_toy/{kind}.py").read_text())
    assert attribute in {getattr(node, "name", None) for node in tree.body}
    for path in folder.rglob("*"):
        if path.is_file():
            assert not re.search(r"\$\{?[a-z]", path.read_text()), path
    # It needs nothing of ganzoo's but in its test; evaluators read examples.
    for path in (folder / "ganzoo_my_toy").iterdir():
        text = path.read_text().replace("from ganzoo import example_sets", "")
        assert kind == "evaluators" or text == path.read_text()
        assert "import ganzoo" not in text
        assert "from ganzoo" not in text


def test_the_packages_name_does_for_the_components(tmp_path):
    write_plugin("ganzoo-toy", "losses", str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["ganzoo-toy"]
    assert (tmp_path / "ganzoo-toy" / "ganzoo_toy" / "losses.py").exists()


def test_a_name_of_another_kind_is_free(tmp_path):
    write_plugin("mlp", "losses", str(tmp_path))
    assert (tmp_path / "ganzoo-mlp" / "ganzoo_mlp" / "losses.py").exists()


@pytest.mark.parametrize("kind", registry.KINDS)
def test_recipe_names_the_component(kind, tmp_path, install, site):
    write_plugin("toy", kind, str(tmp_path))
    folder = tmp_path / "ganzoo-toy"
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    points = {
        group: [f"{name} = {target}" for name, target in declared.items()]
        for group, declared in project["entry-points"].items()
    }
    modules = {
        f"ganzoo_toy/{path.name}": path.read_text()
        for path in (folder / "ganzoo_toy").iterdir()
    }
    install("ganzoo-toy", "0.1.0", points, modules)
    found = configuration.read([str(folder / "gin/toy_digits.gin")])
    assert f"ganzoo_toy.{kind}.toy\tganzoo-toy\t" in found.components_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("My-Toy", "losses", "."),
            "`--new_plugin` must be a lower-case Python name, such as sagan. "
            "Received: 'My-Toy'.",
        ),
        (
            ("toy", "loses", "."),
            "No kind named 'loses'. Did you mean 'losses'? Kinds: generators, "
            "discriminators, losses, datasets, evaluators.",
        ),
        (
            ("ganzoo-mlp", "generators", "."),
            "`--new_plugin` must not be a name that ganzoo's own generators "
            "have: recipes would take `generators.mlp` for that. Received: "
            "'mlp'. Choose one beside deconv, mlp; my_mlp will do.",
        ),
        (
            ("toy", "losses", "no/such/folder"),
            "`--output` must be a folder. Received: 'no/such/folder'. Make it "
            "first.",
        ),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ConfigurationError, match=f"^{re.escape(message)}$"):
        write_plugin(*arguments)


def test_nothing_is_overwritten(tmp_path):
    write_plugin("toy", "losses", str(tmp_path))
    message = (
        f"{tmp_path / 'ganzoo-toy'} must not exist yet. Received: a folder "
        "that does. Choose another --new_plugin or --output."
    )
    with pytest.raises(ConfigurationError, match=f"^{re.escape(message)}$"):
        write_plugin("toy", "datasets", str(tmp_path))


def examples_of_all_forms():
    """The digits' test split in each form that `examples` may have."""
    import tensorflow as tf

    from ganzoo.datasets.digits import Digits

    plain, labelled = Digits(), Digits(conditional=True)
    stream = tf.data.Dataset.from_tensor_slices
    for data in (plain, labelled):
        parts = {s: data.examples(s) for s in ("train", "test")}
        yield parts
        yield {split: stream(part) for split, part in parts.items()}


@pytest.mark.parametrize("source", ["template", "page"])
def test_evaluators_take_examples_of_every_form(source, tmp_path):
    from ganzoo.scores.yielded import numbers
    from ganzoo.testing.evaluators import NoiseImages, Resampled

    write_plugin("toy", "evaluators", str(tmp_path))
    text = (tmp_path / "ganzoo-toy/ganzoo_toy/evaluators.py").read_text()
    name = "Toy"
    if source == "page":
        page = (ROOT / "docs" / "plugins.md").read_text()
        head = "`ganzoo-tiny/ganzoo_tiny/evaluators.py`:\n\n```python\n"
        text = page.split(head)[1].split("```")[0]
        name = "Brightness"
    names = {}
    exec(text, names)
    values = []
    for examples in examples_of_all_forms():
        data = NoiseImages()
        data.examples = examples.get
        model = Resampled(data)
        (result,) = numbers(names[name](), "run", model, data)
        values.append(result["value"])
        if source == "template":
            assert result["protocol"]["better"] == "lower"
            assert result["protocol"]["num_test"] > 100
    assert values == pytest.approx([values[0]] * 4, rel=1e-6)


def run(*command, path, cwd):
    """Runs a command that must succeed; `path` is in front of its imports."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(path), str(ROOT)]),
            "TF_CPP_MIN_LOG_LEVEL": "2",
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("kind", registry.KINDS)
def test_package_installs_conforms_and_trains(kind, tmp_path):
    write_plugin("toy", kind, str(tmp_path))
    folder, target = tmp_path / "ganzoo-toy", tmp_path / "site"
    run(
        *(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"),
        *("--no-build-isolation", "--target", str(target), str(folder)),
        path=target,
        cwd=tmp_path,
    )
    (distribution,) = importlib.metadata.distributions(
        name="ganzoo-toy", path=[str(target)]
    )
    assert distribution.version == "0.1.0"
    run(sys.executable, "-m", "pytest", "-q", "tests", path=target, cwd=folder)
    said = run(
        *(sys.executable, "-m", "ganzoo.run"),
        "--gin_file=gin/toy_digits.gin",
        "--mode=train,evaluate",
        "--gin_param=train.num_steps = 20",
        *(
            ["--gin_param=evaluators.parzen.num_samples = 100"]
            if kind != "evaluators"
            else []
        ),
        path=target,
        cwd=folder,
    )
    assert "Step 20." in said
    record = pathlib.Path(folder, "runs/toy_digits/components.txt").read_text()
    assert f"ganzoo_toy.{kind}.toy\tganzoo-toy\t0.1.0\t" in record
    assert pathlib.Path(folder, "runs/toy_digits/evaluation.json").exists()
