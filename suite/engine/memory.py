"""The peak memory of this process."""

import resource
import sys


def peak_mib() -> float:
    """The highest resident memory of this process so far, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # in KiB, on macOS in bytes
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)
