"""Imported once by the fork server, for all workers: loads heavy modules and kernels, and reads the program text."""

import gc
from contextlib import suppress

from suite.errors import SuiteError, load_error

failure: SuiteError | None = None
gc.disable()  # what is loaded stays: to search it for garbage again and again takes a tenth of the time
try:
    from suite.engine import exact, numeric, program, train, way  # noqa: F401

    program.facts()
    exact.make_exact()  # makes torch load half of its compiler, which takes longer than training a small run
    with suppress(Exception):  # a worker meets it again, and can say it
        if not way.against_kernels():
            numeric.load_kernels()  # compiled or read from the cache, while the command still fetches and checks data
except Exception as error:  # raised here, it would end the server without a word that the parent hears
    failure = load_error("torch", error)
gc.enable()


def require() -> None:
    """Raise `SuiteError` (3) if the engine could not be loaded: torch refuses some values of its variables."""
    if failure:
        raise failure
