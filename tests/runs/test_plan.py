"""How a run's state follows the events of its process."""

import pytest

from suite.disk.journal import Run
from suite.execute.executor import Busy, Ended
from suite.runs.events import Started
from suite.runs.plan import Planned, exit_code
from tests.engine.conftest import small_experiment


@pytest.mark.parametrize(
    ("events", "status", "code"),
    [
        ([Started(), Ended(0)], "killed", 1),  # the user's code called os._exit(0)
        ([Started(), Ended(5)], "killed", 1),
        ([Ended(5)], "killed", 1),
        ([Busy(), Ended(0)], "planned", 0),  # another command trains it: it is tried again
    ],
)
def test_a_process_that_ends_without_a_result_has_not_done_its_run(tmp_path, events, status, code):
    small = small_experiment()
    item = Planned(small, Run.under(tmp_path, small.name, small.identity, 0))

    for event in events:
        item.note(event)

    assert (item.status, exit_code([item], None)) == (status, code)
    assert ("os._exit()" in (item.reason or "")) == (status == "killed")
