"""Small image-classification experiments: exact, tracked, and honestly reported.

The names below are the public Python interface; each is loaded when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from suite.api.calls import (
        bench,
        check,
        compare,
        datasets,
        doctor,
        experiments,
        gate,
        new,
        plan,
        predict,
        report,
        run,
        show,
        sync,
        tune,
        ui,
        verify,
    )
    from suite.api.session import Session
    from suite.errors import SuiteError
    from suite.recipe import Recipe, Source

__version__ = "0.1.0"

_ELSEWHERE = {
    "Recipe": "suite.recipe",
    "Session": "suite.api.session",
    "Source": "suite.recipe",
    "SuiteError": "suite.errors",
}
__all__ = [
    "Recipe", "Session", "Source", "SuiteError", "bench", "check", "compare", "datasets", "doctor", "experiments",
    "gate", "new", "plan", "predict", "report", "run", "show", "sync", "tune", "ui", "verify",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'suite' has no attribute {name!r}")
    return getattr(import_module(_ELSEWHERE.get(name, "suite.api.calls")), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
