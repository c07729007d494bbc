"""Check 34: with `--portable` every experiment comes to the committed weights, on whatever x86-64 processor with AVX2.

`golden.json` has the weights by torch's version, and the digests of single operators, so that a difference can be
traced. Those of 2.15.0 were found alike by AMD processors with and without AVX-512 (Zen 3; eight of the experiments),
and by an Intel processor with AVX-512. Those of the kernels do not depend on torch's version, but for the crops and
flips of `cifar_net`, which torch draws.
"""

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from suite.execute.executor import Ended
from suite.runs.worker import local_processes, tell_operators
from tests.conftest import Workspace, plain_environment
from tests.promises.conftest import Check

GOLDEN = json.loads(Path(__file__).with_name("golden.json").read_text(encoding="utf-8"))
TORCH = version("torch").partition("+")[0]
CPU = Path("/proc/cpuinfo")
AVX2 = CPU.exists() and " avx2 " in CPU.read_text()

pytestmark = [
    pytest.mark.promise,
    pytest.mark.check(34, "portable runs: the same weights on every processor with AVX2"),
    pytest.mark.skipif(not AVX2, reason="--portable needs an x86-64 processor with AVX2"),
]


LONG = ("lenet", "lenet_avgpool", "lenet_gaussian")  # 25, 10 and 5 epochs: half of the time of all experiments

# What torch and its libraries would read on another machine, or in another person's shell.
ELSEWHERE = {
    "ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41", "DNNL_MAX_CPU_ISA": "SSE41", "MKL_CBWR": "AUTO",
}  # fmt: skip


def operators(of: str) -> dict[str, str]:
    """The digests of all operators in a process of this kind, or the reason why there are none."""
    events = local_processes(1).run(tell_operators, [of])
    [told] = [event for _, event in events if not isinstance(event, Ended)]
    return dict(told)


def odd_ones(golden: dict[str, dict[str, str]]) -> list[str]:
    """The operators that compute something else than what is committed."""
    return [name for name, digest in operators("portable").items() if golden["operators"].get(name) != digest]


@pytest.fixture(scope="module")
def golden() -> dict[str, dict[str, str]]:
    """The committed digests for the torch that is installed."""
    if TORCH not in GOLDEN:
        pytest.skip(f"golden.json has no weights for torch {TORCH}")
    return dict(GOLDEN[TORCH])


def test_each_operator_computes_what_is_committed(check: Check, golden: dict[str, dict[str, str]]) -> None:
    with check.case():
        assert operators("portable") == golden["operators"]


def test_each_experiment_comes_to_the_committed_weights(
    check: Check, golden: dict[str, dict[str, str]], tmp_path: Path
) -> None:
    """With -m promise all of them; else all but those that take longest, whose operators have a test of their own."""
    wanted = {name: digest for name, digest in golden["weights"].items() if check.full or name not in LONG}
    with check.case(len(wanted)):
        words = ("run", *wanted, "--portable", "--data", "digits", "--seeds", "1", "--no-report", "--json")
        answer = Workspace(tmp_path, extra={**ELSEWHERE, "SUITE_KERNELS": "torch"}).suite(*words)

        assert answer.code == 0, answer.err
        found = {one["experiment"]: one["weights_sha256"] for one in answer.json["runs"]}
        assert found == wanted, f"the operators that differ: {', '.join(odd_ones(golden)) or 'none'}"


def test_each_experiment_comes_to_the_committed_weights_by_the_kernels(check: Check, tmp_path: Path) -> None:
    """Whatever torch's version. They were found by code for AVX-512, and for processors without it."""
    golden = GOLDEN["kernels"]
    with check.case(len(golden["weights"])):
        words = ("run", *golden["weights"], "--portable", "--data", "digits", "--seeds", "1", "--no-report", "--json")
        answer = Workspace(tmp_path, extra=ELSEWHERE).suite(*words)

        assert answer.code == 0, answer.err
        found = {one["experiment"]: one["weights_sha256"] for one in answer.json["runs"]}
        odd = [name for name, digest in operators("kernels").items() if golden["networks"].get(name, digest) != digest]
        assert found == golden["weights"], f"the networks that differ: {', '.join(odd) or 'none'}"


EARLY = """
import torch

torch.ones(64, 64) @ torch.ones(64, 64)
from suite.engine import exact

exact.make_portable()
"""


@pytest.mark.full
def test_a_process_that_computed_before_is_refused(check: Check) -> None:
    with check.case():
        environment = {**plain_environment(), "ATEN_CPU_CAPABILITY": "avx2"}
        process = subprocess.run([sys.executable, "-c", EARLY], env=environment, capture_output=True, text=True)

        assert "SuiteError: portable: torch computes with MKL's own order of sums here." in process.stderr
