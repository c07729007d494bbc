"""Check 19: the user's own data files and functions do forbidden things. One line names them; all else goes on."""

import os
import sys
from pathlib import Path

import pytest

from suite.data import ensure, frozen
from suite.data.own.reading import resolve
from suite.data.own.request import look_in
from suite.errors import USER, SuiteError
from tests.own_functions import AUGMENT, LOSS, OPTIMIZER, SCHEDULE
from tests.promises.colours import SCORE_OF_TWO, TINTS, colour
from tests.promises.conftest import Bench, Check, Twin, last, told

pytestmark = [pytest.mark.promise, pytest.mark.timeout(300)]
TITLE = "malicious files run nothing, hang nothing, fill no memory"
END = "    return {\n"
GIVEN = '"test_images": images[600:], "test_labels": labels[600:], "classes": ["china", "flower"],'


def before(lines: str) -> str:
    """The data file of the colour set, with these lines before its `return`."""
    assert END in TINTS
    return TINTS.replace(END, f"    import os, sys\n    {lines}\n{END}")


def giving(**values: str) -> str:
    """The data file of the colour set, with other values in what it returns."""
    changed = "".join(f'"{name}": {value}, ' for name, value in values.items())
    assert GIVEN in TINTS
    return TINTS.replace(GIVEN, f"{GIVEN} {changed}")


BAD = {
    "float16": (giving(train_images="images[:600].astype(np.float16)"), "must be uint8 from 0 to 255, got float16"),
    "nan": (giving(test_images="np.full((120, 3, 12, 12), np.nan)"), "must be uint8 from 0 to 255, got float64"),
    "signed": (giving(test_images="images[600:].view(np.int8)"), "got int8"),
    "bits": (giving(test_images="images[600:] > 9"), "got bool"),
    "another shape": (giving(test_images="images[600:, :, :11]"), "All must have the same one."),
    "six channels": (giving(train_images="np.tile(images[:600], (1, 2, 1, 1))"), "with 1 or 3 channels, got"),
    "no pixels": (giving(train_images="images[:600, :, :0]", test_images="images[600:, :, :0]"), "0 × 12 pixels"),
    "wide": (giving(**{f"{part}_images": f"np.broadcast_to(np.uint8(0), ({n}, 3, 1, 5000))"
                       for part, n in (("train", 600), ("test", 120))}), "at most 4,096 pixels on a side"),
    "huge": (giving(train_images="np.broadcast_to(np.uint8(0), (10**12, 3, 12, 12))",
                    train_labels="np.broadcast_to(np.uint8(0), 10**12)"), "bytes, and"),
    "negative labels": (giving(train_labels="labels[:600] - 1"), "labels from -1 to 0 do not fit 2 classes"),
    "large labels": (giving(test_labels="labels[600:].astype(np.uint64) + 2**63"), "do not fit 2 classes"),
    "labels of floats": (giving(test_labels="labels[600:] / 1"), "must be whole numbers, got float64"),
    "fewer labels": (giving(test_labels="labels[:3]"), "one number for each of 120 images, got (3,)"),
    "objects": (giving(train_images="np.array([None, {}] * 300)"), "train_images: must be an array of numbers"),
    "a generator": (giving(train_images="(one for one in images)"), "train_images: must be an array of numbers"),
    "rows of other lengths": (giving(test_images="[[1, 2], [3]]"), "load(): ValueError"),
    "None": (giving(test_labels="None"), "test_labels: must be an array of numbers"),
    "texts": (giving(test_labels="['a'] * 120"), "must be whole numbers"),
    "endless classes": (giving(classes="iter(int, 1)"), "the names of the classes must differ"),
    "endless other classes": (giving(classes="__import__('itertools').count()"), "65,536 classes"),
    "one text": (giving(classes="'ab'"), "classes must be several names, got 'ab'"),
    "classes None": (giving(classes="None"), "load(): TypeError"),
    "a class that has no words": (giving(classes="[type('C', (), {'__str__': None})(), 'b']"), "load(): TypeError"),
    "colourful class": (giving(classes="['\\x1b[31mred', 'b']"), "is no name of a class"),
    "exit": (before("sys.exit(0)"), "load(): SystemExit: 0"),
    "exit at the top": (f"import sys\nsys.exit()\n{TINTS}", "load(): SystemExit"),
    "a cry": (before("raise BaseException('\\x1b[31m' + 'no' * 4000)"), "load(): BaseException: \\x1b[31mno"),
    "no words": (before("raise type('Mute', (Exception,), {'__str__': None})()"), "Mute: its words cannot be read"),
    "forever": (before("return load()"), "load(): RecursionError"),
    "no dictionary": (TINTS.replace(END, "    yield {\n"), "load() returned generator"),
    "a dictionary that lies": (TINTS.replace(END, "    return type('D', (dict,), {'__getitem__': None})({\n").replace(
        "    }\n", "    })\n"), "load(): TypeError"),
    "deleted itself": (before("os.remove(__file__); raise OSError('gone')"), "load(): OSError: gone"),
}  # fmt: skip


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for data files, with an empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "mine" / "datasets").mkdir(parents=True)
    yield tmp_path / "mine"
    look_in([])


