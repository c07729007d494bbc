"""The errors that a user can see: one line that says what is wrong and what to do."""

import errno
import os

from suite.masking import masked

USER, MACHINE, FAILED, INCONCLUSIVE, INTERRUPTED = 2, 3, 1, 4, 130


class SuiteError(Exception):
    """An error as one line: what is wrong, and the remedy. `code` is the exit code of the process.

    2 (`USER`): the user can fix the input. 3 (`MACHINE`): a problem of disk, permission, server or package manager.
    """

    def __init__(self, what: str, remedy: str = "", *, code: int = USER) -> None:
        super().__init__(one_line(f"{what} {remedy}"))
        self.code = code


def one_line(text: str) -> str:
    """The text in one line, secrets masked, control characters escaped: it may contain what we do not control."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in " ".join(masked(text).split()))


def machine_error(error: OSError, path: str | os.PathLike[str], *, needed: int | None = None) -> SuiteError:
    """The `SuiteError` for an error of the operating system at `path`, when `needed` bytes were to be written."""
    remedy = {
        errno.ENOSPC: "Free some space and run the same command again.",
        errno.EDQUOT: "Free some of your quota and run the same command again.",
        errno.EFBIG: "Raise the file-size limit (ulimit -f) and run the same command again.",
        errno.EACCES: "Make it readable and writable, or set SUITE_HOME to a folder that is.",
        errno.EPERM: "Make it readable and writable, or set SUITE_HOME to a folder that is.",
        errno.EROFS: "Set SUITE_HOME to a folder that can be written.",
        errno.ENAMETOOLONG: "Give a shorter one.",
    }.get(error.errno or 0, "Fix it and run the same command again.")
    reason = (error.strerror or str(error)).lower()
    full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    need = f", and {needed:,} bytes are needed" if needed is not None and full else ""
    code = USER if error.errno == errno.ENAMETOOLONG else MACHINE  # a name that is too long comes from the user
    return SuiteError(f"{path}: {reason}{need}.", remedy, code=code)
