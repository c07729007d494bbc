"""Which room may lean on which, what may not be used anywhere, and how long a function may get."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import ROOT

FILES = sorted([*(ROOT / "suite").rglob("*.py"), *(ROOT / "experiments").glob("*.py")])
LONGEST_FUNCTION, LONGEST_MODULE = 35, 230


def name_of(path: Path) -> str:
    """`suite.reporting`, `suite.reporting.page`."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


TREES = {name_of(path): ast.parse(path.read_text(encoding="utf-8")) for path in FILES}
PACKAGES = {name_of(path) for path in FILES if path.name == "__init__.py"}


class Import(NamedTuple):
    """One imported module or name in full; whether it happens when the file is loaded, or for types alone."""

    name: str
    line: int
    at_load: bool
    for_types: bool


def imports(tree: ast.AST, *, package: str = "", at_load: bool = True, for_types: bool = False) -> Iterator[Import]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno, at_load, for_types) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            start = ".".join([*above, *([node.module] if node.module else [])])
            yield from (Import(f"{start}.{alias.name}", node.lineno, at_load, for_types) for alias in node.names)
        else:
            inside = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            types = isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
            yield from imports(
                node, package=package, at_load=at_load and not inside, for_types=for_types or types
            )  # fmt: skip


def package_of(module: str) -> str:
    return module if module in PACKAGES else module.rpartition(".")[0]


IMPORTS = {module: list(imports(tree, package=package_of(module))) for module, tree in TREES.items()}


def within(name: str, *rooms: str) -> bool:
    """Whether a module or name is one of these rooms or in one of them."""
    return any(name == room or name.startswith(f"{room}.") for room in rooms)


def offenders(rooms: tuple[str, ...], wrong) -> list[str]:
    """Every import in these rooms that is wrong, as a line to read."""
    return [
        f"{module}:{one.line} imports {one.name}"
        for module, found in IMPORTS.items()
        if within(module, *rooms)
        for one in found
        if wrong(one)
    ]


ALL = ("suite", "experiments")


def test_the_reader_of_imports_finds_every_kind():
    text = (
        "import a\nimport a.b as c\nfrom d import e, f\nfrom . import g\nfrom ..h import i\n"
        "if TYPE_CHECKING:\n    import j\ntry:\n    import k\nexcept ImportError:\n    pass\n"
        "def l():\n    import m\n    from n.o import p\nclass Q:\n    import r\n"
    )
    found = list(imports(ast.parse(text), package="top.room"))

    assert [one.name for one in found] == [
        "a", "a.b", "d.e", "d.f", "top.room.g", "top.h.i", "j", "k", "m", "n.o.p", "r",
    ]  # fmt: skip
    assert [one.name for one in found if not one.at_load] == ["m", "n.o.p"]
    assert [one.name for one in found if one.for_types] == ["j"]


def test_every_room_is_read():
    assert {"suite.cli", "suite.engine.train", "suite.reporting", "experiments.lenet"} <= set(IMPORTS)
    assert all(any(within(module, room) for module in IMPORTS) for room in ("suite.tracking", "suite.execute"))


def test_only_tracking_imports_mlflow():
    everywhere = offenders(ALL, lambda one: within(one.name, "mlflow"))

    assert everywhere
    assert [line for line in everywhere if not line.startswith("suite.tracking")] == []


def test_only_tuning_imports_optuna():
    everywhere = offenders(ALL, lambda one: within(one.name, "optuna"))

    assert [line for line in everywhere if not line.startswith("suite.tuning")] == []


def test_torch_is_loaded_by_engine_and_kernels_and_what_is_timed_beside_them_and_by_others_inside_a_function():
    at_load = offenders(ALL, lambda one: within(one.name, "torch", "torchvision") and one.at_load and not one.for_types)

    allowed = (
        "suite.engine.",
        "suite.kernels.",
        "suite.benching.loops:",
        "suite.checking.",
        "suite.exporting.program:",
        "suite.inspecting.",
    )

    assert at_load
    assert [line for line in at_load if not line.startswith(allowed)] == []


@pytest.mark.parametrize("library", ["pandas", "matplotlib", "sklearn", "scipy", "jinja2", "mlflow", "optuna"])
def test_a_heavy_library_is_loaded_inside_a_function(library):
    assert offenders(ALL, lambda one: within(one.name, library) and one.at_load and not one.for_types) == []


