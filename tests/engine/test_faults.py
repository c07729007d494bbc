"""What a user's code may raise while a worker trains it: one line, the right culprit, the right exit code."""

import pytest

from suite.data import ensure
from suite.disk.journal import Run
from suite.engine import exact
from suite.execute.processes import run_jobs
from suite.recipe import registry
from suite.runs.events import Done, Failed
from suite.runs.worker import Job, work
from tests.own_functions import OPTIMIZER, text

HELPERS = '''
class Odd(Exception):
    """Cannot be pickled, and its words have many lines."""

    def __init__(self, words, handle):
        super().__init__(words + "\\nand a second line")
        self.handle = handle


class Mute(Exception):
    def __str__(self):
        raise RuntimeError("no words")


def fail(kind):
    import sys

    match kind:
        case "exit": sys.exit()
        case "exit 3": sys.exit(3)
        case "interrupt": raise KeyboardInterrupt
        case "generator": raise GeneratorExit
        case "pipe": raise BrokenPipeError("a pipe")
        case "odd": raise Odd("first line", lambda: None)
        case "mute": raise Mute
        case "plain": raise ValueError("wrong")


class Net(nn.Sequential):
    """Fails in the pass of this number that the run itself makes in training, or in evaluation of all images."""

    def forward(self, images):
        if {when}:
            fail({kind!r})
        return super().forward(images)


def network(width=8):
    {first}
    return Net(nn.Flatten(), nn.Linear(784, 10))
'''
SAID = {
    "exit": "SystemExit: (it calls sys.exit)",
    "exit 3": "SystemExit: 3 (it calls sys.exit)",
    "interrupt": "KeyboardInterrupt: no reason given",
    "generator": "GeneratorExit: no reason given",
    "pipe": "BrokenPipeError: a pipe",
    "odd": "Odd: first line and a second line",
    "mute": "Mute: its words cannot be read",
    "plain": "ValueError: wrong",
}
LATER, LAST = "self.training and len(images) > 50", "not self.training and len(images) > 100"


@pytest.fixture(scope="module")
def digits_folder():
    return ensure("digits", say=lambda _: None)


def outcomes(tmp_path, digits_folder, texts):
    """The last event but `Ended` of a worker for each text of a file, and the file."""
    jobs = []
    for number, file in enumerate(texts):
        own = tmp_path / str(number)
        own.mkdir()
        (own / "mine.py").write_text(file, encoding="utf-8")
        mine = registry.load([own]).choose(["mine"])[0].changed({"epochs": 1})
        jobs.append(Job(Run.under(tmp_path / "runs" / str(number), "mine", mine.identity, 0), digits_folder,
                        {"epochs": 1}, (own,)))  # fmt: skip
    ends = [[] for _ in jobs]
    settings = {"workers": 2, "environment": exact.ENVIRONMENT, "preload": "suite.engine.preload"}
    for index, event in run_jobs(work, jobs, **settings):
        if isinstance(event, Done | Failed):
            ends[index].append(event)
    return [(tmp_path / str(number) / "mine.py", *end) for number, end in enumerate(ends)]


def helped(kind, when="False", first="pass"):
    return text() + HELPERS.replace("{when}", when).replace("{kind!r}", repr(kind)).replace("{first}", first)


def assert_named(path, event, part, said):
    assert isinstance(event, Failed), event
    assert event.code == 2
    assert event.reason.startswith(f"{path}:"), event.reason
    assert event.reason.count("\n") == 0
    assert f": {part}: {said}" in event.reason
    assert event.reason.endswith((f"Fix the {part}.", "Fix the file."))


@pytest.mark.slow
def test_whatever_a_network_raises_is_named_with_file_and_line(tmp_path, digits_folder):
    places = {"network()": {"first": "fail({kind!r})"}, "a step": {"when": LATER}, "the last": {"when": LAST}}
    chosen = [("exit", "network()"), ("mute", "network()"), *((kind, "a step") for kind in SAID), ("plain", "the last")]
    texts = [helped(kind, **{k: v.replace("{kind!r}", repr(kind)) for k, v in places[place].items()})
             for kind, place in chosen]  # fmt: skip

    found = outcomes(tmp_path, digits_folder, texts)

    for (kind, _), (path, *events) in zip(chosen, found, strict=True):
        assert len(events) == 1, (kind, events)
        assert_named(path, events[0], "network", SAID[kind])


@pytest.mark.commands
def test_a_later_step_of_the_files_optimiser_is_named_as_the_optimisers(tmp_path, digits_folder):
    late = OPTIMIZER.replace(
        'kept["n"] = kept', 'assert group["rounds"] < 15, "a late step"\n                kept["n"] = kept'
    )
    [(path, event)] = outcomes(tmp_path, digits_folder, [text(late, optimizer="own")])

    assert_named(path, event, "optimizer", "AssertionError: a late step")


@pytest.mark.commands
def test_code_of_the_file_that_the_suite_calls_without_knowing_it_is_named_as_well(tmp_path, digits_folder):
    """Such as an optimiser's `state_dict`, which each checkpoint asks for."""
    failing = """    def state_dict(self):
        if self.param_groups[0]["rounds"] > 9:
            raise ValueError("no state")
        return super().state_dict()

    @torch.no_grad()"""
    own = text(OPTIMIZER.replace("    @torch.no_grad()", failing), optimizer="own")

    [(path, event)] = outcomes(tmp_path, digits_folder, [own])

    assert_named(path, event, "its own code", "ValueError: no state")
    line = path.read_text(encoding="utf-8").splitlines().index('            raise ValueError("no state")') + 1
    assert event.reason.startswith(f"{path}:{line}: ")
