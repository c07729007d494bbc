"""What a user meets at the prompt: help in a blink, one line for a mistake, the right exit code."""

import errno
import os
import subprocess
import sys

import pytest

from suite.cli import parser as cli
from tests.conftest import ROOT, assert_refused

HEAVY = ("torch", "torchvision", "mlflow", "optuna", "pandas", "numpy", "scipy", "matplotlib", "sklearn")
VERBS = ("list", "show", "run", "tune", "verify", "report", "sync", "ui", "doctor")


@pytest.mark.slow
@pytest.mark.parametrize(
    "words", ["--help", "--version", "list", "list --json", "run --help", "run nothing", "tune --help", "tune nothing"]
)
def test_what_needs_no_library_loads_none(words):
    assert loaded(HEAVY, words) == "[]"


@pytest.mark.slow
@pytest.mark.parametrize("words", ["--help", "run --help", "run lenet --seeds none"])
def test_help_and_a_wrong_option_do_not_load_the_terminals_library(words):
    assert loaded(("rich",), words) == "[]"
    assert loaded(("rich",), "list") == "['rich']"


def loaded(libraries: tuple[str, ...], words: str) -> str:
    """Which of these libraries a command loads."""
    program = (
        "import sys; from suite.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        f"print([name for name in {libraries} if name in sys.modules], file=sys.stderr)"
    )

    answer = subprocess.run([sys.executable, "-c", program, *words.split()], cwd=ROOT, capture_output=True, text=True)

    return answer.stderr.splitlines()[-1]


@pytest.mark.commands
def test_list_names_the_experiments_with_their_published_figures(workspace):
    answer = workspace.suite("list")

    lines = {line.split()[0]: line for line in answer.out.splitlines()}
    assert {"cnn", "cnn_one_epoch", "lenet", "lenet_avgpool", "lenet_gaussian", "mlp", "slow"} <= lines.keys()
    assert {"train_mnist_fast", "speedrun"} <= lines.keys()
    assert "44,426" in lines["lenet"]
    assert "0.8677" in lines["lenet"]
    assert "about 0.88" in lines["mlp"]
    assert (answer.code, answer.err) == (0, "")


@pytest.mark.commands
def test_list_as_json_is_one_document(workspace):
    listed = {one["experiment"]: one for one in workspace.suite("list", "--json").json["experiments"]}

    assert listed["lenet"]["recipe"]["lr"] == 0.001
    assert len(listed["lenet"]["identity"]) == 64
    assert listed["lenet"]["source"]["accuracy"] == 0.8677


@pytest.mark.commands
def test_a_broken_file_is_named_and_the_others_are_listed(workspace):
    own = workspace.extra["SUITE_EXPERIMENTS"]
    (ROOT.__class__(own) / "broken.py").write_text("from suite.recipe import Recipe\nrecipe = Recipe(\n")

    answer = workspace.suite("list")

    assert answer.code == 2
    assert "lenet" in answer.out
    assert len(answer.err.splitlines()) == 1
    assert "broken.py:2" in answer.err


@pytest.mark.commands
def test_show_prints_layers_and_the_published_count(workspace):
    answer = workspace.suite("show", "lenet")

    assert answer.code == 0
    assert "44,426" in answer.out
    for count in ("156", "2,416", "30,840", "10,164", "850"):
        assert f" {count} " in answer.out
    assert "(16, 4, 4)" in answer.out
    assert "Pytorch: 卷积神经网络-LeNet" in answer.out
    assert "computed   by the suite's kernels" in answer.out


