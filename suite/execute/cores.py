"""What this process may use: cores, from its affinity, its container's quota and the user's setting; open files."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

PROCESS = Path("/proc/self")
FEWEST, LARGEST = 400, 32_768  # jobs that are away at once: where no limit is known, and at most
VARIABLE = "PYTHON_CPU_COUNT"  # Python's own variable; Python reads it from version 3.13 on


def available_cores() -> int:
    """The number of cores that this process may use, at least 1.

    If `PYTHON_CPU_COUNT` is a whole number above 0, it is used. Otherwise the number comes from the affinity. It is
    smaller if a quota of this process's control group, or of a group above it, allows less: 1.5 is rounded up to 2.
    """
    said = os.environ.get(VARIABLE, "").strip()
    if said.isascii() and said.isdecimal() and int(said[:9]) > 0:
        return int(said[:9])
    return max(1, min([_affinity(), *(-(-quota // period) for quota, period in _quotas())]))


def _affinity() -> int:
    if hasattr(os, "process_cpu_count"):
        return os.process_cpu_count() or 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _quotas() -> Iterator[tuple[int, int]]:
    """Each quota for this process as (processor time, period), both in microseconds."""
    for line in _lines(PROCESS / "cgroup"):
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        for folder in _groups(controllers, path) if not controllers or "cpu" in controllers.split(",") else ():
            if controllers:
                words = _lines(folder / "cpu.cfs_quota_us")[:1] + _lines(folder / "cpu.cfs_period_us")[:1]
            else:
                words = " ".join(_lines(folder / "cpu.max")[:1]).split()
            numbers = [int(word) for word in words if word.isascii() and word.isdecimal() and len(word) < 19]
            if len(numbers) == len(words) == 2 and numbers[1] > 0:  # `max` and -1 mean that there is no quota
                yield numbers[0], numbers[1]


def _groups(controllers: str, path: str) -> Iterator[Path]:
    """The folders of a control group and of all groups above it that are mounted here."""
    for line in _lines(PROCESS / "mountinfo"):
        mounted, _, kind = line.partition(" - ")
        words, kinds = mounted.split(), kind.split()
        if len(words) < 5 or not kinds or kinds[0] != ("cgroup" if controllers else "cgroup2"):
            continue
        if controllers and "cpu" not in kinds[-1].split(","):
            continue
        root, place = (Path(word.replace("\\040", " ")) for word in words[3:5])
        inside = Path(path).relative_to(root) if Path(path).is_relative_to(root) else Path()
        own = place / inside if ".." not in inside.parts else place
        yield own
        yield from (folder for folder in own.parents if folder.is_relative_to(place))


def _lines(path: Path) -> list[str]:
    """The lines of a small file of the kernel; empty if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(1 << 20).decode(errors="replace").splitlines()
    except (OSError, ValueError):
        return []


class OpenFiles:
    """Lets this process hold as many files open as its hard limit allows, until `restore`.

    `jobs` is how many jobs may be away, each of which holds a file open here: half of them, and `LARGEST` at most.
    """

    def __init__(self) -> None:
        self.jobs = FEWEST
        self._before: tuple[int, int] | None = None
        with suppress(ImportError, OSError, ValueError):  # Windows has none; a container may forbid it
            import resource

            self._before = soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            wanted = 2 * LARGEST if hard == resource.RLIM_INFINITY else min(hard, 2 * LARGEST)
            if soft != resource.RLIM_INFINITY and soft < wanted:
                resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            self.jobs = wanted // 2

    def restore(self) -> None:
        """Put the limit back."""
        with suppress(ImportError, OSError, ValueError):
            import resource

            if self._before:
                resource.setrlimit(resource.RLIMIT_NOFILE, self._before)
