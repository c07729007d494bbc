"""The progress of a call in the output of a notebook's cell: one place that is written again and again."""

import sys
import time
from collections import deque
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from suite.api.progress import Stream, figures_of, line_for
from suite.html import escaped
from suite.runs.events import Done, Ended, EpochEnded, Event, Failed, RunView, Step
from suite.runs.plan import Planned

LINES, PAUSE = 5, 0.2  # lines that are kept below the bars; seconds between two drawings of a step
CELL = '<td style="text-align: left; padding: 0 0.8em 0 0">'


def is_here() -> bool:
    """Whether this process is a notebook's kernel, which shows HTML."""
    shell = _shell()
    return shell is not None and hasattr(shell, "kernel")


def _shell() -> Any:
    if "IPython" not in sys.modules:  # it is loaded in each of its kernels
        return None
    from IPython import get_ipython

    return get_ipython()


class Notebook(Stream):
    """Shows lines and bars in the cell that made the call. Warnings stay, as the cell's errors do."""

    def __init__(self) -> None:
        super().__init__()
        self._cell: Any = None
        self._place: Any = None
        self._lines: deque[str] = deque(maxlen=LINES)
        self._bars: dict[str, tuple[float, str]] = {}
        self._drawn = 0.0

    def say(self, line: str) -> None:
        """Show a line below the bars."""
        self._lines.append(line)
        self.draw()

    def warn(self, line: str) -> None:
        """Show a line on its own."""
        if line not in self._warned:
            self._warned.add(line)
            print(f"suite: {line}", file=sys.stderr, flush=True)

    def bar(self, name: str, share: float, figures: str) -> None:
        """Show how much of a run is done."""
        self._bars[name] = share, figures
        if time.monotonic() - self._drawn > PAUSE:
            self.draw()

    def no_bar(self, name: str) -> None:
        """Take a bar away."""
        self._bars.pop(name, None)

    def runs(self, planned: Sequence[Planned]) -> AbstractContextManager[RunView]:
        """A view of a call's runs."""
        return Bars(self, planned)

    def draw(self) -> None:
        """Write the bars and lines into the place of this cell."""
        from IPython import display

        bars = "".join(_row(name, share, figures) for name, (share, figures) in self._bars.items())
        lines = "<br>".join(map(escaped, self._lines))
        shown = {"text/html": f"<table>{bars}</table><small>{lines}</small>", "text/plain": "\n".join(self._lines)}
        cell = getattr(_shell(), "execution_count", None)
        if self._place is None or cell != self._cell:
            self._cell, self._place = cell, display.display(shown, raw=True, display_id=True)
        else:
            self._place.update(shown, raw=True)
        self._drawn = time.monotonic()


def _row(name: str, share: float, figures: str) -> str:
    bar = f'<progress value="{share:.3f}"></progress>'
    return f"<tr>{''.join(f'{CELL}{part}</td>' for part in (escaped(name), bar, escaped(figures)))}</tr>"


class Bars:
    """A bar for each run in training, and one for all; a line for each end of a run."""

    def __init__(self, notebook: Notebook, planned: Sequence[Planned]) -> None:
        self._notebook, self._planned = notebook, planned
        self._busy: set[str] = set()

    def __enter__(self) -> "Bars":
        self._all()
        return self

    def __exit__(self, *error: object) -> None:
        for name in ("all runs", *(item.run.name for item in self._planned)):
            self._notebook.no_bar(name)
        self._notebook.draw()

    def event(self, item: Planned, event: Event) -> None:
        """Show an event of one run."""
        match event:
            case Step():
                images = item.experiment.recipe.training_images()
                share = (event.epoch * images + event.images) / (item.experiment.recipe.epochs * images)
                self._notebook.bar(item.run.name, share, figures_of(item, event))
            case Done() | Failed() | Ended():
                self._notebook.no_bar(item.run.name)
                self._all()
        if not isinstance(event, EpochEnded) and (line := line_for(item, event, self._busy)):
            self._notebook.say(line)

    def _all(self) -> None:
        ended = sum(one.status not in ("planned", "running") for one in self._planned)
        every = len(self._planned)
        self._notebook.bar("all runs", ended / max(every, 1), f"{ended} of {every} runs")
