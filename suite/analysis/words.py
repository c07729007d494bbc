"""Parts of the sentences about a difference in accuracy, in percentage points."""

from suite.analysis.paired import Difference


def points(found: Difference) -> str:
    """`+9.19 points (+1.05 to +17.33)`; of an interval that was cut it says so."""
    low, high = 100 * found.interval.low, 100 * found.interval.high
    cut = ", cut at what is possible" if found.cut else ""
    return f"{100 * found.mean:+.2f} points ({low:+.2f} to {high:+.2f}{cut})"


def bound(ruled_out: float) -> str:
    """What is ruled out; of 1, that is nothing."""
    if ruled_out >= 1:
        return "no difference is ruled out"
    return f"a difference above {100 * ruled_out:.2f} points is ruled out"


def unseen(visible: float) -> str:
    """What could not have been seen; of 1, that is anything."""
    if visible >= 1:
        return "could not have seen any difference"
    return f"could not have seen less than {100 * visible:.2f} points"
