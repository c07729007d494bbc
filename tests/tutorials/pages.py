"""The tutorials' commands, given as a reader would give them, and their output compared with the page's.

A block that begins with ```console holds commands, each after `$ `, and below each the lines that it prints. Words
after `console`: `real` trains on real data, so that only `-m promise` gives it; in a `measured` block every number is
measured, so each differs. A line `…` stands for lines left out. At a line `^C` Ctrl-C is pressed, after three epochs.
A block that begins with ```python NAME is a file that the reader writes. Blocks of another kind are not executed.

    python -m tests.tutorials.pages learner                 give a page's commands, and write what they print into it
    python -m tests.tutorials.pages engineer --busy         the same without its measured blocks, on a busy machine
"""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.conftest import ROOT, Workspace

FOLDER = ROOT / "docs" / "tutorials"
LEFT_OUT, PRESSED = "…", "^C"
BUSY = "--busy"
QUICKEST = "run linear --data digits --epochs 1 --seeds 1 --no-report"
LONGEST = 3000  # seconds that a command may take, on a busy machine
SETS = ("mnist", "fashion-mnist")  # of the experiments that `real` blocks train

# What differs honestly: times, speeds and memory; the speed before the hash of the weights, and the last two columns of
# `compare`'s costs; the processor, and the last digits of a loss that torch computes; the width of columns.
MASKS = (
    (r"[\d,.]+(?= (s|ms|images/s|MiB|GiB|minutes)\b)", "#"),
    (r"[\d.]+%(?= in )", "#%"),
    (r" [\d,]+(?=  [0-9a-f]{12}$)", " #"),
    (r"(\d of \d .*) [\d.,]+ +[\d,]+$", r"\1 # #"),
    (r"(?<=On this kind of processor: ).*", "#"),
    (r"( becomes \d\.\d)\d+(?= in \d+ steps)", r"\1#"),
    (r" {2,}", "  "),
)
MEASURED = (*MASKS[:-1], (r"\d[\d,.]*", "#"), (r"\b(PASS|INCONCLUSIVE)\b", "#"), MASKS[-1])


@dataclass
class Command:
    """A command of a page, and the lines that the page says it prints."""

    words: str
    line: int
    output: list[str] = field(default_factory=list)


@dataclass
class Block:
    """A fenced block: the words after its fence, its first and last line's numbers from 0, and its lines."""

    kind: list[str]
    first: int
    lines: list[str]

    def commands(self) -> list[Command]:
        """The commands of a console block."""
        found: list[Command] = []
        for number, line in enumerate(self.lines):
            if line.startswith("$ "):
                found.append(Command(line[2:], self.first + number + 1))
            else:
                found[-1].output.append(line)
        return found


def blocks(page: str) -> Iterator[Block]:
    """The fenced blocks of a page."""
    lines = page.splitlines()
    fences = [number for number, line in enumerate(lines) if line.startswith("```")]
    for opened, closed in zip(fences[::2], fences[1::2], strict=True):
        yield Block(lines[opened][3:].split(), opened + 1, lines[opened + 1 : closed])


def masked(lines: Sequence[str], *, measured: bool) -> list[str]:
    """The lines without what differs each time."""
    found = []
    for line in lines:
        for pattern, mask in MEASURED if measured else MASKS:
            line = re.sub(pattern, mask, line)
        found.append(line.strip())
    return found


def shortened(printed: Sequence[str], shown: Sequence[str]) -> list[str]:
    """What was printed, with as many lines left out as the page leaves out."""
    if LEFT_OUT not in shown:
        return [*printed]
    head = shown.index(LEFT_OUT)
    tail = len(shown) - head - 1
    return [*printed[:head], LEFT_OUT, *printed[max(head, len(printed) - tail) :]]