# The rooms from the top of the house to its ground: a room uses only rooms that stand below it.
FLOORS = (
    ("suite.__main__",),
    ("suite.cli", "suite.plugin"),
    ("suite",),  # the public names, loaded when they are used
    ("suite.api",),
    ("suite.reporting",),
    ("suite.tracking",),
    ("suite.tuning", "suite.benching", "suite.predicting", "suite.checking", "suite.exporting", "suite.inspecting"),
    ("suite.runs",),
    ("suite.engine", "suite.pictures"),
    ("suite.recipe",),
    ("suite.data",),
    ("suite.disk",),
    ("suite.analysis", "suite.execute", "suite.kernels"),
    ("suite.text", "suite.errors", "suite.html"),
    ("suite.masking", "suite.completing"),
)
FLOOR = {room: number for number, floor in enumerate(FLOORS) for room in floor}
VERSION = "suite.__version__"  # a fact of the package, which every room may read


def room_of(name: str) -> str:
    """`suite.reporting`, of a module or a name in it; `suite` for the package's own names."""
    parts = name.split(".")
    return ".".join(parts[:2]) if len(parts) > 1 and f"{parts[0]}.{parts[1]}" in FLOOR else parts[0]


def arrows() -> dict[tuple[str, str], str]:
    """Every pair of rooms of which the first uses the second, with a line that does; imports for types count too."""
    found = {}
    for module, imports_of in IMPORTS.items():
        for one in imports_of:
            pair = room_of(module), room_of(one.name)
            if within(module, "suite") and within(one.name, "suite") and one.name != VERSION and pair[0] != pair[1]:
                found.setdefault(pair, f"{module}:{one.line} imports {one.name}")
    return found


def test_every_module_lies_in_a_room():
    rooms = {room_of(module) for module in IMPORTS if within(module, "suite")}

    assert rooms == set(FLOOR)


def test_a_room_uses_only_rooms_below_it():
    found = arrows()

    assert len(found) > 50
    assert [line for (above, below), line in found.items() if FLOOR[above] >= FLOOR[below]] == []


@pytest.mark.parametrize("room", ["suite.execute", "suite.analysis", "suite.text", "suite.masking"])
def test_a_room_that_stands_alone_imports_nothing_else_of_the_suite(room):
    assert offenders((room,), lambda one: within(one.name, *ALL) and not within(one.name, room)) == []


def test_nothing_below_the_command_line_knows_of_its_namespaces():
    below = tuple(room for room in FLOOR if room not in ("suite", "suite.cli", "suite.__main__"))

    assert offenders(below, lambda one: within(one.name, "argparse")) == []


def test_experiments_import_the_recipe_and_each_other_and_torch_only_to_build():
    def wrong(one: Import) -> bool:
        allowed = within(one.name, "suite.recipe", "experiments") or (within(one.name, "torch") and not one.at_load)
        return not allowed

    assert offenders(("experiments",), wrong) == []


def test_nothing_of_the_suite_is_imported_from_the_experiments_but_by_the_doctor():
    found = offenders(("suite",), lambda one: within(one.name, "experiments"))

    assert [line for line in found if not line.startswith("suite.api.doctor:")] == []


def loads(module: str) -> set[str]:
    """The modules of ours that a module loads when it is loaded itself."""
    found = set()
    for one in IMPORTS[module]:
        if one.at_load and not one.for_types:
            target = one.name if one.name in IMPORTS else one.name.rpartition(".")[0]
            if target in IMPORTS:
                found.add(target)
    return found - {module}


def cycle(graph: dict[str, set[str]]) -> list[str]:
    """Some cycle of a graph, empty where there is none."""
    finished: set[str] = set()

    def search(node: str, path: list[str]) -> list[str]:
        if node in path:
            return [*path[path.index(node) :], node]
        if node in finished:
            return []
        for following in sorted(graph.get(node, ())):
            if found := search(following, [*path, node]):
                return found
        finished.add(node)
        return []

    return next((found for node in sorted(graph) if (found := search(node, []))), [])


def test_the_search_for_cycles_finds_one():
    assert cycle({"a": {"b"}, "b": {"c", "d"}, "c": set(), "d": {"b"}}) == ["b", "d", "b"]
    assert cycle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def test_no_module_loads_itself_by_way_of_others():
    assert cycle({module: loads(module) for module in IMPORTS}) == []


