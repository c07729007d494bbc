"""Check 9: each bad recipe gets one line with file, field and value. Other experiments are not affected."""

import random
from pathlib import Path

import pytest

from tests.conftest import Workspace, assert_refused
from tests.promises.bad_recipes import BAD, NAMES, THINGS
from tests.promises.conftest import PLAIN, Bench, Check, last
from tests.promises.damage import tree
from tests.promises.prompt import ask, control_characters, home_of_its_own

pytestmark = pytest.mark.promise
TITLE = "bad recipes refused in one line"


def put(folder: Path, *names: str) -> Path:
    """Write one good experiment and these bad ones into a folder."""
    folder.mkdir()
    (folder / "plain.py").write_text(PLAIN)
    for name in names:
        if name in THINGS:
            THINGS[name](folder / f"{name}.py")
        else:
            text = BAD[name][0]
            (folder / f"{name}.py").write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def assert_names_the_fault(line: str, folder: Path, name: str) -> None:
    assert line.startswith(f"suite: {folder / name}.py:"), line
    assert name in THINGS or BAD[name][1] in line, line
    assert list(control_characters(line)) == []
    assert len(line) < 800


@pytest.mark.check(9, TITLE)
def test_list_has_a_line_for_each_bad_file_and_still_lists_the_good_ones(check: Check, tmp_path: Path) -> None:
    folder = put(tmp_path / "mine", *NAMES)

    with check.case():
        answer = Workspace(tmp_path).suite("list", "--experiments", str(folder))

        assert answer.code == 2
        assert len(answer.err.splitlines()) == len(NAMES) >= 60
        for line, name in zip(answer.err.splitlines(), sorted(NAMES), strict=True):
            assert_names_the_fault(line, folder, name)
        listed = {line.split()[0] for line in answer.out.splitlines()}
        assert {"cnn", "lenet", "mlp", "plain"} <= listed
        assert not listed & {*NAMES} - {"mlp"}


@pytest.mark.check(9, TITLE)
def test_run_refuses_a_bad_file_and_changes_nothing(
    check: Check,
    chance: random.Random,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    home_of_its_own(tmp_path / "home", monkeypatch)
    for name in chance.sample(NAMES, check.times(len(NAMES), 20)):
        folder = put(tmp_path / name, name)
        before = tree(tmp_path)

        with check.case():
            answer = ask(capsys, "run", name, "--experiments", str(folder))

            assert_refused(answer, 2)
            assert_names_the_fault(answer.err, folder, name)
            assert tree(tmp_path) == before


SEEDS = (
    "",
    " ",
    "0",
    "-1",
    "x",
    "1.5",
    "1e1",
    "nan",
    "inf",
    "1,2",
    "0x5",
    "70000",
    "9" * 5_000,
    "True",
    "\x1b[31m3",
    "3\n",
)


@pytest.mark.check(9, TITLE)
@pytest.mark.parametrize("seeds", SEEDS, ids=lambda seeds: ascii(seeds)[:12])
def test_seeds_that_are_no_whole_number_are_refused_by_their_value(
    seeds: str, check: Check, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = home_of_its_own(tmp_path / "home", monkeypatch)

    with check.case():
        answer = ask(capsys, "run", "mlp", f"--seeds={seeds}")

        assert_refused(answer, 2, "--seeds", ascii(seeds)[1:40].removesuffix("'"))
        assert list(control_characters(answer.err)) == []
        assert tree(home) == {}


NETWORKS = {
    "returns_none": ("return nn.", "nn.", 2, "network() must return a torch.nn.Module, got None"),
    "eleven_classes": ("784, 10", "784, 11", 2, "maps images (2, 1, 28, 28) to (2, 11), not to (2, 10)"),
    "too_narrow": ("784, 10", "700, 10", 2, "RuntimeError"),
    "another_count": ("0.9,", "0.9, source=Source(title='T', parameters=7),", 2, "has 7,850 parameters, its source 7"),
}  # fmt: skip


@pytest.mark.check(9, TITLE)
def test_a_network_that_does_not_fit_fails_alone(check: Check, bench: Bench, tmp_path: Path) -> None:
    """Such a fault shows only when the network is built. So its own run is refused, in its own process."""
    own = put(tmp_path / "mine")
    for name, (old, new, _, _) in NETWORKS.items():
        (own / f"{name}.py").write_text(PLAIN.replace("import Recipe", "import Recipe, Source").replace(old, new))
    theirs = Bench(own, bench.data, bench.top)
    runs = [theirs.run(name, bench.home("home" + name)) for name in (*NETWORKS, "plain")]

    with check.case(len(NETWORKS)):
        *answers, good = theirs.work([theirs.job(run) for run in runs])

        for events, (_, _, code, words) in zip(answers, NETWORKS.values(), strict=True):
            refused = last(events, "failed")
            assert refused["code"] == code
            assert words in refused["reason"]
            assert refused["reason"].isprintable()
        assert last(good, "done")["result"]["status"] == "finished"
