"""One picture as the network gets it: what differs from the training images is measured, said, and corrected."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suite.data.dataset import Shape
from suite.data.own.pictures import header, pixels
from suite.predicting.measures import FAINT, NEAR, PLAIN, SLACK, Floats, Images, Measures, Usual, ink, measured, sides

LONGEST, COARSE = 2_000, 500  # pixels of the longer side of a picture that is cut, and of one where its ink is found
SHADE = 20  # ink fainter than 1/20 of the darkest is the paper's
SQUEEZED = 1.1  # a change of the proportions that is no rounding


@dataclass(frozen=True)
class Difference:
    """What differs from the training images, as words, and whether it was corrected."""

    what: str
    words: str
    corrected: bool = False


@dataclass(frozen=True)
class Fitted:
    """The network's input uint8 (channels, height, width), the picture's own size, and all differences."""

    pixels: NDArray[np.uint8]
    size: tuple[int, int]
    differences: list[Difference] = field(default_factory=list)

    def facts(self) -> dict[str, Any]:
        """Size and differences as plain values."""
        return {"size": list(self.size), "differences": [asdict(one) for one in self.differences]}


def fitted(path: Path, shape: Shape, usual: Usual | None, *, as_is: bool) -> Fitted:
    """The picture as the network's input (channels, height, width), corrected unless `as_is`.

    Without `usual` (colour, or training images without a plain background) it is only resized. Raises `SuiteError`: 2
    for a file that is no picture, 3 for one that cannot be read.
    """
    found = header(path)
    paper = _paper(path, found.height, found.width)
    plain = pixels(path, shape, paper)
    scaled = _scaled((found.height, found.width), shape, grey=found.grey)
    if usual is None:
        return Fitted(plain, (found.height, found.width), scaled)
    seen = measured(plain)
    wrong = _differences(seen, usual, squeezed=any(one.what == "proportions" for one in scaled))
    fixable = bool(seen.plain[0] >= PLAIN and seen.contrast[0] >= FAINT)
    if fixable and not as_is:
        plain = _corrected(path, paper, plain, usual, {one.what for one in (*wrong, *scaled)})
    every = [
        Difference(one.what, one.words, fixable and not as_is and one.what not in ("size", "colour"))
        for one in (*scaled, *wrong)
    ]
    return Fitted(plain, (found.height, found.width), every)


def _paper(path: Path, height: int, width: int) -> str:
    """The colour behind the transparent parts of a picture against which more of it can be seen."""
    small = 1, min(height, 64), min(width, 64)
    return max(("white", "black"), key=lambda colour: float(pixels(path, small, colour).std()))


def _scaled(size: tuple[int, int], shape: Shape, *, grey: bool) -> list[Difference]:
    """What the network's shape changes in any picture of another shape."""
    (height, width), (channels, high, wide) = size, shape
    found = []
    if size != (high, wide):
        found.append(Difference("size", f"{height} × {width} pixels, scaled to {high} × {wide}"))
    if not 1 / SQUEEZED < (height / width) / (high / wide) < SQUEEZED:
        found.append(Difference("proportions", f"not in the proportions of {high} × {wide}"))
    if grey != (channels == 1):
        found.append(Difference("colour", "grey, training in colour" if grey else "in colour, training in grey"))
    return found


def _differences(seen: Measures, usual: Usual, *, squeezed: bool) -> list[Difference]:
    """How the one image that was measured differs from what is usual."""
    if seen.plain[0] < PLAIN:
        return [Difference("background", "no plain background as in training, so nothing but the size was measured")]
    if seen.contrast[0] < FAINT:
        return [Difference("ink", "nothing can be seen on it")]
    found = []
    if seen.sign[0] != usual.sign:
        names = {1.0: "light on dark", -1.0: "dark on light"}
        found.append(Difference("polarity", f"{names[seen.sign[0]]}, training {names[usual.sign]}"))
    ground = usual.background if seen.sign[0] == usual.sign else 255 - usual.background
    low, high = round(float(seen.low[0])), round(float(seen.low[0] + seen.contrast[0]))
    if abs(seen.background[0] - ground) > NEAR or not usual.contrast.has(float(seen.contrast[0]), NEAR):
        ends = sorted((usual.background, usual.background + usual.sign * usual.contrast.middle))
        found.append(Difference("range", f"grey from {low} to {high}, training {ends[0]:.0f} to {ends[1]:.0f}"))
    length, off = float(seen.length[0]), (seen.mass if usual.centre == "mass" else seen.box)[0]
    if not usual.length.has(length, SLACK):
        words = f"{usual.length.low:.0f} to {usual.length.high:.0f}"
        found.append(Difference("margins", f"the ink is {length:.0f} pixels long, training {words}"))
    elif not (usual.down.has(off[0], SLACK) and usual.across.has(off[1], SLACK)) and not squeezed:
        down, across = off[0] - usual.down.middle, off[1] - usual.across.middle
        found.append(
            Difference("margins", f"the ink is {down:+.0f} pixels down and {across:+.0f} across from its place")
        )
    return found


