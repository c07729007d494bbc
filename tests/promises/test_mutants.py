"""The promises' tests can fail: each goes red in a copy of the program with a fault planted in it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.promises.conftest import SEED, copy_program
from tests.promises.mutants import MUTANTS, Mutant

pytestmark = [pytest.mark.promise, pytest.mark.full]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program and its tests, to plant faults in."""
    return copy_program(tmp_path_factory.mktemp("mutant"))


def outcome(copy: Path, mutant: Mutant) -> int:
    """pytest's exit code for the mutant's test, in its short form, in the copy."""
    command = [sys.executable, "-B", "-m", "pytest", "-q", "-x", "-n", "0", "-p", "no:cacheprovider", *mutant.words]
    environment = {**os.environ, "PYTHONPATH": str(copy), "SUITE_SEED": SEED}
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED), done.stdout[-3000:] + done.stderr
    return done.returncode


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_fault_is_noticed(copy, mutant):
    path = copy / mutant.file
    whole = path.read_text()
    faulty = whole
    for old, new in mutant.changes:
        assert faulty.count(old) == 1, f"{mutant.file} has {old!r} {faulty.count(old)} times"
        faulty = faulty.replace(old, new)

    path.write_text(faulty)
    code = outcome(copy, mutant)
    path.write_text(whole)

    assert code == pytest.ExitCode.TESTS_FAILED, f"nobody noticed: {mutant.name}"


def test_the_copy_without_a_fault_is_noticed_by_nobody(copy):
    first = MUTANTS[0]

    assert outcome(copy, first) == pytest.ExitCode.OK
