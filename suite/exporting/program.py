"""The whole program of a trained network as one module of torch: bytes in, scores out; traced, and written to files."""

import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from suite.disk.script import words_of
from suite.engine.batches import normalised
from suite.engine.memory import ran_out
from suite.errors import SuiteError
from suite.recipe import Recipe

if TYPE_CHECKING:
    from torch.export import ExportedProgram


class Program(nn.Module):
    """Maps images uint8 (n, channels, height, width) to scores float32 (n, classes), with a recipe's own scaling."""

    def __init__(self, network: nn.Module, recipe: Recipe) -> None:
        super().__init__()
        self.network, self.recipe = network, recipe
        self.eval()

    def forward(self, images: torch.Tensor) -> Any:
        """The scores, by the operations of an evaluation."""
        return self.network(normalised(images, self.recipe)).float()


def example(recipe: Recipe) -> torch.Tensor:
    """Two empty images of the recipe's data: with one, torch takes the size of the batch for a constant."""
    return torch.zeros(2, *recipe.shape, dtype=torch.uint8)


def traced(program: Program, recipe: Recipe, path: Path) -> "ExportedProgram":
    """The program's graph for batches of any size; `path` is the experiment's file.

    Raises `SuiteError` (2) if it has none, such as that of a network whose steps depend on the values of an image.
    """
    with in_one_line(path, "torch.export"):
        found = torch.export.export(
            program, (example(recipe),), dynamic_shapes=({0: torch.export.Dim("batch")},), strict=False
        )
    found.example_inputs = None  # an archive keeps them as a pickle
    return found


def pt2(graph: "ExportedProgram") -> bytes:
    """The graph as an archive that `torch.export.load` reads."""
    written = io.BytesIO()
    torch.export.save(graph, written)
    return written.getvalue()


def onnx(graph: "ExportedProgram", recipe: Recipe, path: Path) -> bytes:
    """The graph in the ONNX format; `path` is the experiment's file. Raises `SuiteError` (2) as `traced` does."""
    with in_one_line(path, "torch.onnx"):
        made = torch.onnx.export(
            graph, (example(recipe),), dynamo=True, verbose=False, input_names=["images"], output_names=["scores"]
        )
        assert made is not None  # only the older exporter returns nothing
        return bytes(made.model_proto.SerializeToString())


@contextmanager
def in_one_line(path: Path, tool: str) -> Iterator[None]:
    """Turn what a tool of torch says about a network, which fills pages, into one `SuiteError` (2) of one line."""
    logging.disable(logging.CRITICAL)
    try:
        said = io.StringIO()
        with warnings.catch_warnings(), redirect_stderr(said), redirect_stdout(said), torch.no_grad():
            warnings.simplefilter("ignore")
            yield
    except Exception as error:  # they raise whatever the operation raises that they cannot trace
        if ran_out(error) or isinstance(error, OSError):
            raise
        raise SuiteError(
            f"{path}: network: {tool} cannot trace it: {type(error).__name__}: {words_of(error):.200}.",
            "Let forward() not depend on the values of images nor on the size of the batch, "
            "or export it with --format safetensors.",
        ) from error
    finally:
        logging.disable(logging.NOTSET)
