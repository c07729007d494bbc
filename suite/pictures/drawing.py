"""Drawing many pictures in parallel, because drawing takes nearly all of a report's time."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from suite.execute.cores import available_cores
from suite.execute.processes import LocalProcesses
from suite.pictures import canvas

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Drawing = tuple[Callable[..., "Figure"], tuple[Any, ...]]  # a module-level function and its arguments
KINDS = ("svg", "png")
Images = dict[str, bytes]  # the contents of the files, by kind
FEW = 8  # starting workers takes longer than drawing so many pictures


def images_of(figure: "Figure") -> Images:
    """A figure as the bytes of its SVG and PNG files."""
    return {kind: canvas.image(figure, kind) for kind in KINDS}


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
    for index, (draw, numbers) in owed.items():
        yield index, _try(draw, numbers)


@dataclass(frozen=True)
class _Drawn:
    """One drawing's images, on their way from its process."""

    index: int
    images: Images


def _draw_share(share: Sequence[tuple[int, Drawing]], emit: Callable[[_Drawn], None]) -> None:
    for index, (draw, numbers) in share:
        if images := _try(draw, numbers):
            emit(_Drawn(index, images))


@canvas.own_style()
def _try(draw: Callable[..., "Figure"], numbers: tuple[Any, ...]) -> Images | None:
    try:
        return images_of(draw(*numbers))
    except Exception:  # a record may have numbers that matplotlib cannot draw, a machine no font or no memory
        return None
