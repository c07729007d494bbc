"""The completion of fish, tcsh and zsh, each driven as a user drives it: tcsh and zsh in a terminal of their own."""

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from suite.cli.completion import script
from suite.cli.parser import parser_of
from tests.cli.test_completion import NAMES
from tests.conftest import plain_environment

PATIENCE = 120.0  # seconds, on a machine that has much else to do


class Terminal:
    """A shell in a terminal of its own, and what it has written there since the last question."""

    def __init__(self, command: list[str], folder: Path, environment: dict[str, str]) -> None:
        self.seen = b""
        self._process, self._screen = pty.fork()
        if not self._process:
            os.chdir(folder)
            os.execvpe(command[0], command, {**environment, "TERM": "xterm", "COLUMNS": "400"})

    def type(self, words: str, until: str) -> str:
        """Type words as they are, and return what is written until these words are met, with them.

        Colours and movements of the cursor are left out.
        """
        self.seen = b""
        os.write(self._screen, words.encode())
        deadline = time.monotonic() + PATIENCE
        while until not in (plain := re.sub(r"\x1b\[[^a-zA-Z]*[a-zA-Z]", "", self.seen.decode(errors="replace"))):
            assert time.monotonic() < deadline, self.seen
            if select.select([self._screen], [], [], 0.2)[0]:
                self.seen += os.read(self._screen, 65_536)
        return plain

    def close(self) -> None:
        """End the shell."""
        os.close(self._screen)
        os.waitpid(self._process, 0)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home with one run, an experiment, and one whose name is a command to a shell; and the scripts."""
    home = tmp_path_factory.mktemp("shells")
    (home / "mlruns/runs/lenet/0123456789abcdef-s7").mkdir(parents=True)
    (home / "own").mkdir()
    for name in ("mine", "_not_mine", "$(touch broken_in)", "`touch broken_in`"):
        (home / "own" / f"{name}.py").write_text("raise SystemExit('a file of the user is run')")
    for shell in ("fish", "tcsh"):
        (home / f"script.{shell}").write_text(script(shell, parser_of("suite")))
    (home / "functions").mkdir()
    asked = script("zsh", parser_of("suite")).replace(sys.executable, str(home / "counting"))
    (home / "functions" / "_suite").write_text(asked)
    (home / "counting").write_text(f'#!/bin/sh\necho asked >> "{home}/questions"\nexec {sys.executable} "$@"\n')
    (home / "counting").chmod(0o755)
    return home


def environment(home):
    own = {"SUITE_EXPERIMENTS": str(home / "own"), "SUITE_HOME": str(home), "HOME": str(home), "LANG": "C"}
    return {**plain_environment(), **own}


def required(shell):
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    return shell


@pytest.fixture(scope="module")
def fish(home):
    """What fish offers for the last of the words."""

    def asked(words):
        command = [required("fish"), "--no-config", "-c", "source script.fish; complete -C $argv[1]", words]
        done = subprocess.run(command, cwd=home, env=environment(home), capture_output=True, text=True, check=True)
        assert done.stderr == ""
        return {line.partition("\t")[0] for line in done.stdout.splitlines() if line}

    return asked


@pytest.fixture(scope="module")
def tcsh(home):
    """What tcsh lists for the last of the words, in its editor."""
    terminal = Terminal([required("tcsh"), "-f", "-i"], home, environment(home))
    terminal.type("set edit; set prompt='<ready> '; source script.tcsh; echo '<'loaded'>'\n", "<loaded>\r\n<ready> ")

    def asked(words):
        shown = terminal.type(f"{words}\x04", f"<ready> {words}")
        terminal.type("\x15echo '<'done'>'\n", "<done>\r\n<ready> ")
        listed = shown.replace("\r", "").partition("\n")[2]
        return {*listed.partition("<ready>")[0].split()}

    yield asked
    terminal.close()


# zsh says by no prompt that it has nothing to offer, so its key does that.
ZSH = """unsetopt prompt_sp always_last_prompt; setopt no_beep; LISTMAX=1000; PS1='<ready> '
fpath=($PWD/functions $fpath); autoload -Uz compinit; compinit -D -u; zstyle ':completion:*' verbose no
offered() { zle list-choices; zle -R; print -n '<'over'>' }; zle -N offered; bindkey '^D' offered
"""


@pytest.fixture(scope="module")
def in_zsh(home):
    """A zsh in a terminal, which has the script as a function."""
    terminal = Terminal([required("zsh"), "-f", "-i"], home, environment(home))
    terminal.type(f"{ZSH}echo '<'loaded'>'\n", "<loaded>\r\n\r<ready> ")
    yield terminal
    terminal.close()


@pytest.fixture(scope="module")
def zsh(in_zsh):
    """What zsh lists for the last of the words, in its editor."""

    def asked(words):
        shown = in_zsh.type(f"{words}\x04", "<over>")
        in_zsh.type("\x15echo '<'done'>'\n", "<done>\r\n\r<ready> ")
        return {*shown.replace("\r", "").partition("\n")[2].partition("<ready>")[0].split()}

    return asked


OFFERED = [
    ("ga", {"gallery", "gate"}),
    ("run ", NAMES | {"mine"}),
    ("run len", {"lenet", "lenet_avgpool", "lenet_gaussian"}),
    ("run lenet mi", {"mine"}),
    ("compare lenet mi", {"mine"}),
    ("gate lenet --jso", {"--json"}),
    ("run lenet --set ba", {"batch_size="}),
    ("run lenet --set lr=0.1 ba", {"batch_size="}),
    ("run lenet --data fas", {"fashion-mnist"}),
    ("verify le", {"lenet-s7"}),
    ("tune lenet --sampler g", {"gp", "grid"}),
    ("new my", set()),
    ("completion b", {"bash"}),
    ("report --experiment lenet mi", {"mine"}),
    ("run lenet --set lr=0.1 --dr", {"--dry"}),
    ("run lenet --address h", set()),
]


@pytest.mark.slow
@pytest.mark.parametrize("shell", ["fish", "tcsh", "zsh"])
def test_a_real_shell_offers(shell, home, request):
    required(shell)
    asked = request.getfixturevalue(shell)
    dashes = {"--json": "json", "--dry": "dry"} if shell == "tcsh" else {}  # tcsh lists what goes on behind the dashes

    found = {words: asked(f"suite {words}") for words, _ in OFFERED}

    assert found == {words: {dashes.get(one, one) for one in offered} for words, offered in OFFERED}
    assert not (home / "broken_in").exists()


def test_zsh_puts_no_space_behind_a_field_and_asks_once_for_names(home, in_zsh):
    (home / "questions").unlink(missing_ok=True)

    in_zsh.type("suite run --set mome\t0.9 lr\t1", "momentum=0.9 lr=1")
    in_zsh.type("\x15suite run lenet mi\t", "mine ")

    assert (home / "questions").read_text().split() == ["asked"]
    in_zsh.type("\x15echo '<'done'>'\n", "<done>\r\n\r<ready> ")
