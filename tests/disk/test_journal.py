"""A run's folder: one writer, whole documents, and refusals that change nothing."""

import json
import multiprocessing
import random

import pytest

from suite.disk.journal import Busy, Run, is_claimed
from suite.errors import SuiteError

BINDING = ("torch",)
FACTS = {
    "recipe": {"lr": 0.1}, "overrides": {}, "network": "its text", "environment": {"torch": "2.14", "threads": 1},
}  # fmt: skip
RESULT = {"status": "finished", "metrics": {"test/accuracy": 0.9}, "clock": {}, "environment": {}}


@pytest.fixture
def run(tmp_path):
    run = Run.under(tmp_path, "lenet", "c0ffee" * 10, 4)
    run.folder.mkdir(parents=True)
    return run


def tree(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def claim_and_report(run, answers):
    try:
        with run.claim():
            answers.send("claimed")
    except Busy:
        answers.send("busy")


def ask_another_process(run):
    ours, theirs = multiprocessing.Pipe(duplex=False)
    child = multiprocessing.get_context("fork").Process(target=claim_and_report, args=(run, theirs))
    child.start()
    answer = ours.recv()
    child.join()
    return answer


def test_the_folder_is_named_after_what_the_run_is(run, tmp_path):
    assert run.folder == tmp_path / "lenet" / "c0ffeec0ffeec0ff-s4"
    assert run.name == "lenet-s4"


def test_only_one_process_at_a_time_claims_a_run(run):
    with run.claim():
        assert ask_another_process(run) == "busy"
        assert is_claimed(run.folder)

    assert ask_another_process(run) == "claimed"
    assert not is_claimed(run.folder)


def test_claiming_removes_what_a_killed_writer_left(run):
    leftover = run.folder / ".checkpoint.123.abcd.tmp"
    leftover.write_bytes(b"half")

    with run.claim():
        pass

    assert not leftover.exists()


def test_a_result_comes_back_as_it_was_written(run):
    run.begin(FACTS, BINDING)

    run.finish(RESULT)

    assert run.result()["metrics"] == {"test/accuracy": 0.9}
    assert (run.result()["seed"], run.result()["identity"]) == (4, run.identity)
    assert Run.at(run.folder) == run


def test_an_unfinished_run_has_no_result(run):
    assert run.result() is None


@pytest.mark.parametrize("name", ["result.json", "recipe.json"])
@pytest.mark.parametrize("seed", range(20))
def test_a_damaged_document_is_refused_and_left_as_it_was(run, name, seed):
    run.begin(FACTS, BINDING)
    run.finish(RESULT)
    path, chance = run.folder / name, random.Random(seed)
    contents = path.read_bytes()
    path.write_bytes(chance.choice([
        contents[: chance.randrange(len(contents) - 2)],
        contents.replace(b"0.", b"1.") if b"0." in contents else contents[1:],
        b"", b"[]", b"null", b"{}", b"\xff\xfe", chance.randbytes(40), b"[" * 100_000,
    ]))  # fmt: skip
    before = tree(run.folder)

    with pytest.raises(SuiteError, match="is damaged") as refused:
        (run.result if name == "result.json" else run.recipe)()

    assert refused.value.code == 2
    assert "\n" not in str(refused.value)
    assert tree(run.folder) == before


def test_another_runs_result_is_refused(run, tmp_path):
    other = Run.under(tmp_path, "lenet", run.identity, 5)
    other.folder.mkdir()
    other.begin(FACTS, BINDING)
    other.finish(RESULT)
    (run.folder / "result.json").write_bytes((other.folder / "result.json").read_bytes())

    with pytest.raises(SuiteError, match="belongs to another run"):
        run.result()


def test_a_half_done_run_is_not_continued_in_another_environment(run):
    run.begin(FACTS, BINDING)
    run.checkpoint.write_bytes(b"some state")
    before = tree(run.folder)

    with pytest.raises(SuiteError, match=r"started with torch 2\.14 and cannot continue exactly with 2\.15\. "):
        run.begin({**FACTS, "environment": {"torch": "2.15", "threads": 1}}, BINDING)

    assert tree(run.folder) == before


def test_the_refusal_of_another_engine_has_both_digests_whole(run):
    then, now = "0f" * 32, "e1" * 32
    run.begin({**FACTS, "environment": {"engine_sha256": then}}, ("engine_sha256",))
    run.checkpoint.write_bytes(b"some state")

    with pytest.raises(SuiteError, match=f"with engine_sha256 {then} and cannot continue exactly with {now}[.] Go"):
        run.begin({**FACTS, "environment": {"engine_sha256": now}}, ("engine_sha256",))


def test_a_run_without_a_checkpoint_starts_anew_in_another_environment(run):
    run.begin(FACTS, BINDING)

    run.begin({**FACTS, "environment": {"torch": "2.15"}}, BINDING)

    assert run.recipe()["environment"] == {"torch": "2.15"}


HISTORY = [{"epoch": 0, "loss": 0.5}, {"epoch": 1, "loss": 0.25}]


@pytest.mark.parametrize("cut", range(0, 60, 3))
def test_a_history_that_lags_behind_its_checkpoint_is_brought_up_to_it(run, cut):
    run.write_history(HISTORY)
    path = run.folder / "history.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole[:cut])

    run.heal_history(HISTORY)

    assert path.read_bytes() == whole


def test_a_history_ahead_of_its_checkpoint_loses_what_will_be_trained_again(run):
    run.write_history(HISTORY)

    run.heal_history(HISTORY[:1])

    assert run.history() == HISTORY[:1]


def test_a_history_that_contradicts_its_checkpoint_is_refused(run):
    run.write_history([{"epoch": 0, "loss": 0.75}])
    before = tree(run.folder)

    with pytest.raises(SuiteError, match="contradicts the checkpoint"):
        run.heal_history(HISTORY)

    assert tree(run.folder) == before


def test_a_torn_last_line_is_no_epoch_and_any_other_torn_line_is_damage(run):
    path = run.folder / "history.jsonl"
    line = json.dumps(HISTORY[0]).encode()

    path.write_bytes(line + b"\n" + line[:10])
    assert run.history() == HISTORY[:1]

    path.write_bytes(line[:10] + b"\n" + line + b"\n")
    with pytest.raises(SuiteError, match="is damaged"):
        run.history()