class Reader:
    """Somebody who follows a page in a folder of hers: `~` is her home, `~/suite` the checkout.

    She has the digits and `sets`, and compiled kernels: a machine's first command has more lines than the page.
    """

    def __init__(self, home: Path, sets: Sequence[str] = ()) -> None:
        self.home, self._code = home, 0
        self._workspace = Workspace(home / "suite")
        self._workspace.home.mkdir()
        self._workspace.extra["XDG_CACHE_HOME"] = str(self._own_cache(sets))
        (self._workspace.home / "docs").symlink_to(ROOT / "docs")
        (home / "new").symlink_to(sys.prefix)  # the engineer's environment with other packages

    def writes(self, block: Block) -> None:
        """Write the file that a block holds."""
        (self._workspace.home / block.kind[1]).write_text("\n".join(block.lines) + "\n")

    def gives(self, command: Command) -> list[str]:
        """Give a command; returns the lines that it prints, those of stderr last."""
        words = command.words.partition("  #")[0].replace("~/", f"{self.home}/")
        if words == "echo $?":
            return [str(self._code)]
        if words.startswith("export "):
            name, _, value = words.removeprefix("export ").partition("=")
            self._workspace.extra[name] = value
            return []
        printed = self._suite(words, command) if words.startswith("python -m suite ") else self._shell(words)
        plain = printed.replace(str(self.home), "~").replace(sys.prefix, "~/suite/.venv").replace(str(ROOT), "~/suite")
        return [line.rstrip() for line in plain.rstrip().splitlines()]

    def _suite(self, words: str, command: Command) -> str:
        words, _, into = words.removeprefix("python -m suite ").partition(" > ")
        process = self._workspace.start(*shlex.split(words))
        before = ""
        if PRESSED in command.output:
            assert process.stdout is not None
            while before.count("  epoch ") < 3 and (line := process.stdout.readline()):
                before += line
            os.killpg(process.pid, signal.SIGINT)
            before += f"{PRESSED}\n"
        out, err = process.communicate(timeout=LONGEST)
        self._code = process.returncode
        if into:
            (self._workspace.home / into).write_text(out)
            return err
        return before + out + err

    def _own_cache(self, sets: Sequence[str]) -> Path:
        """A cache with the user's published sets and kernels, and nothing of what she makes of her own pictures."""
        from suite.data import ensure, frozen
        from suite.kernels import compiled

        [known, *_] = [ensure(name, say=lambda _: None).parent for name in ("digits", *sets)]
        if not compiled.are_ready():
            with tempfile.TemporaryDirectory() as other:
                answer = Workspace(Path(other)).suite(*QUICKEST.split())
            assert compiled.are_ready(), answer
        cache = self.home / ".cache"
        (cache / "suite-benchmark" / "data").mkdir(parents=True)
        (cache / "suite-benchmark" / "kernels").symlink_to(known.parent / "kernels")
        for folder in known.iterdir():
            if folder.is_dir() and not frozen.is_own(folder.name) and folder.name != "own":
                (cache / "suite-benchmark" / "data" / folder.name).symlink_to(folder)
        return cache

    def _shell(self, words: str) -> str:
        environment = {**self._workspace.environment, "HOME": str(self.home), "PATH": _path()}
        answer = subprocess.run(
            ["bash", "-c", words], cwd=self._workspace.home, env=environment, capture_output=True, text=True
        )
        self._code = answer.returncode
        return answer.stdout + answer.stderr


def _path() -> str:
    """Where a shell finds this interpreter as `python`."""
    return f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def follow(
    page: str, home: Path, *, give: Callable[[Block], bool], then: Callable[[Block, Command, list[str]], None]
) -> None:
    """Give the commands of the blocks that `give` chooses, in their order.

    `then` is called with what each printed, shortened as on the page.
    """
    every = [*blocks(page)]
    reader = Reader(home, SETS if any("real" in block.kind and give(block) for block in every) else ())
    for block in every:
        if block.kind[:1] == ["python"] and len(block.kind) > 1:
            reader.writes(block)
        if block.kind[:1] == ["console"] and give(block):
            for command in block.commands():
                then(block, command, shortened(reader.gives(command), command.output))


def write(path: Path, home: Path, *, measured: bool) -> None:
    """Give all commands of a page, or all without the measured ones, and write what they print into it."""
    lines: dict[int, list[str]] = {}
    page = path.read_text(encoding="utf-8")

    def note(_: Block, command: Command, printed: list[str]) -> None:
        print(f"$ {command.words}", *printed, sep="\n", flush=True)
        lines[command.line] = [f"$ {command.words}", *printed]

    shown = {command.line: len(command.output) for block in blocks(page) if _is(block) for command in block.commands()}
    follow(page, home, give=lambda block: measured or "measured" not in block.kind, then=note)
    text = page.splitlines()
    for line in sorted(lines, reverse=True):
        text[line - 1 : line + shown[line]] = lines[line]
    path.write_text("\n".join(text) + "\n", encoding="utf-8")


def _is(block: Block) -> bool:
    return block.kind[:1] == ["console"]


# The pictures that commands of the pages make, and where.
PICTURES = {
    "curves.png": "mlruns/runs/lenet/*-s0/artifacts/curves.png",
    "confusion.png": "mlruns/runs/mlp/*-s0/artifacts/confusion.png",
    "tsne.png": "reports/gallery/mlp-s0/tsne.png",
    "seen.png": "seen.png",
}


def main(*words: str) -> None:
    """Write pages anew, and copy their pictures."""
    for name in (word for word in words if word != BUSY):
        page = FOLDER / f"{name}.md"
        with tempfile.TemporaryDirectory() as folder:
            write(page, Path(folder).resolve(), measured=BUSY not in words)
            for picture, pattern in PICTURES.items():
                if f"]({picture})" in page.read_text(encoding="utf-8"):
                    [found] = Path(folder, "suite").glob(pattern)
                    shutil.copy(found, FOLDER / picture)


if __name__ == "__main__":
    main(*sys.argv[1:])
