"""A program that makes every public call and prints, for each, what it changed of this process; run by a test.

`python -m tests.api.caller fresh|loaded FOLDER`: in a process that has loaded nothing, or one that uses the same
libraries itself, with settings of its own.
"""

import contextlib
import json
import locale
import logging
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import threading
import warnings
from pathlib import Path
from typing import Any

LOGGERS = ("", "mlflow", "alembic", "sqlalchemy", "optuna", "matplotlib", "torch")


def state() -> dict[str, Any]:
    """What a caller can see of the process, as texts; of a library only if it is loaded."""
    found: dict[str, Any] = {
        "environment": dict(os.environ),
        "folder": os.getcwd(),
        "path": list(sys.path),
        "handlers": {one.name: repr(signal.getsignal(one)) for one in signal.valid_signals() if hasattr(one, "name")},
        "blocked": repr(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
        "random": hash(random.getstate()),
        "warnings": [repr(one) for one in warnings.filters],
        "hooks": [repr(sys.excepthook), repr(threading.excepthook), repr(sys.displayhook), repr(sys.stdout)],
        "start method": multiprocessing.get_start_method(allow_none=True),
        "locale": locale.setlocale(locale.LC_ALL),
        "temporary": tempfile.tempdir,
        "umask": _umask(),
        "recursion": sys.getrecursionlimit(),
        "root": [logging.root.level, logging.root.disabled, logging.root.manager.disable, *map(repr, logging.root.handlers)],
    }
    return {**found, **{f"of {name}": look() for name, look in LIBRARIES.items() if name in sys.modules}}


def _umask() -> int:
    os.umask(mask := os.umask(0o077))
    return mask


def _torch() -> dict[str, Any]:
    import torch

    from suite.engine import switches

    seen = {name: repr(value) for name, value in switches.state().items()}
    return {**seen, "seed": torch.initial_seed(), "random": hash(torch.get_rng_state().numpy().tobytes()),
            "gradients": torch.is_grad_enabled(), "deterministic": torch.are_deterministic_algorithms_enabled()}  # fmt: skip


def _numpy() -> dict[str, Any]:
    import numpy as np

    return {"random": hash(np.random.get_state()[1].tobytes()), "errors": np.geterr(), "printing": repr(np.get_printoptions())}


def _matplotlib() -> dict[str, Any]:
    import matplotlib as mpl

    return {name: repr(value) for name, value in dict.items(mpl.rcParams)}


def _mlflow() -> dict[str, Any]:
    import mlflow

    return {"uri": mlflow.get_tracking_uri(), "level": logging.getLogger("mlflow").level}


def _levels() -> dict[str, Any]:
    return {name: (logging.getLogger(name).level, [*map(repr, logging.getLogger(name).handlers)]) for name in LOGGERS}


LIBRARIES = {"torch": _torch, "numpy": _numpy, "matplotlib": _matplotlib, "mlflow": _mlflow}


def use_the_libraries() -> None:
    """Load the libraries as a user's notebook has, with settings that are not theirs by default."""
    import matplotlib as mpl
    import matplotlib.pyplot
    import mlflow
    import numpy as np
    import optuna  # noqa: F401
    import pandas  # noqa: F401
    import torch

    torch.set_num_threads(2)
    torch.manual_seed(7)
    np.random.seed(7)
    random.seed(7)
    mpl.rcParams["lines.linewidth"] = 3.0
    mlflow.set_tracking_uri("sqlite:////nowhere/mine.db")
    logging.getLogger("mlflow").setLevel(logging.INFO)
    LIBRARIES["levels"] = _levels
    sys.modules["levels"] = sys  # so that it is asked


def changes(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What differs, as lines; a library that was not loaded before has no `before`."""
    found = []
    for name in before:
        one, other = before[name], after[name]
        if isinstance(one, dict):
            found += [f"{name}: {key}: {one.get(key)!r:.90} is {other.get(key)!r:.90}" for key in sorted({*one, *other}) if one.get(key) != other.get(key)]
        elif one != other:
            found.append(f"{name}: {one!r:.200} is {other!r:.200}")
    return found


def main(how: str, folder: Path) -> None:
    if how == "loaded":
        use_the_libraries()
    import suite

    own = folder / "own"
    session = suite.Session.open(experiments=[own])
    picture = folder / "seven.png"
    reference = folder / "reference.json"
    calls = {
        "open": lambda: suite.Session.open(experiments=[own]),
        "experiments": lambda: suite.experiments(),
        "datasets": lambda: suite.datasets("digits", session=session),
        "show": lambda: suite.show("quick", session=session),
        "new": lambda: suite.new("newly", session=session),
        "check": lambda: suite.check("quick", session=session),
        "run": lambda: suite.run("quick", "worse", seeds=3, session=session),
        "tune": lambda: suite.tune("quick", trials=2, generation=2, seeds=1, fresh_seeds=3, report=False, session=session),
        "compare": lambda: suite.compare("quick", "worse", session=session),
        "verify": lambda: suite.verify("quick-s0", session=session),
        "gate": lambda: suite.gate("quick", reference=reference, session=session),
        "predict": lambda: suite.predict("quick-s0", picture, session=session),
        "report": lambda: suite.report(session=session),
        "sync": lambda: suite.sync(session=session),
        "doctor": lambda: suite.doctor(session=session),
        "a mistake": lambda: suite.run("quik", session=session),
    }
    if "bench" in sys.argv:
        calls["bench"] = lambda: suite.bench("quick", seconds=2, session=session)
    import time
    seen = {}
    for name, call in calls.items():
        before, t = state(), time.time()
        try:
            with contextlib.suppress(suite.SuiteError) if name == "a mistake" else contextlib.nullcontext():
                call()
        finally:
            seen[name] = changes(before, state())
        print(name, round(time.time() - t, 1), file=sys.stderr)
    print(json.dumps(seen))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
