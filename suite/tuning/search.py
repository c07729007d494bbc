"""The main loop of a study: ask for a generation, train it, store its results, until there are enough trials."""

import time
from collections.abc import Callable, Mapping

from suite.tuning.halving import Ended, run_generation
from suite.tuning.rules import Evaluate, Rules, Values
from suite.tuning.study import Study, Trial

OnStart = Callable[[Mapping[int, Values]], None]
OnEnd = Callable[[list[Trial]], None]


def search(
    study: Study,
    rules: Rules,
    total: int,
    evaluate: Evaluate,
    *,
    on_start: OnStart = lambda _: None,
    on_end: OnEnd = lambda _: None,
    until: float | None = None,
) -> list[Trial]:
    """Continue the study until it has `total` trials, and return all trials.

    An interrupted generation is continued first. The results of a generation are stored in the order of their
    numbers, so nothing depends on which trial ended first. No new generation starts after `until`, a time of
    `time.monotonic`. `on_start` gets the trials of each generation before its training, by number; `on_end` gets all
    trials of the study after it.
    """
    while (until is None or time.monotonic() < until or study.is_broken_off()) and (trials := study.ask(total)):
        on_start(trials)
        ended: dict[int, Ended] = run_generation(trials, rules, evaluate)
        for number in sorted(ended):
            study.tell(number, ended[number])
        on_end(study.trials())
    return study.trials()
