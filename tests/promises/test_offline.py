"""No verb needs a network or tries to reach another machine, and MLflow's telemetry is off."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Answer, Workspace
from tests.promises.conftest import Check
from tests.promises.environments import give
from tests.promises.sockets import UP, Guard, ended, leaves_the_machine, traced_away, until_ready

pytestmark = [
    pytest.mark.promise,
    pytest.mark.check(22, "no network, no telemetry: every verb cut off from all networks"),
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux gives a process a network of its own"),
]

VERBS = {
    "list": ("list",),
    "show": ("show", "plain"),
    "run": ("run", "plain", "--seeds", "1"),
    "tune": ("tune", "plain", "--trials", "2", "--seeds", "1", "--fresh-seeds", "3"),
    "doctor": ("doctor",),
    "verify": ("verify", "plain-s0"),
    "sync": ("sync",),
    "report": ("report",),
}
IN_OTHERS = ("verify", "sync", "report")  # `run` does all of it too, so each by itself only with -m promise
SUITE = (sys.executable, "-m", "suite")


def alone() -> list[str]:
    """Words in front of a command that give it an empty network, without even a loopback address."""
    if shutil.which("unshare") is None:
        pytest.skip("unshare is not installed")
    for words in (["unshare", "-n"], ["unshare", "-r", "-n"]):
        if subprocess.run([*words, "true"], capture_output=True, check=False).returncode == 0:
            return words
    pytest.skip("this machine does not let its users make networks of their own")


@pytest.fixture(scope="module")
def home(own: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace(tmp_path_factory.mktemp("loopback"), {"SUITE_EXPERIMENTS": str(own)})


@pytest.fixture(scope="module")
def guard(home: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Guard:
    return Guard(home, tmp_path_factory.mktemp("guard"))


@pytest.fixture(scope="module")
def cut_off(guard: Guard, digits: Path, request: pytest.FixtureRequest) -> dict[str, Answer]:
    """The answer of each verb without a network; all in one process but for -m promise. The data is in the cache."""
    assert digits.is_dir()
    words, answers = alone(), {}
    if request.config.getoption("-m") != "promise":
        short = {verb: command for verb, command in VERBS.items() if verb not in IN_OTHERS}
        environment = guard.environment()
        before = [*words, "env", f"PYTHONPATH={environment['PYTHONPATH']}"]  # where Python finds the guard
        given = give([*short.values()], cwd=guard.workspace.home, environment=environment, before=before)
        return dict(zip(short, given, strict=True))
    for verb, command in VERBS.items():
        process = guard.start(*words, *SUITE, *command)
        out, err = process.communicate(timeout=UP)
        answers[verb] = Answer(process.returncode, out, err)
    return answers


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_cut_off_from_every_network_does_all_it_should(
    check: Check, cut_off: dict[str, Answer], home: Workspace, verb: str
) -> None:
    if not check.full and verb in IN_OTHERS:
        pytest.skip("`run` does it too; by itself only under -m promise")

    with check.case():
        answer = cut_off[verb]
        assert (answer.code, answer.err) == (0, "")
        assert {
            "list": "plain", "show": "Linear", "run": "finished", "sync": "0 runs sent", "report": "report.html",
            "verify": "identical", "tune": "fresh seeds", "doctor": "plain",
        }[verb] in answer.out  # fmt: skip
        assert (home.home / "reports" / "report.html").exists()


def test_none_of_them_tried_to_reach_another_machine(check: Check, cut_off: dict[str, Answer], guard: Guard) -> None:
    with check.case():
        assert cut_off
        assert [call for call in guard.calls() if leaves_the_machine(call)] == []
        assert guard.calls(), "the fork server's own socket should have been seen"


def test_the_guard_sees_what_a_process_and_its_children_try(check: Check, home: Workspace, tmp_path: Path) -> None:
    """Without this the test above would prove nothing."""
    guard = Guard(home, tmp_path)
    code = f"import socket, subprocess, sys; subprocess.run([sys.executable, '-c', {CONNECT!r}]); {LOOK_UP}"

    guard.start(sys.executable, "-c", code).communicate(timeout=UP)

    with check.case():
        assert [call for call in guard.calls() if leaves_the_machine(call)] == [
            "socket.connect 192.0.2.1", "socket.getaddrinfo name.invalid",
        ]  # fmt: skip


CONNECT = "import socket; s = socket.socket(); s.settimeout(0.01); s.connect_ex(('192.0.2.1', 9))"
LOOK_UP = """
try:
    socket.getaddrinfo('name.invalid', 80)
except OSError:
    pass
"""


@pytest.mark.parametrize("verb", ["run", "report"])
def test_the_system_itself_saw_no_call_to_another_machine(
    check: Check, cut_off: dict[str, Answer], guard: Guard, tmp_path: Path, verb: str
) -> None:
    """C libraries can connect without calling Python, so strace is used here."""
    tracer = shutil.which("strace")
    log = tmp_path / "trace"
    words = [tracer or "strace", "-f", "-qq", "-e", "trace=connect,sendto,sendmsg,sendmmsg", "-s", "16", "-o", str(log)]
    if not check.full:
        pytest.skip("tracing is slow: only under -m promise")
    if tracer is None:
        pytest.skip("strace is not installed")
    if subprocess.run([*words, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine does not let processes be traced")
    assert cut_off

    command = {"run": ("run", "plain", "--seeds", "2", "--no-report"), "report": VERBS["report"]}[verb]
    process = guard.start(*words, *SUITE, *command)
    _, err = process.communicate(timeout=UP)

    with check.case():
        assert process.returncode == 0, err
        assert "sa_family=AF_UNIX" in log.read_text() or verb == "report"
        assert traced_away(log.read_text()) == []


def test_the_ui_needs_nothing_but_the_loopback(check: Check, cut_off: dict[str, Answer], guard: Guard) -> None:
    if not check.full:
        pytest.skip("a second server: only under -m promise")
    if shutil.which("ip") is None:
        pytest.skip("ip is not installed")
    assert cut_off
    loopback = ("sh", "-c", 'ip link set lo up && exec "$@"', "sh")

    with check.case(), ended(guard.start(*alone(), *loopback, *SUITE, "ui", "--port", "5000")) as process:
        server = until_ready(process)
        assert server.end()[0] == 130
        assert [call for call in guard.calls() if leaves_the_machine(call)] == []