@pytest.mark.commands
def test_show_as_json_holds_the_layers(workspace):
    shown = workspace.suite("show", "cnn", "--json", "--set", "lr=0.5").json

    assert shown["network"]["parameters"] == 28_938
    assert shown["overrides"] == {"lr": 0.5}
    assert shown["network"]["way"] == "kernels"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "fragments"),
    [
        ("run lennet", ["no experiment 'lennet'", "did you mean lenet"]),
        ("run", ["NAME"]),
        ("rum all", ["no verb 'rum'", "did you mean run"]),
        ("run lenet --set lr", ["--set lr", "FIELD=VALUE"]),
        ("run lenet --set lr=nan", ["lenet: lr must be a finite number", "nan"]),
        ("run lenet --set lr=-1", ["lr must be above 0", "-1"]),
        ("run lenet --set lrr=1", ["lrr is not a field", "did you mean lr"]),
        ("run lenet --set batch_size=0", ["batch_size must be a whole number from 1", "got 0"]),
        ("run lenet --set batch_size=2.5", ["batch_size", "got 2.5"]),
        ("run lenet --set optimizer=adamax", ["optimizer must be one of sgd, ", "'adamax'"]),
        ("run lenet --epochs 0", ["epochs", "got 0"]),
        ("run lenet --epochs many", ["epochs", "'many'"]),
        ("run lenet --epochs 2 --set epochs=3", ["given twice"]),
        ("run lenet --data cifar", ["data must be the name of a data set, got 'cifar'.", "cifar-10 or cifar-100?"]),
        ("run lenet --seeds 0", ["--seeds", "'0'"]),
        ("run lenet --seeds -3", ["--seeds"]),
        ("run lenet --workers none", ["--workers", "'none'"]),
        ("run lenet --colour", ["--colour"]),
        ("run ../../etc/passwd", ["no experiment"]),
        ("run lenet --experiments /nowhere/at/all", ["/nowhere/at/all", "no such folder"]),
        ("tune", ["NAME"]),
        ("tune lennet", ["no experiment 'lennet'", "did you mean lenet"]),
        ("tune all", ["one experiment", "'all'"]),
        ("tune lenet --space lr", ["--space lr", "FIELD=RANGE"]),
        ("tune lenet --space lr=", ["space lr must be a range or choices", "''"]),
        ("tune lenet --space lr=1..0.1", ["space lr must go from a lower to a higher number", "'1..0.1'"]),
        ("tune lenet --space lr=0.1..0.1", ["space lr must go from a lower to a higher number"]),
        ("tune lenet --space lr=nan..1", ["space lr must go from a lower to a higher number"]),
        ("tune lenet --space lr=-1..1", ["lr must be above 0", "lr=-1..1"]),
        ("tune lenet --space lrr=0.1..1", ["lrr is not a field", "did you mean lr"]),
        ("tune lenet --space lr=0.1..1 lr=1..2", ["given twice"]),
        ("tune lenet --space epochs=1..9", ["epochs cannot be searched"]),
        ("tune lenet --space batch_size=0,32", ["batch_size must be a whole number from 1", "got 0"]),
        ("tune lenet --space batch_size=33..60", ["fewer than two powers of two"]),
        ("tune cnn --data digits --space batch_size=256,2048", ["2,048", "1,250 images of digits"]),
        ("tune lenet --space momentum=0,0.9", ["momentum is not used by adam"]),
        ("tune lenet --study ../../x", ["--study", "cannot name a study"]),
        ("tune lenet --fresh-seeds 2", ["--fresh-seeds", "3 or more"]),
        ("tune lenet --timeout soon", ["--timeout", "'soon'"]),
        ("tune lenet --timeout 0", ["--timeout", "'0'"]),
        ("tune lenet --trials 0", ["--trials", "'0'"]),
        ("tune lenet --sampler cmaes", ["--sampler", "cmaes"]),
        ("tune lenet --budget epochs", ["--budget", "epochs"]),
        ("show lenets", ["did you mean lenet"]),
        ("show all", ["one experiment"]),
        ("ui --port 99999", ["--port", "'99999'"]),
    ],
)
def test_a_users_mistake_gets_one_line_and_changes_nothing(workspace, in_process, words, fragments):
    answer = in_process(*words.split())

    assert_refused(answer, 2, *fragments)
    assert list(workspace.home.iterdir()) == []


@pytest.mark.commands
def test_a_reader_who_leaves_early_is_no_error(workspace):
    listing = workspace.start("list")
    listing.stdout.close()

    with listing.stderr:
        assert listing.stderr.read() == ""
    assert listing.wait(30) == 0


@pytest.mark.commands
def test_a_report_of_nothing_says_so(workspace):
    answer = workspace.suite("report")

    assert answer.code == 0, answer.err
    assert "no finished run yet" in answer.out
    assert "There is no finished run yet" in (workspace.home / "reports" / "report.html").read_text()


def test_every_verb_teaches_by_example(capsys):
    for verb in VERBS:
        with pytest.raises(SystemExit, match="0"):
            cli.main([verb, "--help"])

        assert f"python -m suite {verb}" in capsys.readouterr().out.partition("options:")[2], verb


@pytest.mark.commands
def test_doctor_finds_nothing_that_would_stop_a_run(workspace):
    findings = {one["what"]: one for one in workspace.suite("doctor", "--json").json["findings"]}

    assert {"python", "torch", "mlflow", "home", "space", "mlflow store", "data mnist"} <= findings.keys()
    assert all(one["code"] == 0 for one in findings.values())


@pytest.mark.commands
def test_doctor_names_what_would_stop_a_run(workspace):
    (workspace.home / "mlruns").write_text("a file in the way")

    answer = workspace.suite("doctor", "--json")

    assert answer.code == 3
    stopping = [one for one in answer.json["findings"] if one["code"]]
    assert any(str(workspace.home / "mlruns") in one["found"] for one in stopping)


def test_what_the_machine_refuses_anywhere_is_one_line_and_3(monkeypatch, capsys):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device", "/some/folder")

    monkeypatch.setattr("suite.api.session.load_registry", full)

    code = cli.main(["list"])

    said = capsys.readouterr().err
    assert code == 3
    assert said.startswith("suite: /some/folder: no space left on device.")
    assert len(said.splitlines()) == 1


def test_ctrl_c_while_the_program_is_being_loaded_is_one_line(tmp_path):
    (tmp_path / "argparse.py").write_text("raise KeyboardInterrupt\n")  # stands in for a slow disk and a quick finger
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}

    answer = subprocess.run(
        [sys.executable, "-m", "suite", "list"], cwd=tmp_path, env=environment, capture_output=True, text=True
    )  # fmt: skip

    assert (answer.returncode, answer.stdout) == (130, "")
    assert answer.stderr == "suite: interrupted before anything began.\n"
