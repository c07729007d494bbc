"""The completion script of a shell, made from the parser: verbs and options are in it, names are asked for."""

import argparse
import shlex
import sys

from suite.data.catalog import CATALOG
from suite.recipe.fields import FIELDS

SHELLS = ("bash", "zsh", "tcsh", "fish")

# bash: no space after `lr=`; and `python -m suite` is completed like `suite`.
_BASH = """
_suite() {
  _shtab_suite "$@"
  [[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace 2> /dev/null
  return 0
}
_suite_of_python() {
  [[ ${COMP_WORDS[1]-} == -m && ${COMP_WORDS[2]-} == suite && $COMP_CWORD -ge 3 ]] || return 0
  COMP_WORDS=(suite "${COMP_WORDS[@]:3}")
  COMP_CWORD=$((COMP_CWORD - 2))
  _suite suite "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
}
complete -o bashdefault -F _suite suite
complete -o bashdefault -o default -F _suite_of_python python python3
"""


def options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `completion`."""
    parser.add_argument("shell", choices=SHELLS, help="the shell")


def script(shell: str, parser: argparse.ArgumentParser) -> str:
    """The script for one of `SHELLS`; `parser` is that of the program `suite`."""
    import shtab

    for verb, one in _verbs(parser).items():
        for action in one._actions:
            if kind := _kind(verb, action):
                action.complete = {  # type: ignore[attr-defined]
                    "files": shtab.FILE, "folders": shtab.DIRECTORY, "experiments": shtab.cmd(_asked("experiments")),
                    "runs": shtab.cmd(_asked("runs")), "sets": _fixed("all", *CATALOG),
                    "fields": _fixed(*(f"{name}=" for name in FIELDS)),
                }[kind]  # fmt: skip
    return str(shtab.complete(parser, shell)) + (_BASH if shell == "bash" else "")


def _verbs(parser: argparse.ArgumentParser) -> "dict[str, argparse.ArgumentParser]":
    [verbs] = [one for one in parser._actions if isinstance(one, argparse._SubParsersAction)]
    return dict(verbs.choices)


def _kind(verb: str, action: argparse.Action) -> str:
    """The kind of names that complete an argument; empty if there is none, as for a number or a new name."""
    if action.dest == "data" or (verb, action.dest) == ("data", "names"):
        return "sets"
    if action.dest in ("study", "sampler") or (verb, action.dest) == ("new", "name"):
        return ""
    words = {"NAME": "experiments", "RUN": "runs", "DIR": "folders", "PYTHON": "files", "PICTURE": "files"}
    name = str(action.metavar or "")
    return (
        "fields" if name.startswith("FIELD=") else "files" if name.startswith(("FILE", "OUT")) else words.get(name, "")
    )


def _fixed(*names: str) -> "dict[str, object]":
    """Names that are in the script itself; fish takes the list as it is, and each other shell an `echo`."""
    import shtab

    words = " ".join(names)
    return {**shtab.cmd(f"echo {words}"), "fish": words}


def _asked(kind: str) -> str:
    """The command that lists names; -P, so that a file of the current folder is never run."""
    return f"{shlex.quote(sys.executable)} -P -m suite.completing {kind} 2> /dev/null"
