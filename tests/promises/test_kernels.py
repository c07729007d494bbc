"""Check 35: random networks get from the kernels the losses, gradients and updates that torch computes in 64 bits.

Check 36: code for lesser processors comes to the same bits.
"""

import json
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.conftest import plain_environment
from tests.kernels.drawn import ALL, FEW, Drawn, networks
from tests.kernels.test_same_bits import GOLDEN
from tests.kernels.twin import compared
from tests.promises.conftest import Check
from tests.tables import SEED

pytestmark = [pytest.mark.promise, pytest.mark.check(35, "random networks: the kernels' step against torch in 64 bits")]


def test_a_step_is_torchs(check: Check) -> None:
    excused, count = [], check.times(1_000, short=25)

    @seed(int(SEED))
    @settings(max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck),
              phases=(Phase.generate, Phase.shrink))  # fmt: skip
    @given(networks(ALL if check.full else FEW))
    def each(drawn: Drawn) -> None:
        with check.case():
            excused.extend(compared(drawn)[:1])

    each()
    check.remarks.append(f"{len(excused)} excused, which are at a kink or magnify rounding")
    assert len(excused) <= 2 + count // 20


def features(kind: str) -> dict[str, str]:
    """The variables that keep Numba from instructions of this processor."""
    if kind == "x86-64":
        return {"NUMBA_CPU_NAME": "x86-64", "NUMBA_CPU_FEATURES": ""}
    from llvmlite import binding

    found = binding.get_host_cpu_features()
    wide = {name: False for name in found if name.startswith(("avx512", "evex"))}
    return {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": type(found)({**found, **wide}).flatten()}


@pytest.mark.full
@pytest.mark.check(36, "the kernels' bits on lesser processors: no AVX-512; neither AVX nor fused multiply-add")
@pytest.mark.parametrize("kind", ["haswell", "x86-64"])
def test_a_lesser_processor_comes_to_the_same_bits(check: Check, kind: str) -> None:
    with check.case():
        text = "import json; from tests.kernels.test_same_bits import trained_here; print(json.dumps(trained_here()))"
        environment = {**plain_environment(), **features(kind)}
        done = subprocess.run([sys.executable, "-c", text], env=environment, capture_output=True, text=True)

        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) == GOLDEN
