"""What a number depends on, told in words that any process can read."""

import pickle
import pickletools

from suite.engine import exact


def test_the_environment_is_of_plain_values_which_need_no_library_to_be_read():
    told = exact.environment()

    found = [operation.name for operation, *_ in pickletools.genops(pickle.dumps(told))]

    assert {"torch", "numpy", "cpu", "threads", *exact.BINDING} <= told.keys()
    assert "STACK_GLOBAL" not in found  # a class: torch's own kind of version made the command load all of torch
    assert "GLOBAL" not in found
