"""Numeric classes of runs: other seeds on other machines are named, and a study's trials stay on machines of one."""

import pytest

from suite.disk.classes import class_in, mixed_classes
from suite.disk.documents import document
from suite.disk.journal import Run
from suite.errors import SuiteError

HERE = {"way": "kernels", "numeric_class": "aaaaaaaa"}


def begun(top, seed, environment):
    run = Run.under(top, "lenet", "ab" * 32, seed)
    run.folder.mkdir(parents=True)
    names = {"experiment": "lenet", "identity": run.identity, "seed": seed}
    facts = {**names, "recipe": {"lr": 0.1}, "overrides": {}, "network": "", "environment": environment}
    (run.folder / "recipe.json").write_bytes(document(facts))
    return run


@pytest.mark.parametrize("other", ["bbbbbbbb", "aaaaaaaa", None])
def test_other_seeds_in_another_numeric_class_are_named(other, tmp_path):
    mine = begun(tmp_path, 0, HERE)
    begun(tmp_path, 1, {"way": "kernels", "numeric_class": other} if other else {})

    words = mixed_classes(mine.name, mine.folder)

    assert ("of the numeric class aaaaaaaa, other seeds of it were on bbbbbbbb" in words) == (other == "bbbbbbbb")
    assert bool(words) == (other == "bbbbbbbb")


def test_what_cannot_be_read_has_no_class(tmp_path):
    damaged = begun(tmp_path, 0, HERE)
    (damaged.folder / "recipe.json").write_bytes(b"x")

    assert class_in(damaged.folder) == class_in(tmp_path / "nothing") == ("", "")


@pytest.mark.parametrize(
    ("only", "refused"),
    [({}, False), ({"kernels": ["aaaaaaaa"]}, False), ({"torch": ["bbbbbbbb"]}, False), ({"kernels": ["b" * 8]}, True)],
)
def test_a_run_does_not_begin_in_another_class_than_its_own(only, refused, tmp_path):
    run = Run("lenet", "ab" * 32, 0, tmp_path / "run", only)
    run.folder.mkdir()
    facts = {"recipe": {}, "overrides": {}, "network": "", "environment": HERE}
    if not refused:
        run.begin(facts, ())
        return

    with pytest.raises(SuiteError, match="numeric class bbbbbbbb; this machine's class is aaaaaaaa") as found:
        run.begin(facts, ())

    assert found.value.code == 2
    assert list(run.folder.iterdir()) == []


@pytest.mark.parametrize(("known", "way", "words"), [
    ("kernels", "torch instead: SUITE_KERNELS=torch",
     "computed by the suite's kernels; here it would be torch instead, because of SUITE_KERNELS=torch"),
    ("torch instead", "kernels", "computed by torch, as the user chose; here it would be kernels"),
    ("kernels", "torch: layer Block", ""),  # another network of the space, which the kernels do not know
    ("torch", "kernels", ""),
    ("torch", "torch instead: SUITE_DEVICE=cuda", ""),
])  # fmt: skip
def test_a_study_mixes_no_ways_of_one_network(known, way, words, tmp_path):
    run = Run("lenet", "ab" * 32, 0, tmp_path / "run", {known: ["a" * 8]})
    run.folder.mkdir()
    facts = {"recipe": {}, "overrides": {}, "network": "", "environment": {"way": way, "numeric_class": "a" * 8}}
    if not words:
        run.begin(facts, ())
        return

    with pytest.raises(SuiteError, match=words) as found:
        run.begin(facts, ())

    assert found.value.code == 2
