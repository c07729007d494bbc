"""How much memory a process has held."""

import resource
import sys


def peak_mib() -> float:
    """The most that this process has held until now, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # kibibytes, but bytes on macOS
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)
