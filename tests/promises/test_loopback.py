"""The UI is for this machine only: where it listens, which requests and hosts it refuses, and how it ends."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from suite.errors import SuiteError
from suite.tracking.ui import require_loopback
from tests.conftest import Answer, Workspace, assert_refused
from tests.promises.conftest import Bench, Check
from tests.promises.sockets import (
    UP,
    Server,
    ask,
    descendants,
    ended,
    free_port,
    listeners,
    listens,
    runs,
    until_ready,
)

pytestmark = [
    pytest.mark.promise,
    pytest.mark.check(21, "the UI on loopback: sockets, foreign requests, ports, hosts, its end"),
    pytest.mark.skipif(sys.platform != "linux", reason="sockets are read from /proc, which only Linux has"),
]

LOOPBACK, LOOPBACK_6, ALL = "0100007F", "000000000000000000000000" + "01000000", "00000000"  # as /proc/net writes them
A_PROXY = {"http_proxy": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}  # nothing listens there
SEARCH, BODY = "/api/2.0/mlflow/experiments/search", '{"max_results": 5}'
CREATE = "/api/2.0/mlflow/experiments/create"
REMOTE = ("0.0.0.0", "::", "example.org", "192.168.1.1", "10.0.0.1", "169.254.169.254", "8.8.8.8", "fe80::1",
          "::ffff:0.0.0.0", "0", "", "localhost.example.org", "127.0.0.1.example.org", "127.0.0.1:80")  # fmt: skip


@pytest.fixture(scope="module")
def home(own: Path, digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with one finished run that is in MLflow."""
    bench = Bench(own, digits, tmp_path_factory.mktemp("loopback"))
    bench.work([bench.job(bench.run("plain", bench.top))])
    workspace = Workspace(bench.top, {"SUITE_EXPERIMENTS": str(own)})
    answer = workspace.suite("sync")
    assert answer.code == 0, answer.err
    return workspace


@pytest.fixture(scope="module")
def servers(home: Workspace, request: pytest.FixtureRequest) -> Iterator[dict[str, Server]]:
    """The UI with its default options while its default port is in use. With -m promise also with two other hosts."""
    behind_proxy = replace(home, extra={**home.extra, **A_PROXY})
    commands = {"": ()}
    if request.config.getoption("-m") == "promise":
        commands |= {"localhost": ("--host", "localhost"), "0.0.0.0": ("--host", "0.0.0.0", "--allow-remote")}
    with socket.socket() as taken, ExitStack() as stack:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ports = {host: free_port() if host else taken.getsockname()[1] for host in commands}
        started = {
            host: stack.enter_context(ended(behind_proxy.start("ui", *words, "--port", str(ports[host]))))
            for host, words in commands.items()
        }
        yield {host: until_ready(process) for host, process in started.items()}


@pytest.fixture
def server(servers: dict[str, Server]) -> Server:
    return servers[""]


def test_a_taken_port_is_said_in_one_line_and_the_next_one_taken(check: Check, server: Server) -> None:
    with check.case():
        assert server.lines[0].startswith("Port ")
        taken = int(server.lines[0].split()[1])
        assert server.lines[0] == f"Port {taken} is taken; using {server.port}."
        assert taken < server.port < taken + 20
        assert ask(server.port, "/health", {})[0] == 200


def test_of_all_its_processes_sockets_only_127_0_0_1_listens(check: Check, server: Server) -> None:
    with check.case():
        family = [server.process.pid, *descendants(server.process.pid)]
        assert len(family) >= 3
        assert listens(family) == {(LOOPBACK, server.port)}
        assert listeners(server.port) == {LOOPBACK}


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1.evil.example", "8.8.8.8:{port}"])
def test_a_request_under_a_foreign_name_is_turned_away(check: Check, server: Server, host: str) -> None:
    """Another site could let its host name point to this machine. Its page would then send such a request."""
    with check.case():
        assert ask(server.port, SEARCH, {"Host": host.format(port=server.port)}, BODY)[0] == 403
        assert ask(server.port, SEARCH, {"Host": f"127.0.0.1:{server.port}"}, BODY)[0] == 200


