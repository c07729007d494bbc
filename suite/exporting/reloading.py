"""An export is loaded again by a program that does not know the suite, and compared with what the run has stored."""

import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suite.disk.journal import Run
from suite.errors import FAILED, SuiteError, machine_error, one_line

# -I leaves out the folder of the program, PYTHONPATH and the user's own packages; the rest may hold the suite.
ALONE = "import runpy, sys; sys.modules.update(suite=None, experiments=None); del sys.argv[0]; "
ALONE += "runpy.run_path(sys.argv[0], run_name='__main__')"


@dataclass(frozen=True)
class Compared:
    """Scores by an export beside a run's stored predictions of all test images.

    `largest` is the largest difference of the confidence in the stored class, `flipped` the number of images that get
    another class.
    """

    images: int
    largest: float
    flipped: int

    def facts(self) -> dict[str, Any]:
        """The three figures as plain values."""
        return asdict(self)


def compared(run: Run, loss: str, folder: Path, images: NDArray[np.uint8], scratch: Path) -> Compared:
    """Load the export in `folder` by its own load.py, and compare its scores with the run's predictions.

    `images` are all test images uint8 (n, channels, height, width), `loss` is the recipe's; files of the comparison go
    into `scratch`. Raises `SuiteError`: 1 if the program fails, 3 if it cannot be started.
    """
    from safetensors.numpy import load_file

    stored = load_file(run.folder / "predictions.safetensors")
    scores = _scores(folder, images, scratch).astype(np.float64)
    rows = np.arange(len(scores))
    likely = scores.clip(0, 1) if loss == "mse-one-hot" else _softmax(scores)
    largest = np.abs(likely[rows, stored["predicted"]] - stored["confidence"]).max()
    return Compared(len(scores), float(largest), int((scores.argmax(1) != stored["predicted"]).sum()))


def _scores(folder: Path, images: NDArray[np.uint8], scratch: Path) -> NDArray[np.float32]:
    given, answer = scratch / "images.npy", scratch / "scores.npy"
    command = [sys.executable, "-IB", "-c", ALONE, str(folder / "load.py"), str(given), str(answer)]
    try:
        np.save(given, images)
        done = subprocess.run(command, cwd=scratch, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    except OSError as error:
        raise machine_error(error, error.filename or scratch) from error
    if done.returncode:
        why = one_line(done.stderr.strip().rpartition("\n")[2]) or f"exit code {done.returncode}"
        raise SuiteError(
            f"the export cannot be loaded again by a program without the suite: {why:.300}.",
            "Nothing was written. Give another --format, or fix the experiment's file.",
            code=FAILED,
        )
    scores: NDArray[np.float32] = np.load(answer, allow_pickle=False)
    return scores


def _softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    powers = np.exp(scores - scores.max(1, keepdims=True))
    return np.asarray(powers / powers.sum(1, keepdims=True))
