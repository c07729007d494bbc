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


def load_error(library: str, error: BaseException) -> SuiteError:
    """The `SuiteError` (3) for a library that cannot be loaded; its own variables are the usual cause."""
    causes = {
        "torch": "unset the variables that begin with TORCH",
        "matplotlib": "look at MPLCONFIGDIR, MATPLOTLIBRC and a file matplotlibrc in this folder",
    }
    return SuiteError(
        f"{library} cannot be loaded: {type(error).__name__}: {one_line(str(error)):.200}.",
        f"Install it again, or {causes[library]}.",
        code=MACHINE,
    )


def machine_error(error: OSError, path: str | os.PathLike[str], *, needed: int | None = None) -> SuiteError:
    """The `SuiteError` for an error of the operating system at `path`, when `needed` bytes were to be written."""
    remedy = {
        errno.ENOSPC: "Free some space and run the same command again.",
        errno.EDQUOT: "Free some of your quota and run the same command again.",
        errno.EFBIG: "Raise the file-size limit (ulimit -f) and run the same command again.",
        errno.EACCES: "Make it readable and writable for this user, or set SUITE_HOME to a folder that is.",
        errno.EPERM: "Make it readable and writable for this user, or set SUITE_HOME to a folder that is.",
        errno.EROFS: "Set SUITE_HOME to a folder that can be written.",
        errno.ENAMETOOLONG: "Give a shorter name.",
        errno.ENOENT: "It is missing or was removed meanwhile: make it, or name another.",
        errno.ENOTDIR: "Move the file away that has the place of a folder, or set SUITE_HOME to another folder.",
        errno.EEXIST: "Move the file away that has the place of a folder, or set SUITE_HOME to another folder.",
        errno.EMFILE: "Raise the limit of open files (ulimit -n) and run the same command again.",
        errno.ENFILE: "Close programs that have many files open, and run the same command again.",
        errno.EAGAIN: "Raise the limit of processes (ulimit -u), or give fewer --workers.",
        errno.ENOMEM: "Free some memory, or give fewer --workers, and run the same command again.",
        errno.EIO: "The disk may be failing: see its messages (dmesg), or set SUITE_HOME to a folder on another.",
    }.get(error.errno or 0, "When that is put right, run the same command again.")
    reason = (error.strerror or str(error)).lower() + _permission(error, path)
    if "usable temporary directory" in reason:  # Python's words; it has tried the folders that they list
        remedy = "Set TMPDIR to a folder that can be written."
    full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    need = f", and {needed:,} bytes are needed" if needed is not None and full else ""
    code = USER if error.errno == errno.ENAMETOOLONG else MACHINE  # a name that is too long comes from the user
    return SuiteError(f"{path}: {reason}{need}.", remedy, code=code)


def _permission(error: OSError, path: str | os.PathLike[str]) -> str:
    """Whose the file is and what it allows, where that is the reason: the folder may be shared by several users."""
    try:
        facts = os.stat(path) if error.errno in (errno.EACCES, errno.EPERM) else None
    except OSError:
        return ""
    return (
        f" (it belongs to user {facts.st_uid} and group {facts.st_gid}, mode {facts.st_mode & 0o7777:04o})"
        if facts
        else ""
    )