def test_a_page_of_another_site_changes_nothing(check: Check, server: Server) -> None:
    with check.case():
        ours, body = {"Host": f"127.0.0.1:{server.port}"}, json.dumps({"name": "theirs"})
        assert ask(server.port, CREATE, {**ours, "Origin": "http://evil.example"}, body)[0] == 403
        assert "theirs" not in ask(server.port, SEARCH, ours, BODY)[1]


def test_its_pages_are_told_to_send_no_telemetry(check: Check, server: Server) -> None:
    """MLflow's pages have their own telemetry, which runs in the browser."""
    with check.case():
        status, told = ask(server.port, "/ajax-api/3.0/mlflow/ui-telemetry", {})
        assert (status, json.loads(told)["disable_ui_telemetry"]) == (200, True)


@pytest.mark.parametrize(("host", "address"), [("localhost", {LOOPBACK, LOOPBACK_6}), ("0.0.0.0", {ALL})])
def test_of_other_hosts_those_are_taken_that_are_this_machine_or_meant(
    check: Check, servers: dict[str, Server], host: str, address: set[str]
) -> None:
    if not check.full:
        pytest.skip("two more servers: only under -m promise")

    with check.case():
        found = servers[host]
        assert listeners(found.port)
        assert listeners(found.port) <= address
        assert ask(found.port, SEARCH, {"Host": f"127.0.0.1:{found.port}"}, BODY)[0] == 200
        assert ask(found.port, SEARCH, {"Host": "evil.example"}, BODY)[0] == 403
        end_cleanly(found)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.1.2.3"])
def test_a_host_that_only_this_machine_reaches_is_taken(check: Check, host: str) -> None:
    with check.case():
        require_loopback(host)


@pytest.mark.parametrize("host", REMOTE)
def test_a_host_that_other_machines_reach_is_refused(check: Check, home: Workspace, host: str) -> None:
    with check.case():
        with pytest.raises(SuiteError) as refused:
            require_loopback(host)
        assert refused.value.code == 2
        if check.full or host in REMOTE[:4]:
            assert_refused(home.suite("ui", "--host", host), 2, f"--host '{host}'", "--allow-remote")


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http", "5000.0", ""])
def test_a_port_out_of_range_is_refused(check: Check, home: Workspace, port: str) -> None:
    with check.case():
        assert_refused(home.suite("ui", f"--port={port}"), 2, "--port", "whole number from 1 to 65,535")


def test_a_port_that_the_user_may_not_have_is_refused(check: Check, home: Workspace) -> None:
    """If the user is root, it first gives up the right to low ports."""
    if int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text()) <= 80:
        pytest.skip("on this machine every user may have port 80")
    humbly = ["setpriv", "--bounding-set", "-net_bind_service"] if os.geteuid() == 0 else []
    if humbly and shutil.which("setpriv") is None:
        pytest.skip("setpriv is not installed")
    command = [*humbly, sys.executable, "-m", "suite", "ui", "--port", "80"]

    process = subprocess.run(
        command, cwd=home.home, env=home.environment, capture_output=True, text=True, timeout=UP, check=False
    )

    with check.case():
        assert_refused(Answer(process.returncode, process.stdout, process.stderr), 2, "--port 80", "not allowed")


def test_ctrl_c_ends_it_cleanly_and_leaves_no_process_behind(check: Check, server: Server) -> None:
    with check.case():
        end_cleanly(server)


def end_cleanly(server: Server) -> None:
    """End it with Ctrl-C and check that all its processes have ended."""
    port, started = server.port, descendants(server.process.pid)
    code, out, err = server.end()
    assert (code, out) == (130, "")
    assert len(err.splitlines()) == 1
    assert err.startswith("suite: ")
    assert len(started) >= 2
    assert [pid for pid in started if runs(pid)] == []
    assert listeners(port) == set()
