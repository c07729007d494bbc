"""The common parts of all pictures: colours, style, new figures, and figures as image files."""

import io
import logging
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from suite.errors import load_error

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, RED, GREY = "#2a6fb0", "#d9730d", "#2e8b57", "#c0392b", "#6b7280"
_STYLE = {
    "font.size": 9,
    "font.sans-serif": ["DejaVu Sans"],  # one font: an SVG repeats all font names at each text, a third of its size
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.grid": True,
    "grid.color": "#e5e7eb",
    "axes.axisbelow": True,
    "svg.hashsalt": "suite",  # with this and without a date, the same numbers give the same bytes
    "svg.fonttype": "none",
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.w_pad": 0.12,  # inches: the layout is made for the SVG, and PNG labels are longer
}
_UNTOLD = ("Creator", "Date", "Format", "Type")  # metadata that is left out of an SVG
DPI = 120
POINTS = 72  # dots per inch of an SVG
CHART = 20_000
"""The most colours of a chart, edges of letters included; 40 photographs have more than 100,000."""


@contextmanager
def own_style() -> Iterator[None]:
    """matplotlib without the user's settings: a figure that is drawn inside has the same bytes for every user.

    Nothing of the user's own figures changes. Raises `SuiteError` (3) if matplotlib cannot be loaded.
    """
    mpl = _matplotlib()
    as_it_comes = {name: value for name, value in mpl.rcParamsDefault.items() if name != "backend"}
    with mpl.rc_context(as_it_comes):
        yield


@cache
def _matplotlib() -> Any:
    """matplotlib, loaded whatever the user's settings are, with its own fonts before others of the same name."""
    mpl = sys.modules.get("matplotlib") or _load()
    from matplotlib import font_manager

    own = Path(mpl.get_data_path(), "fonts", "ttf").glob("DejaVuSans*.ttf")
    faces = [font_manager.ttfFontProperty(font_manager.get_font(path)) for path in sorted(own)]
    font_manager.fontManager.ttflist[:0] = faces  # its list of fonts may be another installation's
    return mpl


def load() -> None:
    """Load what drawing needs, which the first picture would wait for."""
    with own_style():
        import matplotlib.backends.backend_agg
        import matplotlib.figure  # noqa: F401


def _load() -> Any:
    """matplotlib, which refuses to be loaded where MPLBACKEND names a backend that it cannot have."""
    named = os.environ.pop("MPLBACKEND", None)
    log = logging.getLogger("matplotlib")
    level = log.level
    log.setLevel(logging.CRITICAL)  # it warns of settings that we do not use, and of a cache that cannot be written
    try:
        import matplotlib as mpl
        import matplotlib.font_manager
    except Exception as error:  # also the locale's own, where a matplotlibrc asks for one that there is not
        raise load_error("matplotlib", error) from error
    finally:
        log.setLevel(level)
        if named is not None:
            os.environ["MPLBACKEND"] = named
    if named:
        with suppress(ValueError):  # for the user's own figures: loaded by the user, it would have the backend too
            mpl.rcParams["backend"] = named
    return mpl


def image(figure: "Figure", kind: str) -> bytes:
    """A figure as the bytes of a `png` or `svg` file; equal figures give equal bytes.

    The first call computes the layout, and later calls keep it.
    """
    file = io.BytesIO()
    with own_style(), _matplotlib().rc_context(_STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # a name may have letters that the font lacks
        if kind == "png":
            _paint(figure, file)
        else:
            _write_svg(figure, file)
    figure.set_layout_engine("none")
    return file.getvalue()


def _write_svg(figure: "Figure", file: BinaryIO) -> None:
    """Write an SVG as `savefig` does, which would draw the whole figure once more, for the layout alone."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    canvas = FigureCanvasSVG(figure)
    if engine := figure.get_layout_engine():
        figure.set_dpi(POINTS)
        engine.execute(figure)
        figure.set_layout_engine("none")
    figure.set_dpi(DPI)  # of the images in it
    canvas.print_svg(file, metadata=dict.fromkeys(_UNTOLD))


def _paint(figure: "Figure", file: BinaryIO) -> None:
    """Write a PNG with a palette, a third of the size. Charts show no difference, photographs in colour a small one."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    figure.set_dpi(DPI)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = Image.frombytes("RGBA", canvas.get_width_height(), canvas.buffer_rgba()).convert("RGB")
    colours = 64 if pixels.getcolors(CHART) else 256
    # Of Pillow's methods, this one keeps white areas white and small coloured words coloured.
    painted = pixels.quantize(colours, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    painted.save(file, "png", optimize=True)


def new_figure(
    width: float, height: float, *, rows: int = 1, columns: int = 1, heights: Sequence[float] | None = None
) -> tuple["Figure", list["Axes"]]:
    """A new figure and its axes, `rows` × `columns`, row by row.

    It is made without pyplot, which keeps every figure in memory and is not thread-safe. `width` and `height` are in
    inches; `heights` are the relative heights of the rows.
    """
    with own_style(), _matplotlib().rc_context(_STYLE):
        from matplotlib.figure import Figure

        figure = Figure(figsize=(width, height))
        return figure, list(figure.subplots(rows, columns, squeeze=False, height_ratios=heights).flat)


def notice(words: str) -> "Figure":
    """A figure of words alone, to stand where a picture is missing."""
    figure, (axes,) = new_figure(6.0, 0.6)
    axes.axis("off")
    axes.text(0, 0.5, words, color=RED, va="center", parse_math=False)
    return figure


def writable(classes: Sequence[str]) -> list[str]:
    """The names of the classes, but `class 3`, counted from 0, for one with letters that the font lacks.

    Chinese letters would be empty boxes. The report's page writes the names themselves, in the same order.
    """
    known = _letters()
    return [name if known.issuperset(map(ord, name)) else f"class {number}" for number, name in enumerate(classes)]


@cache
def _letters() -> frozenset[int]:
    """The code points that our font has."""
    mpl = _matplotlib()
    font = mpl.font_manager.get_font(Path(mpl.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf"))
    return frozenset(font.get_charmap())


def logarithmic(axes: "Axes", which: str = "x", *, at: Sequence[float] = (1, 2, 5), unit: str = "") -> None:
    """Make an axis logarithmic, with plain numbers at the multiples `at` of each power of ten."""
    from matplotlib.ticker import LogLocator, NullLocator

    getattr(axes, f"set_{which}scale")("log")
    axis = getattr(axes, f"{which}axis")
    axis.set_major_locator(LogLocator(subs=at))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(f"{{x:,.12g}}{unit}")
