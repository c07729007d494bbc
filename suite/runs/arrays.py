"""An executor that trains runs as arrays of Slurm tasks, through a pool in a folder that all machines share."""

import json
import os
import shlex
import sys
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from suite.disk import files
from suite.engine import exact
from suite.errors import MACHINE, SuiteError, machine_error
from suite.execute.cores import available_cores
from suite.execute.executor import Work
from suite.execute.share import Share
from suite.execute.slurm import Refused, Slurm
from suite.masking import masked
from suite.runs.feeding import Feeding, Say
from suite.runs.plain import Plain
from suite.runs.pool import Pool
from suite.runs.worker import Job
from suite.runs.worker import work as train

VARIABLE = "SUITE_SLURM_OPTIONS"
EXAMPLE = "Give options of sbatch, such as --slurm-options partition=gpu time=60."
KINDS = ("torch", "kernels", "portable")  # of operators, by whose results machines are told apart
ROOT = Path(__file__).parents[2]  # where tasks find this program
# What a task gets of the command's variables, unless it has a secret in it.
CARRIED = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "XDG_CACHE_HOME", *exact.SWITCHES, "SUITE_DEVICE")


@dataclass
class SlurmArrays:
    """An `Executor` of runs, by `suite.runs.worker.work` alone.

    `folder` is where the pools are made, in a home that all machines share. At most `most` tasks run at once. If a
    `share` is asked for, a task has it for the one run that it trains at once. `computed` is what the first machine
    computed that trained for this executor: later ones must compute the same.
    """

    folder: Path
    slurm: Slurm
    most: int | None = None
    say: Say = lambda _: None
    warn: Say = lambda _: None
    share: Share | None = None
    computed: Plain | None = field(default=None, init=False)
    one_processor: bool = field(default=False, init=False)

    @classmethod
    def of(
        cls, folder: Path, options: Sequence[str], workers: int | None, say: Say, warn: Say, share: Share | None = None
    ) -> "SlurmArrays":
        """With the user's `options` for sbatch, or those of the variable; raises `SuiteError` (2) for wrong ones."""
        given = options or [os.environ.get(VARIABLE, "")]
        try:
            words = [word for one in given for word in shlex.split(one)]
        except ValueError as error:
            raise SuiteError(f"--slurm-options: {error} in {' '.join(given)!r:.80}.", EXAMPLE) from error
        slurm = Slurm(tuple(f"--{word.removeprefix('--')}" for word in words))
        if wrong := slurm.wrong_option():
            raise SuiteError(f"--slurm-options: {wrong}.", EXAMPLE)
        if share:
            slurm = _with(slurm, share)
        return cls(folder, slurm, workers, say, warn, share)

    @property
    def scratch(self) -> Path:
        """The folder for temporary runs, which all machines reach."""
        return self.folder

    @property
    def workers(self) -> int:
        """How many tasks may run at once, as far as this command knows."""
        return self.most or available_cores()

    def require_one_kind(self, what: str) -> None:  # noqa: ARG002  as another cluster says it
        """Let machines with another processor than the first one's get no run: `what` depends on their speed."""
        self.one_processor = True

    def warm_up(self) -> None:
        """Make the folder; raises `SuiteError` (3) if that fails, or if Slurm's commands are missing."""
        try:
            self.slurm.require()
        except Refused as error:
            raise SuiteError(f"Slurm: {error}.", code=MACHINE) from error
        self._require_share()
        try:
            files.make_folder(self.folder)
        except OSError as error:
            raise machine_error(error, self.folder) from error

    def run(self, work: Work, jobs: Sequence[Any]) -> Generator[tuple[int, Any], None, None]:
        """See `Executor.run`. If this process is killed, the tasks go on, and the same command hears them later."""
        assert work is train  # questions about an experiment are asked on this machine
        self.warm_up()
        if not jobs:
            return
        try:
            with Pool.open(self.folder, self._settings(jobs)) as pool:
                if self.computed:
                    pool.agree(self.computed)
                with closing(Feeding(pool, self.slurm, jobs, self.most, self.say, self.warn).events()) as events:
                    for pair in events:
                        if not self.computed and (found := pool.agreed()):
                            self.computed = found
                            self._compare(found)
                        yield pair
        except Refused as error:
            raise SuiteError(
                f"Slurm: {error}.", "Put that right, and run the same command again.", code=MACHINE
            ) from error
        except OSError as error:
            raise machine_error(error, error.filename or self.folder) from error

    def _require_share(self) -> None:
        """Raise `SuiteError` (2) if no machine has what a run is to get of it."""
        try:
            words = self.share.too_much(self.slurm.machines()) if self.share else None
        except Refused as error:
            raise SuiteError(f"Slurm: {error}.", code=MACHINE) from error
        if words:
            raise SuiteError(f"{words}.", "Ask for less, or name another partition (--slurm-options).")

    def _compare(self, found: Plain) -> None:
        """Warn if earlier commands of this home had machines that compute other numbers, and remember these."""
        place = self.folder / "class.json"
        former = json.loads(place.read_bytes()) if place.exists() else {}
        differs = [kind for kind in found if kind in KINDS and former.get(kind, found[kind]) != found[kind]]
        if differs:
            self.warn(
                f"{found['node']} computes other numbers ({', '.join(differs)}) than the machines that trained for "
                "this home before, with other processors or libraries: seeds or trials of both are no one group."
            )
        files.write(place, json.dumps({**former, **found}).encode())

    def _settings(self, jobs: Sequence[Job]) -> Plain:
        """What each task must know besides its jobs, and by which kinds of operators the machines are compared."""
        found = {name: os.environ[name] for name in CARRIED if os.environ.get(name)}
        paths = [str(ROOT), *filter(None, found.get("PYTHONPATH", "").split(os.pathsep))]
        found["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(paths))
        same = ["torch", "kernels"] if not all(job.portable for job in jobs) else []
        same += ["portable"] if any(job.portable for job in jobs) else []
        same += ["cpu"] if self.one_processor else []
        harmless = {name: value for name, value in found.items() if masked(value) == value}
        return {"environment": harmless, "options": self.slurm.options, "python": sys.executable, "same": same,
                "one_run": self.share is not None}  # fmt: skip


def _with(slurm: Slurm, share: Share) -> Slurm:
    """With the share in the words of sbatch."""
    if name := slurm.said_twice(share):
        raise SuiteError(f"--slurm-options: {name!r:.80} says what {share.words()} says.", "Give one of them.")
    if share.gpus % 1:
        raise SuiteError(
            f"--gpus {share.gpus:g}: Slurm gives whole GPUs.",
            "Give a whole number, or --slurm-options gres=shard:1 where a GPU has shards.",
        )
    words = [f"--cpus-per-task={share.cores}"]
    words += [f"--mem={-(-share.memory >> 20)}M"] if share.memory else []
    words += [f"--gres=gpu:{share.gpus:g}"] if share.gpus else []
    return replace(slurm, options=(*slurm.options, *words))
