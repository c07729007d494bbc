"""The end of MLflow's server: nothing of it is left in the process that started it."""

import signal
import subprocess
import sys

import pytest

from suite.tracking import ui

DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(600)"


@pytest.mark.parametrize(
    ("program", "code"),
    [(DEAF, -signal.SIGKILL), (DEAF.replace("SIG_IGN", "SIG_DFL"), -signal.SIGTERM), ("print('ready')", 0)],
    ids=["deaf", "obedient", "ended"],
)
def test_a_server_is_ended_and_waited_for(program, code, monkeypatch):
    """On a busy machine MLflow's server may take longer to end than it is given."""
    monkeypatch.setattr(ui, "GRACE", 0.2 if program == DEAF else 60.0)
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == "ready\n"
        if code == 0:
            server.stdout.read()  # to its end

        ui._end(server)

        assert server.returncode == code
