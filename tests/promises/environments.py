"""Environment variables of the user that must not break any command, and commands run with them in one process."""

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ROOT, Answer

LONG = "l" * 110
HOSTILE_RC = (
    "lines.linewidth: 7\nfont.size: 30\ntext.usetex: True\naxes.formatter.use_locale: True\nbackend: none such\n"
)


@dataclass(frozen=True)
class Setting:
    """Variables and their values; `{here}` is a folder of the test, with the files that `HERE` lists.

    `refused`: a verb may refuse this setting in one line that holds these words. Without them every verb must work.
    """

    values: dict[str, str]
    refused: str = ""

    @property
    def name(self) -> str:
        """The name that a failed test shows."""
        return ",".join(f"{name}={value}"[:40] for name, value in self.values.items())

    def over(self, environment: dict[str, str], here: Path) -> dict[str, str]:
        """This environment with the variables set."""
        return {**environment, **{name: value.replace("{here}", str(here)) for name, value in self.values.items()}}


def one(refused: str = "", /, **values: str) -> Setting:
    """A setting of these variables."""
    return Setting(values, refused)


PYTHON = (
    one(PYTHONOPTIMIZE="2"),
    one(PYTHONWARNINGS="error"),
    one(PYTHONWARNINGS="always"),
    one(PYTHONDEVMODE="1"),
    one(PYTHONDONTWRITEBYTECODE="1", PYTHONSAFEPATH="1", PYTHONNOUSERSITE="1"),
    one(PYTHONHASHSEED="0"),
    one(PYTHONHASHSEED="4294967295"),
    one(PYTHONUTF8="0", LC_ALL="C", PYTHONCOERCECLOCALE="0"),
    one(PYTHONIOENCODING="ascii"),
    one(PYTHONUNBUFFERED="1", PYTHONFAULTHANDLER="1", PYTHONBREAKPOINT="0"),
    one(PYTHONINTMAXSTRDIGITS="640"),
    one(PYTHON_CPU_COUNT="nonsense"),
)
TORCH = (
    one(OMP_NUM_THREADS="nonsense"),
    one(OMP_NUM_THREADS="8", MKL_NUM_THREADS="8", OPENBLAS_NUM_THREADS="8"),
    one(OMP_SCHEDULE="dynamic,1", OMP_DYNAMIC="TRUE", OMP_PROC_BIND="true", OMP_WAIT_POLICY="active"),
    one(KMP_AFFINITY="granularity=fine,compact,1,0", KMP_BLOCKTIME="nonsense"),
    one(MKL_DYNAMIC="TRUE", MKL_VERBOSE="1"),
    one(ONEDNN_VERBOSE="1", DNNL_VERBOSE="1"),
    one(CUDA_VISIBLE_DEVICES="nonsense"),
    one(CUDA_VISIBLE_DEVICES="-1", CUBLAS_WORKSPACE_CONFIG="nonsense"),
    one(TORCH_LOGS="+dynamo,graph_breaks"),
    one("TORCH", TORCH_LOGS="nonsense"),
    one(TORCH_SHOW_CPP_STACKTRACES="1", TORCH_CPP_LOG_LEVEL="INFO"),
    one(TORCH_COMPILE_DISABLE="1", PYTORCH_JIT="0"),
    one("TORCH", TORCHINDUCTOR_CACHE_DIR="/proc/none"),
    one(TORCH_HOME="/proc/none", TORCH_EXTENSIONS_DIR="/proc/none"),
    one(MALLOC_ARENA_MAX="1", MALLOC_PERTURB_="7"),
)
PICTURES = (
    one(MPLBACKEND="module://matplotlib_inline.backend_inline"),
    one(MPLBACKEND="none such"),
    one(MATPLOTLIBRC="{here}/matplotlib"),
    one(MPLCONFIGDIR="{here}/matplotlib"),
    one(MPLCONFIGDIR="/proc/none"),
    one(XDG_CONFIG_HOME="{here}"),
)
RECORD = (
    one(MLFLOW_EXPERIMENT_NAME="another", MLFLOW_RUN_ID="nonsense"),
    one(MLFLOW_EXPERIMENT_ID="99", MLFLOW_REGISTRY_URI="nonsense://"),
    one(MLFLOW_ENABLE_ASYNC_LOGGING="true", MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING="true"),
    one(MLFLOW_ENABLE_ASYNC_LOGGING="nonsense", MLFLOW_DISABLE_TELEMETRY="nonsense"),
    one(MLFLOW_HTTP_REQUEST_MAX_RETRIES="nonsense", MLFLOW_HTTP_REQUEST_TIMEOUT="nonsense"),
    one(MLFLOW_HTTP_REQUEST_MAX_RETRIES="99", MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR="-1"),
    one("nonsense://", MLFLOW_TRACKING_URI="nonsense://"),
    one("/proc/none", MLFLOW_TRACKING_URI="sqlite:////proc/none/mlflow.db"),
    one("127.0.0.1:9", MLFLOW_TRACKING_URI="http://127.0.0.1:9"),
    one(MLFLOW_LOGGING_LEVEL="DEBUG", MLFLOW_CONFIGURE_LOGGING="true"),
    one(MLFLOW_LOGGING_LEVEL="nonsense"),
    one("MLFLOW_SQLALCHEMYSTORE_POOL_SIZE", MLFLOW_SQLALCHEMYSTORE_POOL_SIZE="nonsense"),
    one(MLFLOW_SQLALCHEMYSTORE_ECHO="true", MLFLOW_SQLALCHEMYSTORE_POOLCLASS="NullPool"),
    one(MLFLOW_TRACKING_USERNAME="me", MLFLOW_TRACKING_PASSWORD="secret", MLFLOW_TRACKING_TOKEN="token"),
    one(MLFLOW_TRUNCATE_LONG_VALUES="false", MLFLOW_ARTIFACT_UPLOAD_DOWNLOAD_TIMEOUT="nonsense"),
    one(OPTUNA_STORAGE="nonsense://", SQLALCHEMY_WARN_20="1", SQLALCHEMY_SILENCE_UBER_WARNING="0"),
)
TERMINAL = (
    one(LC_ALL="de_DE.UTF-8", LANGUAGE="de"),
    one(LC_ALL="none_SUCH.nonsense", LANG="nonsense"),
    one(TERM="dumb", COLUMNS="1", LINES="1"),
    one(TERM="", COLUMNS="0"),
    one(TERM="none such", COLUMNS="nonsense", NO_COLOR="1"),
    one(FORCE_COLOR="1", TTY_COMPATIBLE="1", TTY_INTERACTIVE="1", CLICOLOR_FORCE="1"),
    one(TZ="Asia/Kathmandu"),
    one(TZ="nonsense"),
    one(LC_ALL="C"),  # together with a matplotlibrc that asks for the locale, one that there is not is refused
)
PLACES = (
    one(TMPDIR=f"{{here}}/{LONG}"),
    one(TMPDIR="/none/such"),
    one(TMPDIR="/proc"),
    one(TMPDIR="{here}/a-file"),
    one(HOME="{here}/a-file", XDG_CACHE_HOME="{here}/cache", USER="", LOGNAME=""),
    one(HOME="", XDG_CACHE_HOME="{here}/cache", XDG_CONFIG_HOME="/proc/none"),
    one(HTTP_PROXY="http://127.0.0.1:9", HTTPS_PROXY="nonsense", NO_PROXY="", REQUESTS_CA_BUNDLE="/none/such"),
    one(GIT_DIR="/none/such", GIT_CONFIG_GLOBAL="{here}/a-file", GIT_TRACE="2"),
    one(PATH="/none/such"),
)
TOGETHER = Setting({
    name: value
    for one in PYTHON + TORCH + PICTURES + RECORD + TERMINAL + PLACES[3::-1]  # of the TMPDIR settings only the long one
    for name, value in ({} if one.refused else one.values).items()
})  # fmt: skip
# PYTHONOPTIMIZE has all libraries compiled anew: half a minute of processor time.
QUICKLY = Setting({name: value for name, value in TOGETHER.values.items() if name != "PYTHONOPTIMIZE"})
SETTINGS = PYTHON + TORCH + PICTURES + RECORD + TERMINAL + PLACES


