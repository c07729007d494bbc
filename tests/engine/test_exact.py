"""What a number depends on, told in words that any process can read."""

import pickle
import pickletools

import pytest
import torch

from suite.engine import exact, numeric, switches
from suite.engine.alone import load_alone
from suite.engine.way import Way
from suite.errors import SuiteError


@pytest.fixture
def exactly():
    """The suite's switches, before and after; before them as many threads as torch itself takes on most machines."""
    torch.set_num_threads(2)
    exact.make_exact()
    yield
    exact.make_exact()


def test_the_environment_is_of_plain_values_which_need_no_library_to_be_read():
    told = exact.environment(Way(kernels=False, why="a test"))

    found = [operation.name for operation, *_ in pickletools.genops(pickle.dumps(told))]

    assert {"torch", "numpy", "cpu", "threads", *exact.BINDING} <= told.keys()
    assert "STACK_GLOBAL" not in found  # a class: torch's own kind of version made the command load all of torch
    assert "GLOBAL" not in found


@pytest.mark.usefixtures("exactly")
@pytest.mark.parametrize("fault", [None, RuntimeError("something else")])
def test_a_changed_switch_is_named_before_the_error_that_it_causes(fault):
    def part():
        with exact.unchanged("mine.py", "its import"):
            torch.set_default_dtype(torch.float64)
            if fault:
                raise fault

    with pytest.raises(
        SuiteError, match=r"^mine\.py: its import changes torch\.set_default_dtype from .*32 to .*64\. "
    ):
        part()


@pytest.mark.usefixtures("exactly")
def test_a_switch_that_is_put_back_in_time_is_nobodys_concern():
    with exact.unchanged("mine.py", "its import"), torch.no_grad(), torch.device("cpu"):
        torch.manual_seed(0)


@pytest.mark.usefixtures("exactly")
def test_the_same_values_set_again_are_no_change():
    with exact.unchanged("mine.py", "its import"):
        torch.use_deterministic_algorithms(True)
        torch.set_float32_matmul_precision("highest")
        torch.backends.cudnn.benchmark = False
        torch.backends.cudnn.deterministic = True  # deterministic algorithms imply it
        torch.set_num_threads(1)


@pytest.mark.usefixtures("exactly")
def test_every_switch_has_the_suites_value_and_stands_once():
    assert switches.state() == {switch.name: switch.value for switch in switches.SWITCHES}
    assert len(switches.state()) == len(switches.SWITCHES)


@pytest.mark.usefixtures("exactly")
@pytest.mark.parametrize("line", ["torch.set_float32_matmul_precision('medium')", "torch.set_flush_denormal(True)"])
def test_a_file_is_refused_by_its_name_and_what_it_changed_can_be_undone(tmp_path, line):
    path = tmp_path / "mine.py"
    path.write_text(f"import torch\nfrom experiments.mlp import network, recipe\n{line}\n")

    with pytest.raises(SuiteError, match=r"its import changes torch\.set_") as refused:
        load_alone("mine", [tmp_path])
    exact.make_exact()

    assert str(refused.value).startswith(f"{path}: ")
    assert switches.state() == {switch.name: switch.value for switch in switches.SWITCHES}


@pytest.mark.usefixtures("exactly")
def test_the_numeric_class_depends_on_no_earlier_draw_and_draws_from_nobody_else():
    torch.manual_seed(5)
    before = torch.get_rng_state()

    first = numeric.operators()

    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(10)
    assert numeric.operators() == first
    numeric.numeric_class.cache_clear()  # of an earlier test, before the switches were set
    assert numeric.class_of(first) == exact.environment(Way(kernels=False))["numeric_class"]
    assert numeric.class_of({**first, "sigmoid": "0" * 8}) != numeric.class_of(first)


@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [("SUITE_COMPILE", "default", "SUITE_COMPILE=default gives bits of this machine"), ("", "", "computes with ODD")],
)
def test_what_is_not_portable_is_refused(monkeypatch, variable, value, reason):
    for name in exact.SWITCHES:
        monkeypatch.setenv(name, "")  # so that all of them are put back
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "ODD")
    if variable:
        monkeypatch.setenv(variable, value)

    with pytest.raises(SuiteError, match=reason) as refused:
        exact.make_portable()

    assert refused.value.code == (2 if variable else 3)
