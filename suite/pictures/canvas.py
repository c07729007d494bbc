"""What pictures are drawn on: colours, style, figures outside pyplot, and their way into a file."""

import io
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, RED, GREY = "#2a6fb0", "#d9730d", "#2e8b57", "#c0392b", "#6b7280"
_STYLE = {
    "font.size": 9,
    "font.sans-serif": ["DejaVu Sans"],  # the fallbacks' names, at every word of an SVG, are a third of it
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.grid": True,
    "grid.color": "#e5e7eb",
    "axes.axisbelow": True,
    "svg.hashsalt": "suite",  # with it and without a date the same numbers give the same bytes
    "svg.fonttype": "none",
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.w_pad": 0.12,  # inches: in a PNG a label is longer than in the SVG that was laid out
}
_UNTOLD = ("Creator", "Date", "Format", "Type")  # of an SVG's metadata
DPI = 120


def image(figure: "Figure", kind: str) -> bytes:
    """A figure as a `png` or `svg` file; equal figures give equal bytes. Its layout is found once, by the first."""
    import matplotlib as mpl

    file = io.BytesIO()
    with mpl.rc_context(_STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # a name may have letters that the font has not
        if kind == "png":
            _paint(figure, file)
        else:
            figure.savefig(file, format=kind, dpi=DPI, metadata=dict.fromkeys(_UNTOLD))
    figure.set_layout_engine("none")
    return file.getvalue()


def _paint(figure: "Figure", file: BinaryIO) -> None:
    """A PNG with a palette: a third of the size, and no difference to be seen."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    figure.set_dpi(DPI)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = Image.frombytes("RGBA", canvas.get_width_height(), canvas.buffer_rgba()).convert("RGB")
    # Of Pillow's methods the one that keeps white white and small coloured words coloured.
    painted = pixels.quantize(64, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    painted.save(file, "png", optimize=True)


def new_figure(
    width: float, height: float, *, rows: int = 1, columns: int = 1, heights: Sequence[float] | None = None
) -> tuple["Figure", list["Axes"]]:
    """A figure outside pyplot, which keeps every figure alive and belongs to one thread.

    `width` and `height` in inches; `heights` are those of the rows, in proportion.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(width, height))
        return figure, list(figure.subplots(rows, columns, squeeze=False, height_ratios=heights).flat)


def logarithmic(axes: "Axes", which: str = "x", *, at: Sequence[float] = (1, 2, 5), unit: str = "") -> None:
    """Give an axis a logarithmic scale with plain numbers at these places of every power of ten."""
    from matplotlib.ticker import LogLocator, NullLocator

    getattr(axes, f"set_{which}scale")("log")
    axis = getattr(axes, f"{which}axis")
    axis.set_major_locator(LogLocator(subs=at))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(f"{{x:,.12g}}{unit}")
