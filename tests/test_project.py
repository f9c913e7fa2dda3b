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
# row that it builds on, at any depth. A new module needs a place here, by its
# own name or by that of its package.
ROWS = {
    "contracts": ("errors", "interfaces", "checks"),
    "registry": ("core_names", "signatures", "registry", "catalogue"),
    "configuration": ("configuration",),
    "parts": (
        "randomness",
        "needed_rows",
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
        "distribution",
        "gradients",
        "example_sets",
        "pipeline",
        "minibatches",
        "storage.whole_files",
        "storage.cache",
        "serving.exports",
        "serving.rest_format",
        "serving.batching",
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
        "averaged_weights",
        "reconstruction",
        "sampling",
        "transfer",
        "storage.checkpoint_files",
        "storage.checkpoints",
        "storage.run_directory",
        "scores.samples_file",
        "pictures.figures",
        "pictures.curves",
        "serving.endpoints",
        "training.divergence",
        "training.saving",
        "training.loop",
        "training.monitors",
        "training.callbacks",
    ),
    "modes": (
        "scores.yielded",
        "scores.evaluation",
        "scores.comparing",
        "scores.reproducing",
        "scores.table_files",
        "scores.table_pages",
        "scores.result_tables",
        "pictures.conditional_figures",
        "pictures.density_figure",
        "pictures.inference_figure",
        "pictures.paper_figures",
        "pictures.report",
        "training.experiment",
        "training.scoring",
        "serving.exporting",
        "serving.sample_writer",
        "serving.converting",
        "serving.server",
    ),
    "front": ("testing", "commands", "run"),
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
    "checks",
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


def dotted(path):
    """The name below `ganzoo`: `losses.minimax`, or a package's `losses`."""
    parts = in_package(path)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


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
    """Modules that one imports from ganzoo: `errors`, `losses.minimax`, ..."""
    known = {dotted(path) for path in modules()}
    for name in imported_names(parse(path)):
        package, *rest = name.split(".")
        if package != "ganzoo" or not rest or rest[0].startswith("__"):
            continue
        # The last part may be what is taken from a module.
        found = {".".join(rest), ".".join(rest[:-1])} & known - {""}
        assert found, f"{path} imports {name}, which is no module"
        yield max(found, key=len)


def row_of(module):
    package = module.split(".")[0]
    rows = [r for r, names in ROWS.items() if {module, package} & set(names)]
    assert rows, f"{module} has no place in ROWS of tests/test_project.py"
    assert len(rows) == 1, f"{module} has several places in ROWS"
    return rows[0]


def reachable_rows(row):
    below = {row}
    for other in BUILDS_ON[row]:
        below |= reachable_rows(other)
    return below


def core_modules():
    """All but the components and this: what has a place in ROWS."""
    return [
        path
        for path in modules()
        if in_package(path)[0] not in KINDS and not is_map(path)
    ]


def is_map(path):
    """Whether it is an `__init__` that holds nothing but a docstring.

    ganzoo's holds the version as well.
    """
    return path.name == "__init__.py" and not any(imported_names(parse(path)))


def component_modules():
    return [path for path in modules() if in_package(path)[0] in KINDS]


def names(paths):
    return ["/".join(in_package(path)) for path in paths]


@pytest.mark.parametrize("path", core_modules(), ids=names(core_modules()))
def test_imports_point_one_way(path):
    module = dotted(path)
    allowed = reachable_rows(row_of(module))
    for imported in imports_of_ganzoo(path):
        assert imported.split(".")[0] not in KINDS, (
            f"{module} imports a component"
        )
        assert row_of(imported) in allowed, f"{module} imports {imported}"


def test_rows_name_what_there_is():
    there = {dotted(path) for path in modules()}
    assert {name for row in ROWS.values() for name in row} <= there


def assert_no_circle(graph):
    while graph:
        leaves = {node for node in graph if not graph[node] & set(graph)}
        assert leaves, f"A circle among {sorted(graph)}"
        graph = {node: graph[node] for node in graph if node not in leaves}


def test_no_imports_in_a_circle():
    assert_no_circle(
        {dotted(path): set(imports_of_ganzoo(path)) for path in core_modules()}
    )


def test_no_packages_in_a_circle():
    """A package is one thing here, like a module beside it."""
    graph = {}
    for path in core_modules():
        package = in_package(path)[0]
        imported = {name.split(".")[0] for name in imports_of_ganzoo(path)}
        graph[package] = graph.get(package, set()) | imported - {package}
    assert_no_circle(graph)


def test_the_map_is_in_the_order_of_imports():
    """Each line of it imports what stands above, never what stands below."""
    lines = ast.get_docstring(parse(PACKAGE / "__init__.py")).splitlines()
    place = {}
    for number, line in enumerate(lines):
        entry = re.match(r" {4}((\w+/?)(, \w+/?)*)(  |$)", line)
        for name in entry.group(1).split(", ") if entry else ():
            place[name.rstrip("/")] = number
    for path in core_modules():
        for imported in imports_of_ganzoo(path):
            above, below = imported.split(".")[0], in_package(path)[0]
            assert place[above] <= place[below], f"{below} imports {above}"


PACKAGES = [
    path
    for path in modules()
    if path.name == "__init__.py"
    and in_package(path)[0] not in (*KINDS, "testing")
]


@pytest.mark.parametrize("path", PACKAGES, ids=names(PACKAGES))
def test_the_map_of_a_package_is_whole(path):
    words = set(re.findall(r"\w+", ast.get_docstring(parse(path))))
    beside = {other.stem for other in path.parent.glob("*.py")}
    beside |= {other.parent.name for other in path.parent.glob("*/__init__.py")}
    assert beside - {"__init__"} <= words
    # What is imported costs whoever wants one module of the package.
    assert is_map(path) or dotted(path) == "configuration"


@pytest.mark.parametrize(
    "path", component_modules(), ids=names(component_modules())
)
def test_components_import_no_core(path):
    kind = in_package(path)[0]
    for imported in imports_of_ganzoo(path):
        allowed = imported in OPEN_TO_COMPONENTS
        assert allowed or imported.split(".")[0] == kind


@pytest.mark.parametrize("path", modules(), ids=names(modules()))
def test_only_the_configuration_imports_gin(path):
    imported = {name.split(".")[0] for name in imported_names(parse(path))}
    may = ("configuration", "configuration.gin_files")
    assert "gin" not in imported or dotted(path) in may


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
        ("ganzoo.scores.result_tables", {"tensorflow", "keras", "gin"}),
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
