"""Many pictures at once: drawing takes nearly all of a report's time, and one process fills one core."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from suite.execute.processes import LocalProcesses, available_cores
from suite.pictures import canvas

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Drawing = tuple[Callable[..., "Figure"], tuple[Any, ...]]  # a function of a module's, and its arguments
KINDS = ("svg", "png")
Images = dict[str, bytes]  # by kind
FEW = 8  # so many are drawn before processes for them have started


def images_of(figure: "Figure") -> Images:
    """A figure as the bytes of its files."""
    return {kind: canvas.image(figure, kind) for kind in KINDS}


def draw_all(drawings: Sequence[Drawing]) -> Iterator[tuple[int, Images]]:
    """Yield (index of the drawing, its images) as they come, drawn by as many processes as there are cores.

    What a process owes when it ends, for whatever reason, is drawn here, and all of it where none can be had.
    """
    owed = dict(enumerate(drawings))
    if len(owed) > FEW and (cores := available_cores()) > 1:
        shares = [list(owed.items())[first::cores] for first in range(cores)]
        with suppress(OSError):  # the system lets this user have no more processes
            for _, event in LocalProcesses(cores).run(_draw_share, shares):
                if isinstance(event, _Drawn):
                    del owed[event.index]
                    yield event.index, event.images
    for index, (draw, numbers) in owed.items():
        yield index, images_of(draw(*numbers))


@dataclass(frozen=True)
class _Drawn:
    """One drawing's images, on their way from its process."""

    index: int
    images: Images


def _draw_share(share: Sequence[tuple[int, Drawing]], emit: Callable[[_Drawn], None]) -> None:
    for index, (draw, numbers) in share:
        emit(_Drawn(index, images_of(draw(*numbers))))
