"""Ten digits as a person writes them with a pen on paper and scans them: strokes, no images of any data set."""

from math import cos, radians, sin
from pathlib import Path

from PIL import Image, ImageDraw

DPI = 300
PAGE = (1_240, 1_748)  # width and height of A6 at 300 dpi
PEN = 22  # pixels: a felt pen of 2 mm


def _arc(x: float, y: float, across: float, down: float, start: int, end: int) -> list[tuple[float, float]]:
    """Points of an ellipse's arc; 0 degrees is to the right, 90 below."""
    step = 6 if end > start else -6
    return [(x + across * cos(radians(at)), y + down * sin(radians(at))) for at in range(start, end + step, step)]


# Strokes in a box of 1 × 1, y downwards, as pens draw them.
STROKES: dict[int, list[list[tuple[float, float]]]] = {
    0: [_arc(0.5, 0.5, 0.34, 0.48, -80, 290)],
    1: [[(0.38, 0.2), (0.55, 0.02), (0.5, 0.98)]],
    2: [[*_arc(0.5, 0.28, 0.3, 0.26, 200, 380), (0.62, 0.6), (0.2, 0.95), (0.52, 0.9), (0.85, 0.96)]],
    3: [[*_arc(0.45, 0.26, 0.3, 0.24, 210, 440), *_arc(0.45, 0.73, 0.34, 0.25, 280, 510)]],
    4: [[(0.3, 0.04), (0.14, 0.55), (0.86, 0.5)], [(0.68, 0.2), (0.62, 0.98)]],
    5: [[(0.78, 0.05), (0.3, 0.07), (0.26, 0.45), *_arc(0.45, 0.68, 0.32, 0.28, 240, 505)]],
    6: [[(0.68, 0.03), (0.38, 0.3), (0.24, 0.65), *_arc(0.5, 0.72, 0.27, 0.24, 180, -190)]],
    7: [[(0.15, 0.08), (0.5, 0.1), (0.84, 0.06), (0.6, 0.5), (0.42, 0.97)]],
    8: [
        [
            *_arc(0.5, 0.27, 0.25, 0.23, -60, -270),
            *_arc(0.5, 0.74, 0.3, 0.24, -90, 270),
            *_arc(0.5, 0.27, 0.25, 0.23, 90, -60),
        ]
    ],
    9: [[*_arc(0.48, 0.3, 0.28, 0.25, -20, 340), (0.74, 0.3), (0.68, 0.65), (0.6, 0.98)]],
}


def write(folder: Path, digit: int) -> Path:
    """A page with one digit: dark blue on white, 3 cm high, in another corner each; returns the file."""
    page = Image.new("RGB", PAGE, (252, 251, 248))
    pen = ImageDraw.Draw(page)
    left, top, size = 120 + 89 * (digit * 3 % 10), 130 + 131 * (digit * 7 % 10), 240 + 9 * digit
    for stroke in STROKES[digit]:
        points = [(left + x * size * 0.8, top + y * size) for x, y in stroke]
        pen.line(points, fill=(24, 28, 66), width=PEN, joint="curve")
        for x, y in points:
            pen.ellipse((x - PEN / 2, y - PEN / 2, x + PEN / 2, y + PEN / 2), fill=(24, 28, 66))
    path = folder / f"page{digit}.png"
    page.save(path, dpi=(DPI, DPI))
    return path


def write_all(folder: Path) -> list[Path]:
    """All ten, in their order."""
    return [write(folder, digit) for digit in range(10)]