def furnish(here: Path) -> Path:
    """Make the files and folders that the settings name, in this folder; returns it."""
    (here / "matplotlib").mkdir(parents=True)
    (here / "matplotlib" / "matplotlibrc").write_text(HOSTILE_RC)
    (here / LONG).mkdir()
    (here / "cache").mkdir()
    (here / "a-file").write_text("no folder and no settings")
    return here


def give(
    commands: Sequence[Sequence[str]], *, cwd: Path, environment: dict[str, str], before: Sequence[str] = ()
) -> list[Answer]:
    """Run these commands in one process, which loads the libraries once. `before` are words in front of `python`.

    A command that raises has exit code 1 and its traceback on stderr. Output that C libraries print by themselves is
    added to the stderr of the last command.
    """
    words = [*before, sys.executable, "-c", "from tests.promises.environments import take; take()"]
    process = subprocess.Popen(
        words, cwd=cwd, env={**environment, "PYTHONPATH": str(ROOT)}, start_new_session=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", errors="replace",
    )  # fmt: skip
    out, err = process.communicate(json.dumps([list(command) for command in commands]), timeout=300)
    answers = [Answer(**facts) for facts in found(out)]
    assert len(answers) == len(commands), (out, err)
    return [*answers[:-1], Answer(answers[-1].code, answers[-1].out, answers[-1].err + err)]


def found(out: str) -> Iterator[dict[str, object]]:
    """The answers, one on each line. Other lines there are not ours."""
    for line in out.splitlines():
        with contextlib.suppress(ValueError):
            yield json.loads(line)


def take() -> None:
    """Run the commands that stdin lists. Each is answered by one line of JSON on stdout."""
    import traceback

    from suite.cli import main

    screen = os.dup(1)
    for words in json.loads(sys.stdin.buffer.read()):
        sys.argv = ["suite", *words]
        out, err = (io.TextIOWrapper(io.BytesIO(), sys.stdout.encoding, sys.stdout.errors) for _ in range(2))
        with redirect_stdout(out), redirect_stderr(err):
            try:
                code = main(words)
            except BaseException:
                traceback.print_exc()
                code = 1
        answer = {"code": code, **{name: _text(one) for name, one in (("out", out), ("err", err))}}
        os.write(screen, json.dumps(answer).encode() + b"\n")
    sys.stderr.flush()
    os._exit(0)


def _text(written: io.TextIOWrapper) -> str:
    written.flush()
    return written.buffer.getvalue().decode(written.encoding, "replace")  # type: ignore[attr-defined]
