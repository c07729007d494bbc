"""Read from the program's source: the steps at which a test can kill it, and the calls that write files directly."""

import ast
from collections.abc import Iterator

from tests.conftest import ROOT

TREES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): ast.parse(path.read_text("utf-8"))
    for path in sorted((ROOT / "suite").rglob("*.py"))
}


def steps_of_source() -> set[str]:
    """Every step that a call of `crash.at` names."""
    return {step for tree in TREES.values() for step in steps(tree)}


def steps(tree: ast.AST) -> Iterator[str]:
    """The steps that a module names: in calls of `crash.at`, or of its own functions that pass their argument on to it.

    A name that is built at run time is an error, because then the steps could not be listed.
    """
    for node in ast.walk(tree):
        assert not (isinstance(node, ast.ImportFrom) and node.module == "suite.disk.crash"), (
            "import the module suite.disk.crash"
        )
    names = {"crash.at"}
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            own = {argument.arg for argument in function.args.args}
            handed = [call for call in _calls(function, {"crash.at"}) if isinstance(call.args[0], ast.Name)]
            names |= {f"self.{function.name}" for call in handed if ast.unparse(call.args[0]) in own}
    for call in _calls(tree, names):
        first = call.args[0]
        if isinstance(first, ast.Constant):
            yield str(first.value)
        else:
            assert isinstance(first, ast.Name), f"crash.at({ast.unparse(first)}): no plain text"
            assert len(names) > 1, f"crash.at({first.id}): no function hands it on"


def _calls(tree: ast.AST, names: set[str]) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in names:
            yield node


WRITES = {
    "write_bytes", "write_text", "touch", "rename", "renames", "symlink_to", "hardlink_to", "truncate", "tofile",
    "to_csv", "to_json", "to_parquet", "savefig", "print_svg", "print_png", "save_file", "copyfile", "copyfileobj",
    "copytree", "copy2", "move",
    "mkstemp", "NamedTemporaryFile", "extractall", "log_text", "log_dict",
}  # fmt: skip
WRITES_IN_FULL = {"os.replace", "os.rename", "os.link", "os.symlink", "os.open", "shutil.copy", "torch.save", "np.save"}


def writes(tree: ast.AST) -> Iterator[str]:
    """The calls in a module that write files: their names as in the source, without arguments."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            method = node.func.attr if isinstance(node.func, ast.Attribute) else name
            moved = name.endswith(".replace") and len(node.args) == 1  # Path.replace; str.replace takes two arguments
            if method in WRITES or name in WRITES_IN_FULL or moved or (method.endswith("open") and _for_writing(node)):
                yield name


def _for_writing(call: ast.Call) -> bool:
    """Whether a call opens a file for writing. A mode that is not a constant counts as writing."""
    named = [one.value for one in call.keywords if one.arg == "mode"]
    modes = [str(one.value) for one in (*call.args[:2], *named) if isinstance(one, ast.Constant)]
    return any(set(mode) & set("wax+") for mode in modes) or not all(isinstance(one, ast.Constant) for one in named)
