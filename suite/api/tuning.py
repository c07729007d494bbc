"""Search the best settings of an experiment on validation images only, and judge the best of them."""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from suite.api.results import Tuned
from suite.api.session import Named, Session
from suite.api.starting import folder_of
from suite.api.training import record, train_recorded
from suite.recipe.experiment import Experiment
from suite.runs.plan import exit_code
from suite.tuning.request import Request

if TYPE_CHECKING:
    from suite.tuning.work import Order


def tune(
    session: Session,
    name: Named,
    request: Request | None = None,
    *,
    changes: Mapping[str, Any] | None = None,
    trials: int = 40,
    fresh_seeds: int = 6,
    timeout: float | None = None,
    save: bool = False,
    report: bool = True,
) -> Tuned:
    """Continue a study up to `trials` trials in total, judge its winner with fresh seeds, and test it if it is better.

    `timeout` is in seconds: after it no generation starts. With `save` a better setting is written as an experiment,
    beside the original. Without `report` the report is left as it is. An interrupted study is continued. Raises
    `SuiteError`.
    """
    begun = time.monotonic()
    experiment = session.one(name, "tune", changes)
    rules = (request or Request()).rules(experiment)
    session.warm_up()
    from suite.tracking.publisher import Publisher
    from suite.tuning import variant, work  # loads Optuna: neither the errors above nor the workers wait for it

    target = variant.variant_path(experiment, folder_of(session) if experiment.folders else None) if save else None
    session.prepare([experiment])
    if session.cluster and (rules.budget.kind == "seconds" or rules.objective != "accuracy"):
        session.cluster.require_one_kind("--budget seconds" if rules.budget.kind == "seconds" else "--objective")
    order = order_of(session, experiment, trials, fresh_seeds, begun, timeout)
    code = 0
    with work.claimed(session.home, rules.study):
        with Publisher(session.home, session.screen.warn, session.store) as publisher:
            facts, study, seconds = work.work_on(rules, order, session.screen.study, publisher.show)
        best = work.winner(facts, rules)
        if best:
            planned = work.plan_test(best, rules, order)
            recorder = train_recorded(session, planned)
            code = exit_code(planned, recorder.trouble)
            work.note_test(study, facts, planned)
            facts = work.keep(study, rules, order, work.with_test(seconds, planned))
    if target and best:
        variant.write_variant(target, replace(best, path=target), variant.remark_of(facts))
    trouble = record(session, warned=publisher.away, report=report).trouble
    return Tuned(facts, target if best else None, code or (trouble.code if trouble else 0))


def order_of(
    session: Session, experiment: Experiment, trials: int, fresh: int, begun: float, timeout: float | None
) -> "Order":
    """What one command works on, with this session's home and executor."""
    from suite.tuning.work import Order

    return Order(
        trials=trials,
        fresh=fresh,
        until=begun + timeout if timeout else None,
        begun=begun,
        home=session.home,
        executor=session.trainer,
        workers=session.cluster.workers if session.cluster else session.workers,
        data_folder=session.data,
        folders=experiment.found_in(session.folders),
    )