@pytest.mark.check(19, TITLE)
def test_a_hostile_data_file_of_ones_own_is_refused_in_one_line(
    check: Check, place: Path, chance, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in chance.sample(sorted(BAD), check.times(len(BAD), 12)):
        text, words = BAD[name]
        path = place / "datasets" / f"{name.replace(' ', '_')}.py"
        path.write_text(text)
        look_in([place])
        with check.case():
            with pytest.raises(SuiteError) as refused:
                resolve(path.stem, say=lambda _: None)

            line = str(refused.value)
            assert words in line, line
            assert path.stem in line
            assert line.isprintable()
            assert len(line) < 1_000
            assert refused.value.code == (3 if name == "huge" else USER)
            assert capfd.readouterr().out == ""
            cache = frozen.folder_of("")
            assert [one.name for one in cache.glob("*own*") if one.name != "own"] == []
            assert not list(place.rglob("*.pyc"))
        path.unlink(missing_ok=True)


GOES_ON = {
    "prints": before("print('hello')"),
    "goes elsewhere": before("os.chdir('/')"),
    "changes the environment": before("os.environ.clear(); os.environ['XDG_CACHE_HOME'] = '/'"),
    "closes stdout": before("sys.stdout = None"),
    "defines a dataclass": "from __future__ import annotations\nimport dataclasses\n" + before(
        "pass") + "\n\n@dataclasses.dataclass\nclass Piece:\n    rows: int\n",
}  # fmt: skip


@pytest.mark.check(19, TITLE)
@pytest.mark.parametrize("deed", GOES_ON)
def test_what_a_data_file_does_to_the_process_is_undone(
    check: Check, place: Path, deed: str, capfd: pytest.CaptureFixture[str], colours: Bench
) -> None:
    (place / "datasets" / "tints.py").write_text(GOES_ON[deed])
    look_in([place])
    found = os.getcwd(), dict(os.environ), sys.stdout
    with check.case():
        name = resolve("tints", say=lambda _: None)

        assert (os.getcwd(), dict(os.environ), sys.stdout) == found
        assert capfd.readouterr().out == ""
        assert name == colours.data.name
        assert ensure(name) == frozen.folder_of(name)


@pytest.mark.check(19, TITLE)
def test_a_data_file_edited_within_the_same_second_is_read_from_its_text(
    check: Check, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python itself would use its cached bytecode here, because the file has the same time and length."""
    path = place / "datasets" / "tints.py"
    look_in([place])
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    with check.case():
        names = set()
        for every in "45":
            path.write_text(TINTS.replace("[::5][:360]", f"[::{every}][:360]"))
            os.utime(path, (1_700_000_000,) * 2)
            names.add(resolve("tints", again=True, say=lambda _: None))

        assert len(names) == 2


PARTS = {"loss": LOSS, "optimizer": OPTIMIZER, "schedule": SCHEDULE, "augment": AUGMENT, "score": SCORE_OF_TWO}


def function_that(role: str, lines: str) -> str:
    """An experiment whose function of this role begins with these lines."""
    head, found, body = PARTS[role].rpartition(f"def {role}(")
    signature, _, body = body.partition("\n")
    assert found
    changed = f"{head}{found}{signature}\n    import os, sys\n    {lines}\n{body}"
    parts = [changed if name == role else part for name, part in PARTS.items()]
    own = dict.fromkeys(("loss", "optimizer", "schedule"), "own")
    return colour(*parts, **own, augment="flip,own", average=0.9, holdout=0.3, keep="best")


FUNCTIONS = {
    "loss_exits": (function_that("loss", "sys.exit(0)"), 2, "SystemExit"),
    "augment_exits": (function_that("augment", "sys.exit(3)"), 2, "SystemExit"),
    "loss_ends_the_process": (function_that("loss", "os._exit(0)"), None, ""),
    "loss_cries": (function_that("loss", "raise ValueError('\\x1b[31m' * 900)"), 2, "loss: ValueError"),
    "augment_of_floats": (function_that("augment", "return images / 255"), 2, "augment() must return bytes"),
    "augment_of_inf": (function_that("augment", "return images * float('inf')"), 2, "augment() must return bytes"),
    "augment_of_another_shape": (function_that("augment", "return images[:, :1]"), 2, "augment() must return bytes"),
    "loss_of_many": (function_that("loss", "return scores"), 2, "loss() must return one number"),
    "loss_apart": (function_that("loss", "return scores.sum().detach()"), 2, "does not depend on the scores"),
    "optimizer_of_none": (function_that("optimizer", "return None"), 2, "must return a torch.optim.Optimizer"),
    "schedule_of_inf": (function_that("schedule", "return float('inf')"), 2, "schedule() must return a finite rate"),
    "score_of_nan": (function_that("score", "return float('nan')"), 2, "score() must return a finite number"),
    "loss_threads": (function_that("loss", "torch.set_num_threads(2)"), 2, "set_num_threads"),
    "augment_dtype": (function_that("augment", "torch.set_default_dtype(torch.float64)"), 2, "dtype"),
    "score_gradients": (function_that("score", "torch.set_grad_enabled(False)"), 2, "grad"),
}  # fmt: skip


@pytest.mark.check(19, TITLE)
def test_a_hostile_function_of_ones_own_fails_alone(
    check: Check, in_colour: Bench, tmp_path: Path, chance, twins: dict[str, Twin]
) -> None:
    own = tmp_path / "hostile"
    (own / "datasets").mkdir(parents=True)
    for name, (text, _, _) in FUNCTIONS.items():
        (own / f"{name}.py").write_text(text.replace('"tints"', repr(in_colour.data.name)))
    bench = Bench(own, in_colour.data, tmp_path / "home")
    names = chance.sample(sorted(FUNCTIONS), check.times(len(FUNCTIONS), 4))
    runs = [bench.run(name, bench.top) for name in names]
    good = in_colour.run("colour", bench.top)

    with check.case(len(names)):
        *answers, _ = bench.work([*(bench.job(run) for run in runs), in_colour.job(good)])

        for run, events in zip(runs, answers, strict=True):
            _, code, words = FUNCTIONS[run.experiment]
            refused = last(events, "failed")
            assert run.result() is None
            if code is None:
                assert refused is None
                assert last(events, "ended")
                continue
            assert refused, (run.experiment, events)
            assert refused["code"] == code, refused
            assert words in refused["reason"], refused
            assert f"{run.experiment}.py" in refused["reason"]
            assert refused["reason"].isprintable()
            assert len(refused["reason"]) < 1_000
        assert told(good) == twins["colour"]
