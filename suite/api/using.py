"""The public functions that use a trained network: loaded, asked about pictures, taken away, published.

They are as those of `suite.api.calls`.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from suite.api import exporting, loading, predicting
from suite.api.caller import leaves_no_trace
from suite.api.naming import RunName, word_of
from suite.api.session import Session

if TYPE_CHECKING:
    from suite.engine.trained import Trained
    from suite.exporting.exported import Exported, Published
    from suite.predicting.worker import Predicted


@leaves_no_trace
def load(run: RunName, *, session: Session | None = None) -> "Trained":
    """A finished run's network with its weights, a torch module in evaluation mode: bytes in, scores out.

    It maps uint8 (n, channels, height, width), as in the data set, to float32 (n, classes); scaling and normalisation
    are inside. `recipe` is the recipe, `classes` the names of the scores, and `network` the network itself.
    """
    return loading.load(session or Session.open(), word_of(run))


@leaves_no_trace
def predict(run: RunName, *pictures: str | Path, as_is: bool = False, session: Session | None = None) -> "Predicted":
    """The classes that a finished run gives to pictures, corrected to look like its training images unless `as_is`.

    A folder among the pictures stands for all of its pictures. `refused` of the result has the error of each picture
    that cannot be read.
    """
    return predicting.predict(session or Session.open(), word_of(run), [Path(one) for one in pictures], as_is=as_is)


@leaves_no_trace
def export(run: RunName, to: str | Path, format: str = "safetensors", *, session: Session | None = None) -> "Exported":
    """Write a finished run's network into a new folder `to` that other programs can load: bytes in, scores out.

    `format` is safetensors (weights and the network's text), pt2 (a graph of torch) or onnx. `checked` of the result
    compares the folder, loaded without the suite, with the run's stored predictions of all test images.
    """
    return exporting.export(session or Session.open(), word_of(run), Path(to), format)


@leaves_no_trace
def publish(run: RunName, name: str = "", alias: str = "candidate", *, session: Session | None = None) -> "Published":
    """Put a finished run's network into MLflow's registry, as the model `name` (the experiment's), with an alias."""
    return exporting.publish(session or Session.open(), word_of(run), name, alias)
