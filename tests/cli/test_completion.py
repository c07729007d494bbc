"""The completion of a shell, by a real bash that is given words as a user types them."""

import subprocess
import sys

import pytest

from suite.cli.completion import script
from suite.cli.parser import parser_of
from suite.recipe.registry import OURS
from tests.conftest import ROOT, plain_environment

NAMES = {path.stem for path in OURS.glob("[!_]*.py")}
DRIVER = """
shopt -u hostcomplete
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
how=$(complete -p "$1"); how=${how##*-F }
${how%% *} 2> errors
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The script, and a home with one run and an experiment whose name is a command to a shell."""
    home = tmp_path_factory.mktemp("completed")
    (home / "mlruns/runs/lenet/0123456789abcdef-s7").mkdir(parents=True)
    (home / "own").mkdir()
    for name in ("mine", "_not_mine", "$(touch broken_in)", "a b;c"):
        (home / "own" / f"{name}.py").write_text("raise SystemExit('a file of the user is run')")
    (home / "suite").mkdir()
    (home / "suite" / "__init__.py").write_text("open('broken_in', 'w')")  # what is in a folder is not to be run
    (home / "script").write_text(script("bash", parser_of("suite")))
    return home


def completed(home, words):
    """What bash offers for the last of the words."""
    own = {"SUITE_EXPERIMENTS": str(home / "own"), "SUITE_HOME": str(home)}
    command = ["bash", "--norc", "-c", DRIVER, "bash", str(home / "script"), *words.split(" ")]
    done = subprocess.run(
        command, cwd=home, env={**plain_environment(), **own}, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    assert not (home / "broken_in").exists()
    return {line.strip() for line in done.stdout.splitlines() if line}


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("", {"run", "tune", "gate", "bench", "completion", "list"}),
        ("ga", {"gallery", "gate"}),
        ("run ", NAMES | {"mine"}),
        ("run len", {"lenet", "lenet_avgpool", "lenet_gaussian"}),
        ("run lenet mi", {"mine"}),
        ("gate lenet --jso", {"--json"}),
        ("run lenet --set ba", {"batch_size="}),
        ("run lenet --data fas", {"fashion-mnist"}),
        ("verify le", {"lenet-s7"}),
        ("tune lenet --sampler g", {"gp", "grid"}),
        ("new my", set()),
        ("completion b", {"bash"}),
    ],
)
def test_bash_offers(made, words, offered):
    found = completed(made, f"{'suite' if len(words) % 2 else 'python -m suite'} {words}")

    if words in ("", "run "):
        assert found >= offered
        assert not {"_not_mine", "a", "b;c"} & found
    else:
        assert found == offered


@pytest.mark.parametrize("suite", ["suite", "python -m suite", "python3 -m suite"])
def test_the_suite_is_completed_whatever_it_is_called(made, suite):
    assert completed(made, f"{suite} verify le") == {"lenet-s7"}


def test_another_command_of_python_is_left_alone(made):
    assert completed(made, "python -m http") == set()


def test_the_names_are_told_without_any_library():
    told = "import sys; import suite.completing as it; print(it.plain(it.experiments())); print(sorted(sys.modules))"

    done = subprocess.run([sys.executable, "-c", told], cwd=ROOT, capture_output=True, text=True, check=True)
    names, modules = done.stdout.splitlines()

    assert "'lenet'" in names
    assert not [one for one in ("torch", "numpy", "rich", "suite.errors", "suite.recipe") if f"'{one}'" in modules]


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh", "fish"])
def test_each_shell_has_a_script_with_every_verb(shell):
    text = script(shell, parser_of("suite"))

    assert "suite.completing experiments" in text
    for verb in ("run", "verify", "bench"):
        assert verb in text
