"""Draws commands with their output as a terminal shows them: `python docs/terminal.py "python -m suite list" > a.svg`.

docs/terminal.svg was made in the home of the sample report by

    python docs/terminal.py "python -m suite run lenet --seeds 5 --no-report" \
        "python -m suite compare lenet lenet_gaussian" > docs/terminal.svg
"""

import contextlib
import io
import os
import pty
import re
import shlex
import subprocess
import sys

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

WIDTH = 140
WITHOUT_FONTS = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)  # nothing from elsewhere


def output(command: str) -> str:
    """What a command prints on a terminal of WIDTH columns."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(WIDTH), "TERM": "xterm-256color"}
    process = subprocess.Popen(shlex.split(command), env=environment, stdout=theirs, stderr=theirs)
    os.close(theirs)
    parts = []
    with contextlib.suppress(OSError):  # the system's word for the end of a terminal
        while part := os.read(ours, 65536):
            parts.append(part)
    process.wait()
    shown = b"".join(parts).decode().replace("\r\n", "\n")
    shown = re.sub(r"\x1b\[\?25[lh]", "", shown)  # the cursor, hidden and shown
    return re.sub(r"[^\n]*\n?(\r?\x1b\[1A)?\r?\x1b\[2K", "", shown)  # a line that was cleared again: a bar


def main(commands: list[str]) -> None:
    """Print the SVG of these commands."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    for command in commands:
        console.print(Text(f"$ {command}", style="bold"))
        console.print(Text.from_ansi(output(command)), "")
    print(console.export_svg(title="Suite", code_format=WITHOUT_FONTS, unique_id="terminal"))


if __name__ == "__main__":
    main(sys.argv[1:])
