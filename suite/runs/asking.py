"""Questions to processes of their own, where an experiment's file may do what it likes to torch and the environment.

Nothing of the caller's process changes: neither torch's switches nor the seeds.
"""

import os
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any

from suite.disk.script import words_of
from suite.engine.memory import ran_out
from suite.errors import FAILED, MACHINE, SuiteError
from suite.execute.executor import Ended, Executor
from suite.masking import masked
from suite.runs.events import Failed


@dataclass(frozen=True)
class _Answer:
    value: Any


def ask(executor: Executor, compute: Callable[[Any], Any], job: Any) -> Any:
    """What `compute(job)` returns, computed in a new process; both must be picklable.

    Raises the `SuiteError` that `compute` raises, or one (1, or 3 without memory) for its other exceptions and for a
    process that died.
    """
    [answer] = ask_all(executor, compute, [job])
    if isinstance(answer, SuiteError):
        raise answer
    return answer


def ask_all(executor: Executor, compute: Callable[[Any], Any], jobs: Sequence[Any]) -> list[Any]:
    """The same for several jobs at once, each in a process of its own; an error stands in place of its answer."""
    told: dict[int, Any] = {}
    with closing(executor.run(partial(_tell, compute), jobs)) as events:
        for index, event in events:  # to its end: what the process prints last would be lost
            match event:
                case _Answer(value):
                    told[index] = value
                case Failed():
                    told[index] = SuiteError(event.reason, code=event.code)
                case Ended(code) if index not in told:
                    words = f"the process that computed it died (exit code {code})."
                    told[index] = SuiteError(words, code=FAILED)
    return [told[index] for index in range(len(jobs))]  # an executor ends every job with `Ended`


def _tell(compute: Callable[[Any], Any], job: Any, emit: Callable[[Any], None]) -> None:
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # a file that prints must not write into a JSON document
    try:
        emit(_Answer(compute(job)))
    except SuiteError as error:
        emit(Failed(str(error), error.code))
    except BrokenPipeError:
        raise
    except Exception as error:
        if ran_out(error):
            emit(Failed("the machine has no memory left. Free some and run the same command again.", MACHINE))
            return
        print(masked(traceback.format_exc()), file=sys.stderr, flush=True)
        emit(Failed(f"{type(error).__name__}: {words_of(error):.300}. Its traceback is above.", FAILED))
