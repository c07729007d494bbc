"""Runs on their way to other machines: claimed, packed and written here, so that a folder is as if trained here."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from suite.data import carrying
from suite.data.catalog import data_set
from suite.disk import files
from suite.disk.documents import LARGEST_FILE, unread
from suite.disk.journal import Busy as Claimed
from suite.disk.journal import Run
from suite.errors import MACHINE, SuiteError, machine_error
from suite.execute.executor import Busy, Ended, Lost, Packed, Settled
from suite.runs.events import Done, EpochEnded, Event, Failed
from suite.runs.there import LOG, PARTS, Parcel, Sent, Training
from suite.runs.twice import Twice
from suite.runs.worker import Job

TRIES = 5  # times that a run's machine may be lost without an epoch in between: then the run itself may be the reason
START = 1.0  # seconds of a run besides its training
ORDER = sorted(PARTS, key=lambda name: (name == "result.json", name == "history.jsonl"))  # as the training writes them


@dataclass
class _Journey:
    """One run on its way: its claim, the losses since its last epoch, and whether its end was told or must be."""

    claim: ExitStack = field(default_factory=ExitStack)
    losses: int = 0
    done: bool = False
    failed: Failed | None = None


class RunsFreight:
    """A `Freight` of runs. `twice` compares a run that is done twice, on two machines."""

    def __init__(self, jobs: Sequence[Job], there: Training, rates: dict[str, float], twice: Twice | None) -> None:
        self.there = there
        self._jobs, self._rates, self._twice = [*jobs, *([twice.job] if twice else [])], rates, twice
        self._journeys = [_Journey() for _ in self._jobs]

    def __len__(self) -> int:
        return len(self._jobs)

    def close(self) -> None:
        """Let go of all folders."""
        for journey in self._journeys:
            journey.claim.close()

    def pack(self, index: int) -> Packed | Busy | Settled:
        """Claim the run's folder and pack what the folder has, unless the run has a result by now."""
        job, journey = self._jobs[index], self._journeys[index]
        if journey.done:  # its machine was lost after its last word
            return Settled((Ended(0),))
        try:
            journey.claim.enter_context(job.run.claim())
            if not (result := job.run.result()):
                return Packed(_parcel(job), (job.data_folder.name,))
        except Claimed:
            return Busy()
        except SuiteError as error:
            journey.claim.close()
            return Settled((Failed(str(error), error.code), Ended(0)))
        journey.claim.close()
        return Settled((Done(result), Ended(0)))

    def receive(self, index: int, event: Any) -> list[tuple[int, Any]]:
        """Write what came, and give the event on; the end of a run that is done twice waits for the other one."""
        events = self._taken(index, event)
        if self._twice and index in (self._twice.index, self._twice.twin):
            index, events = self._twice.index, self._twice.heard(index, events)
        if any(isinstance(one, Ended) for one in events):
            self._journeys[index].claim.close()
        return [(index, one) for one in events]

    def lost(self, index: int, *, begun: bool) -> bool:
        """Let go of the folder; the run is packed again unless its machines were lost too often."""
        journey = self._journeys[index]
        journey.claim.close()
        journey.losses += begun
        return journey.losses < TRIES

    def contents(self, need: str) -> carrying.Contents:
        """The files of a data set."""
        job = next(one for one in self._jobs if one.data_folder.name == need)
        return carrying.contents_of(need, job.data_folder)

    def seconds(self, index: int) -> float | None:
        """About how long the run takes, by the speed of the last epoch of the same experiment."""
        job = self._jobs[index]
        rate = self._rates.get(job.run.experiment)
        return None if rate is None else START + rate * job.images

    def apart(self, index: int) -> int | None:
        """A run that is done twice is done on two machines."""
        return self._twice.index if self._twice and index == self._twice.twin else None

    def _taken(self, index: int, event: Any) -> list[Event]:
        journey = self._journeys[index]
        match event:
            case Sent():
                found = self._written(index, event)
                journey.done = isinstance(found, Done)
                return [found] if journey.failed is None else []
            case Lost(reason):
                return [Failed(f"{reason}. Run the same command again to go on.", MACHINE), Ended(0)]
            case Ended():
                return [*([journey.failed] if journey.failed else []), event]
        return [event]

    def _written(self, index: int, sent: Sent) -> Event:
        """Write the files that came with an event, and give the event as this machine would have sent it."""
        job, journey = self._jobs[index], self._journeys[index]
        try:
            _write(job.run, sent.log, self._twice.without_result(index, sent.files) if self._twice else sent.files)
        except SuiteError as error:  # told at the run's end: its process does not know
            journey.failed = journey.failed or Failed(str(error), error.code)
        match sent.event:
            case EpochEnded(record):
                journey.losses = 0
                self._rates[job.run.experiment] = record["clock"]["train_seconds"] / max(1, record["images"])
            case Failed(reason, code):
                ours = reason.replace(sent.folder, str(job.run.folder)).replace(sent.file, str(job.file))
                return Failed(ours, code)
        return sent.event


def _parcel(job: Job) -> Parcel:
    """The run as another machine understands it; raises `SuiteError` if a file cannot be read."""
    run, name = job.run, job.data_folder.name
    begun = ("source.patch", "recipe.json", "history.jsonl", "checkpoint") if run.checkpoint.exists() else ()
    try:
        text = job.file.read_text(encoding="utf-8") if job.file else ""
        stored = {part: files.read(run.folder / part, LARGEST_FILE) for part in begun if (run.folder / part).exists()}
    except (OSError, files.Unfit) as error:
        raise unread(error, run.folder) from error
    return Parcel(
        run.experiment, run.identity, run.seed, text, job.overrides, name, data_set(name).digest,
        job.budget, job.portion, job.portable, stored, run.only,
    )  # fmt: skip


def _write(run: Run, log: bytes | None, contents: dict[str, bytes]) -> None:
    """Write the files of a run's folder in the order in which a training writes them; all or nothing of each."""
    if unknown := contents.keys() - {*PARTS}:
        raise SuiteError(f"{run.name}: a machine has sent {min(unknown)!r:.80}, which no run has.", code=MACHINE)
    if "recipe.json" in contents and "source.patch" not in contents:
        files.remove(run.folder / "source.patch")  # left by an earlier start that reached no checkpoint
    for name in ORDER:
        if name in contents:
            files.write(run.folder / name, contents[name])
    if log is not None:
        try:
            with open(run.folder / LOG, "ab") as file:
                file.write(log)
        except OSError as error:
            raise machine_error(error, run.folder / LOG) from error
    if "result.json" in contents:
        run.check_files()
