"""A study's flow: ask a generation, train it, tell how it ended; again until there are enough trials."""

import time
from collections.abc import Callable, Mapping

from suite.tune.halving import Ended, run_generation
from suite.tune.rules import Evaluate, Rules, Values
from suite.tune.study import Study, Trial

Asked = Callable[[Mapping[int, Values]], None]
Told = Callable[[list[Trial]], None]


def search(
    study: Study,
    rules: Rules,
    total: int,
    evaluate: Evaluate,
    *,
    asked: Asked = lambda _: None,
    told: Told = lambda _: None,
    until: float | None = None,
) -> list[Trial]:
    """Bring the study to `total` trials, whatever was there before, and return all of them.

    A generation that was broken off is entered again, and its trials are told in their order: nothing depends on
    which of them ended first. No new generation is begun once `until`, on the monotonic clock, is past.
    """
    while (until is None or time.monotonic() < until or study.is_broken_off()) and (trials := study.ask(total)):
        asked(trials)
        ended: dict[int, Ended] = run_generation(trials, rules, evaluate)
        for number in sorted(ended):
            study.tell(number, ended[number])
        told(study.trials())
    return study.trials()
