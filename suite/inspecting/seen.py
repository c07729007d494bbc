"""What can be seen inside a trained network, as plain numbers."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Weights:
    """The weights of the first layer that has some: the first `MOST_FILTERS` of its `count` outputs.

    `values` are filters (n, channels, height, width), or a matrix (n, inputs) where no picture can be made of one
    output's weights. `templates` says that each output looks at the whole image.
    """

    layer: str
    values: Floats
    count: int
    templates: bool = False


@dataclass(frozen=True)
class Activation:
    """What one call of a layer made of the image: maps (n, height, width), a matrix (n, features), or a vector (n,).

    `shape` is that of the whole output without the batch; of many maps, rows or values the first ones are kept.
    """

    layer: str
    shape: tuple[int, ...]
    values: Floats


@dataclass(frozen=True)
class Chosen:
    """One test image uint8 (channels, height, width): its index, its class, and the stored prediction."""

    image: int
    pixels: Pixels
    label: str
    predicted: str
    probability: float

    def facts(self) -> dict[str, Any]:
        """All but the pixels, as plain values."""
        return {
            "image": self.image, "class": self.label, "predicted": self.predicted, "probability": self.probability,
        }  # fmt: skip


@dataclass(frozen=True)
class Embedding:
    """The input of the last layer with weights, of the first n test images, in two dimensions.

    `features` is how many numbers an image has there; they are the `pixels` if no layer with weights comes before.
    `pca` and `tsne` are (n, 2); `explained` are the two shares of the variance; `labels` (n,) are numbers of classes.
    """

    layer: str
    features: int
    pixels: bool
    labels: NDArray[np.integer]
    pca: Floats
    explained: tuple[float, float]
    tsne: Floats | None = None

    def facts(self) -> dict[str, Any]:
        """All but the places of the images, as plain values."""
        return {
            "layer": self.layer, "features": self.features, "pixels": self.pixels, "images": len(self.labels),
            "explained": list(self.explained),
        }  # fmt: skip


@dataclass(frozen=True)
class Node:
    """A step of the network: its kind, the shape of its output for one image (None if unknown), its parameters.

    Parameters that an earlier step has are not counted again.
    """

    kind: str
    shape: tuple[int, ...] | None
    parameters: int


@dataclass(frozen=True)
class Graph:
    """The steps in the order of execution, the first is the image; an edge is (from, to), by their places.

    If the network could not be `traced`, the steps are the calls of its layers, each after the one before.
    `elsewhere` are parameters in none of the steps.
    """

    nodes: list[Node]
    edges: list[tuple[int, int]]
    traced: bool
    elsewhere: int = 0


@dataclass(frozen=True)
class Inside:
    """All of it, for one run. `classes` are names; `mistakes` is how many test images are wrong, of `images`.

    `remarks` say what there is not, and why.
    """

    run: str
    classes: tuple[str, ...]
    chosen: Chosen
    weights: Weights | None
    activations: list[Activation]
    calls: int
    wrong: list[Chosen]
    mistakes: int
    images: int
    embedding: Embedding | None
    graph: Graph
    remarks: list[str] = field(default_factory=list)
