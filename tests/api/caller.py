"""A program that makes the public calls and prints, for each, what it changed of its process; a test runs it.

`python -m tests.api.caller fresh|loaded FOLDER [CALL ...]`: in a process that has loaded nothing, or in one that uses
the same libraries itself, with settings of its own. `prepare` makes the folder.
"""

import contextlib
import json
import locale
import logging
import multiprocessing
import os
import random
import signal
import socket
import sys
import tempfile
import threading
import warnings
from pathlib import Path
from typing import Any

LOGGERS = ("mlflow", "alembic", "sqlalchemy", "optuna", "matplotlib", "torch")


def state() -> dict[str, Any]:
    """What a caller can see of the process, as texts; of a library only if it is loaded."""
    hooks = (sys.excepthook, threading.excepthook, sys.displayhook, sys.stdout, sys.stderr, logging.root.handlers)
    named = [one for one in signal.valid_signals() if isinstance(one, signal.Signals)]
    found: dict[str, Any] = {
        "environment": dict(os.environ),
        "folder": os.getcwd(),
        "path": list(sys.path),
        "handlers": {one.name: repr(signal.getsignal(one)) for one in named},
        "blocked signals": repr(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
        "random": hash(random.getstate()),
        "hooks": [*map(repr, hooks)],
        "start method": multiprocessing.get_start_method(allow_none=True),
        "locale": locale.setlocale(locale.LC_ALL),
        "temporary": tempfile.gettempdir(),
        "umask": _umask(),
        "recursion": sys.getrecursionlimit(),
        "root logger": [logging.root.level, logging.root.disabled, logging.root.manager.disable],
    }
    return {**found, **{name: look() for name, look in LIBRARIES.items() if name in sys.modules}}


def _umask() -> int:
    os.umask(mask := os.umask(0o077))
    return mask


def _torch() -> dict[str, Any]:
    import torch

    from suite.engine import switches

    return {
        **{name: repr(value) for name, value in switches.state().items()},
        "seed": torch.initial_seed(), "random": hash(torch.get_rng_state().numpy().tobytes()),
        "gradients": torch.is_grad_enabled(), "threads between": torch.get_num_interop_threads(),
    }  # fmt: skip


def _numpy() -> dict[str, Any]:
    import numpy as np

    return {"random": hash(np.random.get_state()[1].tobytes()), "errors": np.geterr(), "prints": np.get_printoptions()}


def _matplotlib() -> dict[str, Any]:
    import matplotlib as mpl

    return {name: repr(value) for name, value in dict.items(mpl.rcParams)}


def _mlflow() -> dict[str, Any]:
    import mlflow

    return {
        "uri": mlflow.get_tracking_uri(),
        **{name: logging.getLogger(name).level for name in LOGGERS if name in sys.modules},
    }


LIBRARIES = {"torch": _torch, "numpy": _numpy, "matplotlib": _matplotlib, "mlflow": _mlflow}


def use_the_libraries(folder: Path) -> None:
    """Load the libraries as a user's notebook has, with settings that are not theirs by default."""
    import matplotlib as mpl
    import matplotlib.pyplot
    import mlflow
    import numpy as np
    import optuna  # noqa: F401
    import pandas  # noqa: F401
    import scipy.special  # noqa: F401
    import torch

    torch.set_num_threads(2)
    torch.manual_seed(7)
    np.random.seed(7)
    random.seed(7)
    mpl.rcParams["lines.linewidth"] = 3.0
    mlflow.set_tracking_uri(f"sqlite:///{folder}/mine.db")  # it puts that into the environment too
    logging.getLogger("mlflow").setLevel(logging.DEBUG)


def changes(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What differs, as lines; a library that was not loaded before has no `before`."""
    found = []
    for name, one in before.items():
        other = after[name]
        if not isinstance(one, dict):
            one, other = {"": one}, {"": other}
        known = (
            sorted({*one, *other}) if name != "mlflow" else sorted(one)
        )  # a logger of a library that is new is its own
        different = (key for key in known if repr(one.get(key)) != repr(other.get(key)))
        found += [f"{name} {key}: {one.get(key)!r:.90} is {other.get(key)!r:.90}" for key in different]
    return found


def lost(before: list[Any], after: list[Any]) -> list[str]:
    """The filters of warnings that are gone; a library that is loaded adds its own before them."""
    left = iter(after)
    return [f"filter of warnings {one!r}" for one in before if not any(one == other for other in left)]


def prepare(folder: Path, experiment: str) -> None:
    """What the calls need: experiments, a picture, a reference of the accuracy gate."""
    from PIL import Image

    from suite.recipe.registry import load

    own = folder / "own"
    own.mkdir()
    (own / "quick.py").write_text(experiment)
    (own / "worse.py").write_text(experiment.replace("lr=0.1", "lr=0.0001"))
    Image.new("L", (28, 28), 200).save(folder / "seven.png")
    [one] = load([own]).choose(["quick"])
    about = {"recipe": one.recipe.protocol(), "network": one.trained_text, "environment": {}}
    (folder / "reference.json").write_text(json.dumps({"quick": {"accuracies": [0.9, 0.9, 0.91], **about}}))


def calls(folder: Path, *, quick: bool) -> dict[str, Any]:
    """Every public call, by name. `quick` is too little for `compare`."""
    import suite

    with_own = {"session": suite.Session.open(experiments=[folder / "own"])}
    [known] = with_own["session"].chosen(["quick"])
    amount = {"seeds": [0], "report": False} if quick else {"seeds": 3}
    few = {"trials": 2, "generation": 2, "seeds": 1, "fresh_seeds": 3, "report": False}
    return {
        "Session": lambda: suite.Session.open(experiments=[folder / "own"]),
        "experiments": lambda: suite.experiments(),
        "datasets": lambda: suite.datasets("digits", **with_own),
        "show": lambda: suite.show("quick", **with_own),
        "experiment": lambda: suite.experiment("mine", known.recipe, known.network, **with_own),
        "new": lambda: suite.new("newly", **with_own),
        "check": lambda: suite.check("quick", **with_own)._repr_html_(),
        "run": lambda: suite.run("quick", "worse", **amount, **with_own)._repr_html_(),
        "load": lambda: suite.load("quick-s0", **with_own),
        "tune": lambda: suite.tune("quick", **few, **with_own)._repr_html_(),
        "try_": lambda: suite.try_("worse", against="quick", **with_own)._repr_html_(),
        "history": lambda: suite.history(**with_own)._repr_html_(),
        "tries": lambda: suite.tries(**with_own)._repr_html_(),
        "compare tuned": lambda: suite.compare(
            "worse", "quick", tuned=True, trials=1, studies=1, sampler="random", **with_own
        )._repr_html_(),
        "compare": lambda: suite.compare("quick", "worse", **with_own)._repr_html_(),
        "plan": lambda: suite.plan("quick", "worse", effect=0.05, **with_own)._repr_html_(),
        "verify": lambda: suite.verify("quick-s0", **with_own)._repr_html_(),
        "gate": lambda: suite.gate("quick", reference=folder / "reference.json", **with_own)._repr_html_(),
        "predict": lambda: suite.predict("quick-s0", folder / "seven.png", **with_own)._repr_html_(),
        "gallery": lambda: suite.gallery("quick-s0", to=folder / "gallery", **with_own)._repr_html_(),
        "export": lambda: suite.export("quick-s0", folder / "exported", **with_own),
        "publish": lambda: suite.publish("quick-s0", "quick", **with_own),
        "report": lambda: suite.report(**with_own)._repr_html_(),
        "bench": lambda: suite.bench("quick", seconds=1, **with_own)._repr_html_(),
        "sync": lambda: suite.sync(**with_own),
        "doctor": lambda: suite.doctor(**with_own)._repr_html_(),
        "ui": lambda: served(folder),
        "SuiteError": lambda: suite.run("quik", **with_own),
    }


class CtrlC:
    """A screen that gives Ctrl-C to its process when it is told how to end the server, and keeps what it was told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        """Keep the line; the last one asks for Ctrl-C."""
        self.lines.append(line)
        if line == "Ctrl-C ends it.":
            threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()


def served(folder: Path) -> None:
    """Serve the UI, ask it for a page, end it by Ctrl-C, and require that nothing of it is left."""
    import suite

    screen = CtrlC()
    session = suite.Session.open(screen, experiments=[folder / "own"])  # type: ignore[arg-type]  # `ui` only says
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a script's background ignores Ctrl-C
    inherited = children()
    try:
        suite.ui(port=free_port(), session=session)
        raise AssertionError("the UI ended by itself")
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGINT, before)
    assert children() == inherited, "the server is left"
    assert [line for line in screen.lines if line.startswith("MLflow is up")], screen.lines


def children() -> set[str]:
    """The ids of this process's children, also of those that have ended and were not waited for."""
    threads = Path("/proc/self/task")
    return {one for path in threads.glob("*/children") for one in path.read_text().split()}


def free_port() -> int:
    """A port of this machine that nothing listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main(how: str, folder: Path, wanted: list[str]) -> None:
    """Make the wanted calls, or all."""
    if how == "loaded":
        use_the_libraries(folder)
    seen = {}
    for name, call in calls(folder, quick=bool(wanted)).items():
        if wanted and name not in wanted:
            continue
        before, filters = state(), list(warnings.filters)
        with contextlib.suppress(Exception) if name == "SuiteError" else contextlib.nullcontext():
            call()
        seen[name] = [*changes(before, state()), *lost(filters, list(warnings.filters))]
    print(json.dumps(seen))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
