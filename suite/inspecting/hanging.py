"""All pictures of a network's inside, each with a sentence that says what to look for."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite import html
from suite.disk import files
from suite.errors import machine_error
from suite.inspecting import drawn_graph, pictures
from suite.inspecting.seen import Inside
from suite.pictures import canvas

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

Plan = tuple[str, str, Callable[[], "Figure"]]  # a name, a sentence, and what draws


@dataclass(frozen=True)
class Picture:
    """A picture's name, its file, and a sentence about it."""

    name: str
    path: Path
    says: str

    def facts(self) -> dict[str, Any]:
        """The values as they are printed."""
        return {"name": self.name, "path": str(self.path), "says": self.says}


@dataclass(frozen=True)
class Gallery:
    """The pictures of a run's inside, and the numbers that they show."""

    inside: Inside
    pictures: list[Picture]

    @property
    def remarks(self) -> list[str]:
        """What could not be shown, and why."""
        return self.inside.remarks

    def _repr_html_(self) -> str:
        """The pictures, each below its sentence, in a notebook; those whose files are still there."""
        there = [(one.says, one.path.read_bytes()) for one in self.pictures if one.path.is_file()]
        return html.of([], words=self.remarks, pictures=there)

    def to_dict(self) -> dict[str, Any]:
        """The values that `gallery --json` prints."""
        return self.facts()

    def frame(self) -> "pd.DataFrame":
        """The pictures, a row each: name, path, and what to look for."""
        import pandas as pd

        return pd.DataFrame([one.facts() for one in self.pictures])

    def facts(self) -> dict[str, Any]:
        """As plain values."""
        one = self.inside
        nodes = [{"kind": node.kind, "shape": node.shape, "parameters": node.parameters} for node in one.graph.nodes]
        return {
            "run": one.run, "pictures": [picture.facts() for picture in self.pictures], "image": one.chosen.facts(),
            "mistakes": one.mistakes, "images": one.images, "wrong": [each.facts() for each in one.wrong],
            "embedding": one.embedding and one.embedding.facts(),
            "graph": {"traced": one.graph.traced, "nodes": nodes, "edges": one.graph.edges}, "remarks": one.remarks,
        }  # fmt: skip


def hang(inside: Inside, folder: Path) -> Gallery:
    """Draw everything that there is into PNG files of a folder. Raises `SuiteError` (3) if it cannot be written."""
    hung = []
    try:
        files.make_folder(folder)
        for name, says, draw in plans(inside):
            with canvas.own_style():
                image = canvas.image(draw(), "png")
            files.write(folder / f"{name}.png", image)
            hung.append(Picture(name, folder / f"{name}.png", says))
    except OSError as error:
        raise machine_error(error, error.filename or folder) from error
    return Gallery(inside, hung)


def plans(inside: Inside) -> list[Plan]:
    """The pictures that can be drawn of it; `remarks` name the others."""
    found: list[Plan] = []
    drawn = pictures.readable(inside)
    if (weights := inside.weights) is not None:
        what = "what each output looks for in the whole image" if weights.templates else "what it looks for"
        found.append(("filters", f"the weights of {weights.layer}: {what}.", lambda: pictures.filters(drawn)))
    if inside.activations:
        says = f"test image {inside.chosen.image}, layer by layer; bright is high, and each layer has its own scale."
        found.append(("activations", says, lambda: pictures.activations(drawn)))
    if inside.wrong:
        says = f"of {inside.mistakes:,} mistakes in {inside.images:,} test images those with the highest probability."
        found.append(("wrong", says, lambda: pictures.mistakes(drawn)))
    if (one := inside.embedding) is not None:
        of = f"the {one.features:,} {'pixels' if one.pixels else 'features'} before {one.layer}"
        share = 100 * sum(one.explained)
        says = f"{of} by PCA: two components have {share:.0f} % of the variance."
        found.append(("pca", says, lambda: pictures.components(drawn)))
        if one.tsne is not None:
            says = f"{of} by t-SNE: images that are alike to the network lie together."
            found.append(("tsne", says, lambda: pictures.neighbours(drawn)))
    says = "each step with its output shape and parameters, and the ways between them."
    found.append(("graph", says, lambda: drawn_graph.network(inside.run, inside.graph)))
    return found