RUNS_CODE = ("pickle", "cPickle", "cloudpickle", "dill", "joblib", "shelve", "marshal")


def forbidden(tree: ast.AST) -> Iterator[str]:
    """What could run code that is not ours, or take damage for data, as lines to read."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                parts = {part for alias in names for part in alias.name.split(".")}
                parts |= set((getattr(node, "module", None) or "").split("."))
                wrong = parts & {*RUNS_CODE, "load_model"}
            case ast.keyword(arg="weights_only" | "shell" | "allow_pickle" as name, value=value):
                harmless = {"weights_only": True, "shell": False, "allow_pickle": False}[name]
                wrong = set() if isinstance(value, ast.Constant) and value.value is harmless else {name}
            case ast.Call(func=ast.Name(id="eval" | "exec" | "compile" | "__import__" | "FunctionType" as name)):
                wrong = {name}
            case ast.Attribute(attr=name) | ast.Name(id=name):
                wrong = {name} & {*RUNS_CODE, "load_model"}
                wrong |= {name} if ast.unparse(node) in ("os.system", "os.popen", "builtins.eval") else set()
            case _:
                continue
        yield from (f"{getattr(node, 'lineno', 0)} {name}" for name in sorted(wrong))


COMPILES = {"suite.kernels.reading": ["compile"]}  # to compare a text with the code that was loaded; nothing runs it


@pytest.mark.parametrize("module", TREES)
def test_nothing_is_used_that_could_run_code_that_is_not_ours(module):
    assert [found.split()[1] for found in forbidden(TREES[module])] == COMPILES.get(module, [])


@pytest.mark.parametrize(
    "text",
    [
        "import pickle", "from pickle import loads", "import joblib.memory", "torch.load(path, weights_only=False)",
        "torch.load(path, weights_only=trusted)", "np.load(path, allow_pickle=True)", "eval(text)", "exec(text)",
        "subprocess.run(text, shell=True)", "mlflow.pytorch.load_model(uri)", "from mlflow.pytorch import load_model",
        "os.system(text)", "pd.io.pickle.read(path)",
    ],
)  # fmt: skip
def test_the_search_for_what_is_forbidden_finds_it(text):
    assert list(forbidden(ast.parse(text)))


@pytest.mark.parametrize(
    "text",
    ["model.eval()", "loader.exec_module(module)", "torch.load(path, weights_only=True)", "run(words, shell=False)",
     "np.load(path, allow_pickle=False)", "'pickle'"],
)  # fmt: skip
def test_the_search_for_what_is_forbidden_leaves_the_rest_alone(text):
    assert list(forbidden(ast.parse(text))) == []


def test_torch_load_is_not_used_without_saying_what_it_may_load():
    found = [
        f"{module}:{node.lineno}"
        for module, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("torch.load", "numpy.load", "np.load")
        and not {"weights_only", "allow_pickle"} & {keyword.arg for keyword in node.keywords}
    ]  # fmt: skip

    assert found == []


def test_no_error_is_swallowed_without_a_word():
    found = [
        f"{module}:{node.lineno}"
        for module, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in ("Exception", "BaseException"))
        and all(isinstance(line, ast.Pass | ast.Continue) for line in node.body)
    ]

    assert found == []


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The lines of a function's body, its docstring not counted."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_no_function_is_longer_than_can_be_seen_at_once():
    long = {
        f"{module}:{node.lineno} {node.name}": body_lines(node)
        for module, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and body_lines(node) > LONGEST_FUNCTION
    }

    assert long == {}


def test_no_module_is_longer_than_can_be_read_in_one_go():
    lines = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}

    assert {module: count for module, count in lines.items() if count > LONGEST_MODULE} == {}


def test_every_module_and_every_public_function_says_what_the_caller_gets():
    silent = [module for module, tree in TREES.items() if not ast.get_docstring(tree)]
    silent += [
        f"{module}:{node.lineno} {node.name}"
        for module, tree in TREES.items()
        if within(module, "suite")
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
        and not ast.get_docstring(node) and "overload" not in map(ast.unparse, node.decorator_list)
    ]  # fmt: skip

    assert silent == []


def test_no_file_names_a_place_of_somebodys_machine():
    pattern = re.compile(r"/(?:home|Users|work|tmp|root)/\w|C:\\\\Users")
    found = [
        f"{name_of(path)}:{number} {line.strip()}"
        for path in FILES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line)
    ]

    assert found == []
