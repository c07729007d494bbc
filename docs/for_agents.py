"""Writes AGENTS.md and llms.txt from the command line's help and from docs/index.md: `python docs/for_agents.py`."""

import os
import re

from pages import DOCS, FOLDER, LINK
from program import ROOT, verbs

from suite.cli import parser as cli


def llms() -> str:
    """llms.txt: what this is, the commands, and where to read on, as https://llmstxt.org has it."""
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    title, says = re.findall(r"^(# .*)\n\n(.*)$", index, re.MULTILINE)[0]
    sections = index[index.index("\n## ") :]
    outside = LINK.sub(lambda link: os.path.relpath(DOCS / link[1], ROOT), FOLDER.sub(r"`docs/\1`", sections))
    return f"{title}\n\n> {says}\n\n{_commands()}\n\n{_exit_codes()}\n{outside}"


def agents(text: str) -> str:
    """AGENTS.md with the commands and the exit codes as the command line's help has them now."""
    for name, made in (("commands", _commands()), ("exit codes", _exit_codes())):
        begin, end = f"<!-- {name}: made by docs/for_agents.py -->\n", f"<!-- end of {name} -->"
        before, rest = text.split(begin)
        text = before + begin + made + "\n" + end + rest.split(end)[1]
    return text


def _commands() -> str:
    return "\n".join(f"- `{parser.prog}`: {says}" for says, parser in verbs().values())


def _exit_codes() -> str:
    """The last sentence of the help, in one line."""
    return " ".join(("E" + cli.ENVIRONMENT.partition("\ne")[2]).split()) + "."


def main() -> None:
    """Write AGENTS.md and llms.txt again."""
    path = ROOT / "AGENTS.md"
    path.write_text(agents(path.read_text(encoding="utf-8")), encoding="utf-8")
    (ROOT / "llms.txt").write_text(llms(), encoding="utf-8")


if __name__ == "__main__":
    main()