def _corrected(path: Path, paper: str, plain: NDArray[np.uint8], usual: Usual, wrong: set[str]) -> NDArray[np.uint8]:
    """The picture with its ink as in training; only what is wrong is changed, so a training image stays as it is."""
    framed = {"margins", "proportions"} & wrong
    if not framed and not {"polarity", "range"} & wrong:
        return plain
    found = measured(plain)
    grey = plain[0].astype(np.float64)
    inked = ink(grey, found.background[0], found.sign[0])
    if framed:
        inked = _framed(_cut_out(path, paper), usual, plain.shape[1:])
    peak = float(inked.max())
    if framed or "range" in wrong:
        inked = inked * (usual.contrast.middle / peak)
    return np.clip(np.rint(usual.background + usual.sign * inked), 0, 255).astype(np.uint8)[None]


def _cut_out(path: Path, paper: str) -> Floats:
    """The box of a picture's ink, as ink (height, width).

    The box is looked for in a coarse copy, where dots of a print or of a scan are even. Its background is what is
    around it, because light may fall from one side.
    """
    whole, coarse = (_copy(path, paper, longest) for longest in (LONGEST, COARSE))
    found = measured(coarse)
    inked = ink(coarse.astype(np.float64), found.background[0], found.sign[0])
    box, around = [], []
    for axis in (1, 2):
        (first,), (last,) = sides(inked, 3 - axis)
        times, most = whole.shape[axis] / coarse.shape[axis], whole.shape[axis]
        margin = max(1, round((last - first) * times / 10))
        box.append(slice(start := int(first * times), end := min(most, max(start + 1, round(last * times)))))
        around.append(slice(max(0, start - margin), end + margin))
    ground = measured(whole[:, around[0], around[1]]).background[0]
    return ink(whole[0][box[0], box[1]].astype(np.float64), ground, found.sign[0])


def _framed(cut: Floats, usual: Usual, frame: tuple[int, ...]) -> Floats:
    """The ink scaled to its usual length and put in its usual place of an image (height, width)."""
    from PIL import Image

    scale = min(usual.length.middle, *frame) / max(cut.shape)
    height, width = (max(1, round(side * scale)) for side in cut.shape)
    exact = Image.fromarray(cut.astype(np.float32))
    small = np.asarray(exact.resize((width, height), Image.Resampling.BILINEAR), np.float64)
    small = small * (small > small.max() / SHADE)
    places = [
        (frame[axis] - 1) / 2 + place.middle - _middle(small, axis, usual.centre)
        for axis, place in enumerate((usual.down, usual.across))
    ]
    down, across = (min(max(round(places[axis]), 0), frame[axis] - small.shape[axis]) for axis in (0, 1))
    room = np.zeros(frame)
    room[down : down + height, across : across + width] = small
    return room


def _middle(inked: Floats, axis: int, centre: str) -> float:
    """Where the ink's middle is along an axis, in pixels from its first one."""
    if centre == "box":
        return float(inked.shape[axis] - 1) / 2
    weights = inked.sum(1 - axis)
    return float(np.average(np.arange(len(weights)), weights=weights))


def _copy(path: Path, paper: str, longest: int) -> Images:
    """The whole picture in grey, uint8 (1, height, width), in its own proportions, with so many pixels at most."""
    found = header(path)
    share = min(1.0, longest / max(found.height, found.width))
    height, width = (max(1, round(side * share)) for side in (found.height, found.width))
    return pixels(path, (1, height, width), paper)
