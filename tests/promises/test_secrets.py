"""Check 32: no verb prints a password or token, or writes one to a file in the home."""

import os
import signal

import pytest

from suite.errors import SuiteError
from suite.masking import masked
from suite.tracking.ui import _command
from tests.conftest import Answer, Workspace
from tests.promises.sockets import ended

pytestmark = [pytest.mark.promise, pytest.mark.timeout(3_600)]
TITLE = "no secret is printed, recorded or logged"
SECRET = "hush7hush"
AWAY = "127.0.0.1:9"  # nothing listens there
PLACES = {
    "a server's address": {"MLFLOW_TRACKING_URI": f"http://me:{SECRET}@{AWAY}"},
    "a token as the name": {"MLFLOW_TRACKING_URI": f"http://{SECRET}@{AWAY}"},
    "a slash in it": {"MLFLOW_TRACKING_URI": f"http://me:{SECRET}/x@{AWAY}"},
    "percent-encoded": {"MLFLOW_TRACKING_URI": f"http://me:%2F{SECRET}%40@{AWAY}"},
    "a database's address": {"MLFLOW_TRACKING_URI": f"postgresql://me:{SECRET}@{AWAY}/db"},
    "a query": {"MLFLOW_TRACKING_URI": f"postgresql://{AWAY}/db?sslpassword={SECRET}"},
    "variables": {"MLFLOW_TRACKING_URI": f"http://{AWAY}", "MLFLOW_TRACKING_TOKEN": SECRET, "PGPASSWORD": SECRET},
    "studies": {"SUITE_STUDY_STORAGE": f"postgresql+nodriver://me:{SECRET}@{AWAY}/db"},
    "studies' query": {"SUITE_STUDY_STORAGE": f"mysql+pymysql://{AWAY}/db?password={SECRET}"},
    "a proxy": {"MLFLOW_TRACKING_URI": "http://nobody.invalid", "HTTP_PROXY": f"http://me:{SECRET}@{AWAY}"},
    "an error of one's own": {"LEAK": "1", "MY_TOKEN": SECRET, "MLFLOW_TRACKING_URI": f"http://{AWAY}"},
}
LEAKY = '''"""A network that fails with a secret in its words."""

from suite.recipe import Recipe

recipe = Recipe(data="digits", loss="cross-entropy", optimizer="sgd", lr=0.1, batch_size=500, epochs=1)


def network():
    """Map images (n, 1, 28, 28) to logits (n, 10)."""
    import os

    from torch import nn

    if "LEAK" in os.environ:
        raise ValueError("x" * 295 + os.environ["MY_TOKEN"])
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
'''
VERBS = (
    ("run", "leaky", "--seeds", "1"), ("run", "leaky", "--seeds", "1", "--json"),
    ("tune", "leaky", "--trials", "1", "--seeds", "1"), ("compare", "leaky", "mlp"), ("verify", "f" * 32),
    ("report",), ("report", "--json"), ("sync",), ("sync", "--json"), ("sync", "--rebuild"), ("doctor",),
    ("doctor", "--json"), ("ui",), ("show", "leaky"), ("gate", "mlp", "--help"), ("list",),
)  # fmt: skip


def given(workspace: Workspace, words: tuple[str, ...]) -> Answer:
    """The answer to a command; Ctrl-C ends the UI when it is ready."""
    with ended(workspace.start(*words)) as process:
        lines = []
        for line in process.stdout or ():
            lines.append(line)
            if words[0] == "ui" and line.startswith("Ctrl-C"):
                os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=300)
    return Answer(process.returncode, "".join(lines), err)


@pytest.mark.check(32, TITLE)
def test_no_verb_prints_or_leaves_a_secret(check, chance, commands, tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "leaky.py").write_text(LEAKY)
    cases = [(place, words) for place in PLACES for words in VERBS]
    for n, (place, words) in enumerate(chance.sample(cases, check.times(len(cases), 2))):
        workspace = commands(str(n), SUITE_EXPERIMENTS=str(tmp_path / "own"), **PLACES[place])
        with check.case():
            answer = given(workspace, words)

            assert SECRET[:6] not in answer.out + answer.err, (place, words, answer)
            assert "Traceback" not in answer.out + answer.err, (place, words, answer)
            for path in workspace.home.rglob("*"):
                if path.is_file():
                    assert SECRET.encode() not in path.read_bytes(), (place, words, path)


@pytest.mark.check(32, TITLE)
@pytest.mark.parametrize("place", PLACES)
def test_an_error_has_no_secret_and_no_part_of_one(check, monkeypatch, place):
    for name, value in PLACES[place].items():
        monkeypatch.setenv(name, value)
    with check.case():
        said = str(SuiteError(f"{' '.join(PLACES[place].values())} and {SECRET!r}"))

        assert SECRET not in said
        assert SECRET not in masked(f"nonnumeric port: '{SECRET}'")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://me@host/db", "postgresql://me@host/db"),
        ("http://a:b@c and d@e", "http://a:***@c and d@e"),
        ("https://ghp_1@github.com/x", "https://***@github.com/x"),
        ("sqlite:////home/me@work/a.db", "sqlite:////home/me@work/a.db"),
        ("http://127.0.0.1:5000/#/a?b=c@d", "http://127.0.0.1:5000/#/a?b=c@d"),
        ("host=x password='a b' user=y", "host=x password=*** user=y"),
        ("the words true and tokens stay", "the words true and tokens stay"),
    ],
)
def test_only_what_is_secret_is_masked(monkeypatch, text, shown):
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "true")
    monkeypatch.delenv("PYTEST_CURRENT_TEST")  # its value contains the addresses of this test

    assert masked(text) == shown


def test_the_uis_server_has_no_address_on_its_command_line(monkeypatch, tmp_path):
    """Every user of the machine can read command lines."""
    from suite.disk.home import Home

    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"postgresql://me:{SECRET}@{AWAY}/db")

    assert SECRET not in " ".join(_command(Home(tmp_path), "127.0.0.1", 5000))
