"""Rules that hold for the whole project, read from its files."""

import ast
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
PACKAGE = ROOT / "ganzoo"
KINDS = ("generators", "discriminators", "losses", "datasets", "evaluators")

# Who may import whom: a module may import what stands in its own row or in a
# row that it builds on, at any depth. A new module needs a place here.
ROWS = {
    "contracts": ("errors", "interfaces"),
    "registry": ("signatures", "registry", "catalogue"),
    "configuration": (
        "core_names",
        "gin_files",
        "names",
        "bindings",
        "configuration",
    ),
    "parts": (
        "randomness",
        "convolutions",
        "layers",
        "maxout",
        "initializers",
        "factories",
        "conditions",
        "latents",
        "masks",
        "schedules",
        "optimizers",
        "pacing",
        "transforms",
        "workers",
        "launching",
        "strategies",
        "replicas",
        "gradients",
        "example_sets",
        "pipeline",
        "minibatches",
        "whole_files",
        "cache",
        "exports",
        "rest_format",
        "batching",
        "features",
        "classifier",
        "hidden_layers",
    ),
    "gan": (
        "averaging",
        "networks",
        "objectives",
        "companions",
        "inference",
        "gan",
        "update_rules",
    ),
    "run parts": (
        "building",
        "reconstruction",
        "sampling",
        "samples_file",
        "checkpoint_files",
        "checkpoints",
        "divergence",
        "saving",
        "loop",
        "run_directory",
        "transfer",
        "figures",
        "endpoints",
        "curves",
        "monitors",
        "callbacks",
    ),
    "modes": (
        "training",
        "evaluation",
        "scoring",
        "exporting",
        "sample_writer",
        "converting",
        "serving",
        "comparing",
        "conditional_figures",
        "density_figure",
        "inference_figure",
        "paper_figures",
        "report",
        "reproducing",
        "result_tables",
    ),
    "front": (
        "command_flags",
        "session",
        "run",
        "testing",
        "checking",
        "inspection",
        "template",
    ),
}
BUILDS_ON = {
    "contracts": (),
    "registry": ("contracts",),
    "configuration": ("registry",),
    "parts": ("contracts",),
    "gan": ("parts",),
    "run parts": ("gan",),
    "modes": ("run parts",),
    "front": ("modes", "configuration"),
}
# What built-in components may import of ganzoo, beside their own folder.
OPEN_TO_COMPONENTS = {
    "classifier",
    "conditions",
    "errors",
    "example_sets",
    "factories",
    "features",
    "initializers",
    "layers",
    "maxout",
    "randomness",
}

# Methods that Keras or Python calls; the class docstring describes them.
FRAMEWORK_METHODS = {
    "add_weight",
    "apply_gradients",
    "build",
    "call",
    "compile",
    "compute_output_shape",
    "compute_output_spec",
    "from_config",
    "get_config",
    "metrics",
    "next",
    "reset_state",
    "result",
    "update_state",
    "on_batch_end",
    "on_epoch_begin",
    "on_epoch_end",
    "on_train_batch_begin",
    "on_train_batch_end",
    "on_train_begin",
    "on_train_end",
    "update_step",
}


def modules():
    return sorted(PACKAGE.rglob("*.py"))


def in_package(path):
    """The path below `ganzoo`, such as `losses/minimax`, as a tuple."""
    return path.relative_to(PACKAGE).with_suffix("").parts


def parse(path):
    return ast.parse(path.read_text(), str(path))


