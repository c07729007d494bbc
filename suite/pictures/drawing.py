"""Drawing many pictures in parallel, because drawing takes nearly all of a report's time."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from suite.execute.cores import available_cores
from suite.execute.processes import LocalProcesses
from suite.pictures import canvas

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KINDS = ("svg", "png")
Images = dict[str, bytes]  # the contents of the files, by kind
FEW = 8  # starting workers takes longer than drawing so many pictures


class Drawing(NamedTuple):
    """A picture that is to be drawn: a module-level function, its arguments, and the files that are wanted."""

    draw: Callable[..., "Figure"]
    numbers: Sequence[Any]
    kinds: Sequence[str] = KINDS


def images_of(figure: "Figure", kinds: Sequence[str] = KINDS) -> Images:
    """A figure as the bytes of its files, of these kinds."""
    return {kind: canvas.image(figure, kind) for kind in kinds}


def draw_all(drawings: Sequence[Drawing]) -> Iterator[tuple[int, Images | None]]:
    """Yield (index of the drawing, its images) as they are ready, drawn by one process per core.

    A picture that cannot be drawn has None: a report does without it. Pictures that a worker did not deliver are drawn
    in this process; so are all of them when no worker can be started.
    """
    owed = dict(enumerate(drawings))
    if len(owed) > FEW and (cores := available_cores()) > 1:
        shares = [list(owed.items())[first::cores] for first in range(cores)]
        with suppress(OSError):  # the system allows this user no more processes
            for _, event in LocalProcesses(cores).run(_draw_share, shares):
                if isinstance(event, _Drawn):
                    del owed[event.index]
                    yield event.index, event.images
    for index, drawing in owed.items():
        yield index, _try(drawing)


@dataclass(frozen=True)
class _Drawn:
    """One drawing's images, on their way from its process."""

    index: int
    images: Images


def _draw_share(share: Sequence[tuple[int, Drawing]], emit: Callable[[_Drawn], None]) -> None:
    for index, drawing in share:
        if images := _try(drawing):
            emit(_Drawn(index, images))


@canvas.own_style()
def _try(drawing: Drawing) -> Images | None:
    try:
        return images_of(drawing.draw(*drawing.numbers), drawing.kinds)
    except Exception:  # a record may have numbers that matplotlib cannot draw, a machine no font or no memory
        return None
