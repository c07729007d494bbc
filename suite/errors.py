"""The errors a user can meet: one line that says what is wrong and what to do."""

import errno
import os

USER, MACHINE, FAILED, INCONCLUSIVE, INTERRUPTED = 2, 3, 1, 4, 130


class SuiteError(Exception):
    """What is wrong, and the remedy; `code` is the process's exit code.

    2 (`USER`): the user mends the input. 3 (`MACHINE`): disk, permission, server or package manager.
    """

    def __init__(self, what: str, remedy: str = "", *, code: int = USER) -> None:
        super().__init__(one_line(f"{what} {remedy}"))
        self.code = code


def one_line(text: str) -> str:
    """Text for the terminal: names and other people's exceptions are in it, and none may speak to the terminal."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in " ".join(text.split()))


def machine_error(error: OSError, path: str | os.PathLike[str], *, needed: int | None = None) -> SuiteError:
    """The one line for what the operating system refused at `path`, where `needed` bytes were to be written."""
    remedy = {
        errno.ENOSPC: "Free some space and run the same command again.",
        errno.EDQUOT: "Free some of your quota and run the same command again.",
        errno.EFBIG: "Raise the file-size limit (ulimit -f) and run the same command again.",
        errno.EACCES: "Make it readable and writable, or set SUITE_HOME to a folder that is.",
        errno.EPERM: "Make it readable and writable, or set SUITE_HOME to a folder that is.",
        errno.EROFS: "Set SUITE_HOME to a folder that can be written.",
        errno.ENAMETOOLONG: "Give a shorter one.",
    }.get(error.errno or 0, "Mend it and run the same command again.")
    reason = (error.strerror or str(error)).lower()
    full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    need = f", and {needed:,} bytes are needed" if needed is not None and full else ""
    code = USER if error.errno == errno.ENAMETOOLONG else MACHINE  # nobody but the user gives long names
    return SuiteError(f"{path}: {reason}{need}.", remedy, code=code)