def imported_names(tree):
    """Each imported dotted name; `from a import b` counts as `a.b`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "Imports are absolute."
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imports_of_ganzoo(path):
    """What a module imports from ganzoo: `losses`, `errors`, ..."""
    for name in imported_names(parse(path)):
        package, *rest = name.split(".")
        if package == "ganzoo" and rest and not rest[0].startswith("__"):
            yield rest[0]


def row_of(module):
    rows = [row for row, members in ROWS.items() if module in members]
    assert rows, f"{module}.py has no place in ROWS of tests/test_project.py"
    return rows[0]


def reachable_rows(row):
    below = {row}
    for other in BUILDS_ON[row]:
        below |= reachable_rows(other)
    return below


def core_modules():
    return [path for path in modules() if len(in_package(path)) == 1]


def component_modules():
    return [path for path in modules() if in_package(path)[0] in KINDS]


def names(paths):
    return ["/".join(in_package(path)) for path in paths]


@pytest.mark.parametrize("path", core_modules(), ids=names(core_modules()))
def test_imports_point_one_way(path):
    (module,) = in_package(path)
    if module in ("__init__", "__main__"):
        return
    allowed = reachable_rows(row_of(module))
    for imported in imports_of_ganzoo(path):
        assert imported not in KINDS, f"{module} imports a component"
        assert row_of(imported) in allowed, f"{module} imports {imported}"


def test_no_imports_in_a_circle():
    graph = {
        in_package(path)[0]: set(imports_of_ganzoo(path))
        for path in core_modules()
    }
    while graph:
        leaves = {module for module in graph if not graph[module] & set(graph)}
        assert leaves, f"A circle among {sorted(graph)}"
        graph = {m: graph[m] for m in graph if m not in leaves}


@pytest.mark.parametrize(
    "path", component_modules(), ids=names(component_modules())
)
def test_components_import_no_core(path):
    kind = in_package(path)[0]
    for imported in imports_of_ganzoo(path):
        assert imported in OPEN_TO_COMPONENTS | {kind}


@pytest.mark.parametrize("path", modules(), ids=names(modules()))
def test_only_the_configuration_imports_gin(path):
    imported = {name.split(".")[0] for name in imported_names(parse(path))}
    module = "/".join(in_package(path))
    assert "gin" not in imported or module in ("configuration", "gin_files")


@pytest.mark.parametrize("path", modules(), ids=names(modules()))
def test_no_graph_is_traced_through_autograph(path):
    """It doubles the time from a command to its first step."""
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == (
            "tf.function"
        ):
            keywords = {word.arg: word.value for word in node.keywords}
            assert ast.unparse(keywords["autograph"]) == "False"
        if isinstance(node, ast.FunctionDef):
            assert "tf.function" not in map(ast.unparse, node.decorator_list)


@pytest.mark.parametrize("path", modules(), ids=names(modules()))
def test_modules_are_small_and_say_what_they_hold(path):
    assert not set(in_package(path)) & {"utils", "common", "helpers", "base"}
    longest = 250 if path.name == "gan.py" else 300
    assert len(path.read_text().splitlines()) <= longest
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.FunctionDef):
            length = node.end_lineno - node.lineno + 1
            length -= len((ast.get_docstring(node) or "").splitlines())
            assert length <= 60, f"{node.name} has {length} lines"


def undocumented(tree):
    """Names of public classes, functions and methods without a docstring."""
    missing = []
    for node in tree.body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef):
            continue
        if node.name.startswith("_"):
            continue
        if ast.get_docstring(node) is None:
            missing.append(node.name)
        if isinstance(node, ast.ClassDef) and not is_protocol(node):
            missing += [
                f"{node.name}.{method.name}"
                for method in node.body
                if isinstance(method, ast.FunctionDef)
                and not method.name.startswith("_")
                and method.name not in FRAMEWORK_METHODS
                and ast.get_docstring(method) is None
            ]
    return missing


def is_protocol(node):
    """Whether it is a contract: the class docstring describes its methods."""
    return any(getattr(b, "id", None) == "Protocol" for b in node.bases)


@pytest.mark.parametrize("path", modules(), ids=names(modules()))
def test_what_is_public_is_documented(path):
    tree = parse(path)
    assert ast.get_docstring(tree), "The module has no docstring"
    assert not undocumented(tree)


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("ganzoo", None),
        ("ganzoo.errors", None),
        ("ganzoo.interfaces", None),
        ("ganzoo.registry", {"tensorflow", "keras", "numpy", "gin"}),
        ("ganzoo.catalogue", {"tensorflow", "keras", "numpy", "gin"}),
        ("ganzoo.configuration", {"tensorflow", "keras", "numpy"}),
        ("ganzoo.run", {"tensorflow", "keras", "numpy"}),
        ("ganzoo.result_tables", {"tensorflow", "keras", "gin"}),
    ],
)
def test_importing_costs_nothing_heavy(module, heavy):
    code = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    if heavy is None:  # The standard library and ganzoo alone.
        at_start = subprocess.run(
            [sys.executable, "-c", "import sys; print(*sys.modules)"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        heavy = loaded - set(at_start) - sys.stdlib_module_names - {"ganzoo"}
        assert not heavy
    else:
        assert not loaded & heavy


def test_no_tracked_file_names_a_path_of_one_machine():
    if not (ROOT / ".git").exists():
        pytest.skip("Not a git checkout: no list of tracked files.")
    tracked = subprocess.run(
        ["git", "ls-files"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    machine_path = re.compile(r"(?<![\w.])/(?:work|root|home|tmp|Users)/\w")
    found = []
    for name in tracked:
        file = ROOT / name
        if not file.is_file():
            continue
        text = file.read_bytes().decode("utf-8", errors="ignore")
        found += [f"{name}: {m.group()}" for m in machine_path.finditer(text)]
    assert not found


def test_citation_has_the_version_of_the_package():
    init = ast.parse((PACKAGE / "__init__.py").read_text())
    (version,) = (
        node.value.value for node in init.body if isinstance(node, ast.Assign)
    )
    citation = (ROOT / "CITATION.cff").read_text()
    assert f"\nversion: {version}\n" in citation
