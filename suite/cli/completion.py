"""The completion script of a shell, made from the parser: verbs and options are in it, names are asked for."""

import argparse
import re
import shlex
import sys
from collections.abc import Iterator

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


# zsh: the options of a verb, where the word begins as one; a list of names behind an option would hide them.
_ZSH = r"""
_suite_options() {
  [[ $PREFIX == -* ]] || return 1
  local name=_shtab_suite_${words[1]}_options
  local -a all=("${(@P)name}")
  compadd - ${${${(M)all:#(|\*)--*}#\*}%%\[*}
}
"""

# fish: whether the last option of the command line is this one, so that its list goes on.
_FISH = """
function _suite_behind
  set -l options (string match -- '-*' (commandline -opc))
  test (count $options) -gt 0; and test "$options[-1]" = "$argv[1]"
end
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
                    "files": shtab.FILE, "folders": shtab.DIRECTORY, "experiments": _asked("experiments"),
                    "runs": _asked("runs"), "sets": _fixed("all", *CATALOG),
                    "fields": _fixed(*(f"{name}=" for name in FIELDS)),
                }[kind]  # fmt: skip
    text = str(shtab.complete(parser, shell))
    if shell in ("tcsh", "zsh"):
        return {"tcsh": _for_tcsh, "zsh": _for_zsh}[shell](text, parser)
    return text + {"bash": _BASH, "fish": _FISH + _lists_of_fish(parser)}.get(shell, "")


def _for_tcsh(text: str, parser: argparse.ArgumentParser) -> str:
    """The script with rules that tcsh can read, and with rules for the second of several names.

    A rule ends at the next of its own separators, and shtab's is the `/` that every path has. `N` looks at the word
    before the last one: tcsh has no rule for all the words behind an option or a verb.
    """
    lists = {word for verb, one in _verbs(parser).items() for word, _ in _lists(verb, one)}
    found = []
    for line in text.splitlines():
        rule = re.fullmatch(r"(\s*)'([cnp])/([^/]*)/(`.*`)/'(.*)", line)
        if not rule:
            found.append(line)
            continue
        indent, kind, pattern, command, rest = rule.groups()
        mark = next(one for one in "@%+,^|~" if one not in f"{pattern}{command}")
        kinds = [kind, "N"] if kind == "n" and pattern in lists else [kind]
        found += [f"{indent}'{one}{mark}{pattern}{mark}{command}{mark}'{rest}" for one in kinds]
    return "\n".join(found) + "\n"


def _for_zsh(text: str, parser: argparse.ArgumentParser) -> str:
    """The script with names that are asked for when they are completed, and specifications as argparse means them.

    shtab's ask for the names of every verb at each press of the key, have one word behind an option and one name where
    several may stand, and run what is behind the colon of a placeholder such as HOST:PORT.
    """
    found, verb = [], ""
    verbs = _verbs(parser)
    for line in text.splitlines():
        if begun := re.fullmatch(r"_shtab_suite_(\w+)_options=\(", line):
            verb = begun[1]
        line = re.sub(r'^  "\(\*\)::?', '  "*:', line).replace("($(", r"(\$(")
        named = re.match(r'  (?:"\*")?"(--[\w-]+)\[', line)
        action = verbs[verb]._option_string_actions.get(named[1]) if named and verb in verbs else None
        found.append(_option_of_zsh(line, action, dict(_lists(verb, verbs[verb]))) if action else line)
    return found[0] + "\n" + _ZSH + "\n".join(found[1:]) + "\n"


def _option_of_zsh(line: str, action: argparse.Action, lists: "dict[str, argparse.Action]") -> str:
    """shtab's specification of an option as `_for_zsh` has it."""
    name = str(action.metavar or action.dest)
    before, found, words = line.rpartition(f"]:{name}:")
    if not found:
        return line  # an option without a value
    name = name.replace(":", r"\:")
    if action not in lists.values():
        return f"{before}]:{name}:{words}"
    add = "compadd -S '' -" if _kind("", action) == "fields" else "compadd -"  # no space after `lr=`
    return f'{before}]:*-*:{name}:{{_suite_options || {add} {words.strip("()" + chr(34))})}}"'  # up to the next option


def _lists_of_fish(parser: argparse.ArgumentParser) -> str:
    """Rules for every further word behind an option that takes several: shtab's are for the first one."""
    rules = []
    for verb, one in _verbs(parser).items():
        for word, action in _lists(verb, one):
            if word.startswith("--"):
                words = action.complete["fish"]  # type: ignore[attr-defined]
                rules.append(
                    f"complete -c suite -n '_shtab_suite_using {verb}; and _suite_behind {word}' -xka \"{words}\""
                )
    return "\n".join(rules) + "\n"


def _lists(verb: str, parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.Action]]:
    """What stands before a list of names that can be completed: an option, or the verb itself."""
    for action in parser._actions:
        if action.nargs in ("+", "*") and _kind(verb, action) in ("experiments", "runs", "fields"):
            yield (action.option_strings or [verb])[-1], action


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


def _asked(kind: str) -> "dict[str, object]":
    """The command that lists names; -P, so that a file of the current folder is never run.

    In tcsh `2>` would be an argument and a lost answer; what the command has to say of errors is shown there.
    """
    import shtab

    command = f"{shlex.quote(sys.executable)} -P -m suite.completing {kind}"
    return {**shtab.cmd(f"{command} 2> /dev/null"), "tcsh": shtab.cmd(command)["tcsh"]}
