"""A small home of the kind that `tests.scale` makes large."""

import pytest

from tests.conftest import furnish
from tests.scale.homes import Large
from tests.scale.record import record

FIRST, RUNS = 4, 7  # it grows: three recipes of three seeds, of the last only one


@pytest.fixture(scope="package")
def large(tmp_path_factory: pytest.TempPathFactory) -> Large:
    """It has two experiments. Tests must not change it."""
    made = Large(tmp_path_factory.mktemp("large"), experiments=2, seeds=3)
    made.home.root.mkdir()
    furnish(made.home.root)
    for runs in (FIRST, RUNS):
        record(made.home, made.grow(runs))
    return made
