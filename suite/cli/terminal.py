"""The output of a command: live bars on a terminal, plain lines in a pipe, or one JSON document."""

import json
import os
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from suite.api.progress import Lines, figures_of, line_for
from suite.errors import one_line
from suite.masking import masked
from suite.runs.events import Done, Ended, EpochEnded, Event, Failed, RunView, Step
from suite.runs.plan import Planned
from suite.text import printable, with_texts

if TYPE_CHECKING:
    from suite.tuning.rules import Rules
    from suite.tuning.work import StudyView


class _Console(Console):
    """rich's console, except that a closed pipe raises BrokenPipeError, which `cli.main` handles."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


class Terminal:
    """Output goes to stdout; with `--json`, stdout gets one JSON document and everything else goes to stderr."""

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self._warned: set[str] = set()
        self.console = _Console(stderr=as_json, highlight=False, soft_wrap=True)
        stream = sys.stderr if as_json else sys.stdout
        self.live = stream.isatty() and os.environ.get("TERM") != "dumb"

    def say(self, line: str) -> None:
        """Print a line of text, without markup."""
        self.console.print(_text(line))

    def warn(self, line: str) -> None:
        """Print a line on stderr, but not the same line twice."""
        if line not in self._warned:
            self._warned.add(line)
            print(f"suite: {one_line(line)}", file=sys.stderr, flush=True)

    def json(self, facts: Any) -> None:
        """Print the JSON document on stdout."""
        plain, escaped = with_texts(facts, masked), not _unicode(sys.stdout)
        print(json.dumps(plain, indent=1, ensure_ascii=escaped, default=lambda one: masked(str(one))))

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Print a table: with borders on a terminal, else as text. A column whose name ends in `>` aligns right."""
        names = [column.removesuffix(">") for column in columns]
        right = [column.endswith(">") for column in columns]
        if self.live:
            drawn = Table(title=title, title_justify="left")
            for name, numeric in zip(names, right, strict=True):
                drawn.add_column(name, justify="right" if numeric else "left", overflow="fold")
            for row in rows:
                drawn.add_row(*map(_text, row))
            self.console.print(drawn, soft_wrap=False)
            return
        rows = [[" ".join(cell.split()) for cell in row] for row in rows]  # a row is one line
        widths = [max(len(row[i]) for row in (names, *rows)) for i in range(len(names))]
        for row in (names, *rows):
            cells = (
                cell.rjust(width) if numeric else cell.ljust(width)
                for cell, width, numeric in zip(row, widths, right, strict=True)
            )
            self.say("  ".join(cells).rstrip())

    def progress(self, line: str) -> None:
        """Print a line, on a terminal only."""
        if self.live:
            self.say(line)

    def runs(self, planned: Sequence[Planned]) -> AbstractContextManager[RunView]:
        """A view of a command's runs."""
        return Bars(self, planned) if self.live else Lines(self.say)

    def study(self, rules: "Rules", *, done: int, total: int, finals: int) -> "AbstractContextManager[StudyView]":
        """A view of a study."""
        from suite.api.study_view import StudyView

        return StudyView(self, rules, done=done, total=total, finals=finals)


def _text(words: str) -> Text:
    """Words as the console shows them: taken literally, secrets masked."""
    return Text(printable(masked(words)))


def _unicode(stream: TextIO) -> bool:
    """Whether the stream takes every letter; one that does not would write escapes which are not JSON's."""
    return (getattr(stream, "encoding", None) or "utf-8").lower().startswith("utf")


class Bars:
    """Shows a bar for each run in training; a line above the bars for each end of a run."""

    def __init__(self, terminal: Terminal, planned: Sequence[Planned]) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._terminal, self._planned = terminal, planned
        self._busy: set[str] = set()
        self._tasks: dict[str, Any] = {}
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[figures]}", markup=False),
            TimeRemainingColumn(compact=True),
            console=terminal.console,
            transient=True,
        )
        self._all = self._progress.add_task("all runs", total=len(planned), figures="")

    def __enter__(self) -> "Bars":
        self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._progress.stop()

    def event(self, item: Planned, event: Event) -> None:
        match event:
            case Step():
                self._step(item, event)
            case Done() | Failed() | Ended() if item.run.name in self._tasks:
                self._progress.remove_task(self._tasks.pop(item.run.name))
        if not isinstance(event, EpochEnded) and (line := line_for(item, event, self._busy)):
            self._terminal.say(line)
        ended = sum(planned.status not in ("planned", "running") for planned in self._planned)
        self._progress.update(self._all, completed=ended, figures=f"{ended} of {len(self._planned)} runs")

    def _step(self, item: Planned, step: Step) -> None:
        recipe = item.experiment.recipe
        images = recipe.training_images()
        if item.run.name not in self._tasks:
            total = recipe.epochs * images
            self._tasks[item.run.name] = self._progress.add_task(item.run.name, total=total, figures="")
        done = step.epoch * images + step.images
        self._progress.update(self._tasks[item.run.name], completed=done, figures=figures_of(item, step))
