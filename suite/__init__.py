"""Small image-classification experiments: exact, tracked, and honestly reported. The names below are all there is.

    look     experiments(), datasets(), show(NAME), check(NAME), doctor()
    define   Recipe, Source, experiment(NAME, RECIPE, NETWORK), Experiment, new(NAME)
    train    run(NAME, …), tune(NAME), verify(RUN), gate(NAME)
    judge    compare(NAME, NAME, …), plan(NAME, NAME, effect=…), report(), bench(NAME)
    decide   compare(NAME, NAME, tuned=True, trials=…), try_(NAME, against=NAME), tries(), history()
    use      load(RUN), predict(RUN, PICTURE, …), gallery(RUN), export(RUN, FOLDER), publish(RUN)
    record   sync(), ui()
    besides  Session: a home, folders of experiments, workers; SuiteError: what every call raises

Each is loaded when it is first used. docs/python.md shows them in use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from suite.api.calls import bench, gate, report, run, sync, tune, ui, verify
    from suite.api.deciding import compare, history, plan, tries, try_
    from suite.api.preparing import check, datasets, doctor, experiment, experiments, new, show
    from suite.api.session import Session
    from suite.api.using import export, gallery, load, predict, publish
    from suite.errors import SuiteError
    from suite.recipe import Recipe, Source
    from suite.recipe.experiment import Experiment

__version__ = "0.1.0"

_ELSEWHERE = {
    "Experiment": "suite.recipe.experiment",
    "Recipe": "suite.recipe",
    "Session": "suite.api.session",
    "Source": "suite.recipe",
    "SuiteError": "suite.errors",
    **dict.fromkeys(("check", "datasets", "doctor", "experiment", "experiments", "new", "show"), "suite.api.preparing"),
    **dict.fromkeys(("compare", "history", "plan", "tries", "try_"), "suite.api.deciding"),
    **dict.fromkeys(("export", "gallery", "load", "predict", "publish"), "suite.api.using"),
}
__all__ = [
    "Experiment", "Recipe", "Session", "Source", "SuiteError", "bench", "check", "compare", "datasets",
    "doctor", "experiment", "experiments", "export", "gallery", "gate", "history", "load", "new", "plan", "predict",
    "publish", "report", "run", "show", "sync", "tries", "try_", "tune", "ui", "verify",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'suite' has no attribute {name!r}")
    return getattr(import_module(_ELSEWHERE.get(name, "suite.api.calls")), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
