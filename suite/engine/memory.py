"""The peak memory of this process, and how to tell that the machine has none left."""

import resource
import sys

from suite.disk.script import words_of

OUT_OF_MEMORY = ("can't allocate memory", "std::bad_alloc", "Cannot allocate memory")  # torch's words, C++'s, Linux's


def peak_mib() -> float:
    """The highest resident memory of this process so far, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # in KiB, on macOS in bytes
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def ran_out(error: BaseException) -> bool:
    """Whether the error says that the machine has no memory left; torch and C++ say so only in words."""
    return isinstance(error, MemoryError) or any(words in words_of(error) for words in OUT_OF_MEMORY)
