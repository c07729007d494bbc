"""A tracked run trained again from its recorded recipe, and compared with its record to the last bit."""

import os
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from suite.analysis.sameness import Difference, environment_changes, first_difference
from suite.disk.journal import Run
from suite.errors import FAILED, SuiteError
from suite.recipe.fields import LATER
from suite.recipe.registry import Registry
from suite.runs.afresh import Show, train_afresh
from suite.runs.plan import Planned
from suite.text import nearest, plural

Key = Callable[[str], tuple[str, int] | None]
ID = re.compile(r"[0-9a-f]{32}")
PREFIX = re.compile(r"[0-9a-f]{6,64}")


@dataclass(frozen=True)
class Verdict:
    """What became of one run: `identical`, `different`, or `refused` for the `reason`."""

    folder: Path
    status: str
    difference: Difference | None = None
    environment: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    reason: str = ""
    code: int = 0
    weights: str = ""
    epochs: int = 0

    def line(self) -> str:
        """The verdict as a sentence."""
        name = f"{name_of(self.folder)} ({self.folder.name[:12]})"
        if self.status == "identical":
            what = f"weights {self.weights[:12]}" if self.weights else "diverged as before"
            return f"{name}: identical: {what}, every metric of {plural(self.epochs, 'epoch')}."
        if self.difference is None:
            return f"{name}: {self.status}: {self.reason}"
        changes = [f"{key} {before!s:.40} then, {now!s:.40} now" for key, (before, now) in self.environment.items()]
        why = f"What could explain it: {'; '.join(changes)}." if changes else (
            "Nothing that is recorded of the environments differs: look for a network that draws from somewhere "
            "else than torch's generator, or for faulty memory."
        )  # fmt: skip
        return f"{name}: different, first in {self.difference.words()}. {why}"

    def facts(self) -> dict[str, Any]:
        """What `verify --json` prints of it."""
        return {
            "run": name_of(self.folder), "folder": str(self.folder), "status": self.status, "reason": self.reason,
            "weights_sha256": self.weights, "epochs": self.epochs,
            "difference": self.difference.facts() if self.difference else None,
            "environment": {key: {"before": before, "now": now} for key, (before, now) in self.environment.items()},
        }  # fmt: skip


def find_runs(words: Sequence[str], runs: Path, run_key: Key) -> list[Path]:
    """The folders of the finished runs that a user means, their contents not looked at.

    A word is `all`, a name as `lenet-s0`, the start of a recipe's identity, a folder, or MLflow's id, which `run_key`
    turns into identity and seed. Raises `SuiteError` (2) for one that means no run.
    """
    known = {path.parent: name_of(path.parent) for path in sorted(runs.glob("*/*/result.json"))}
    found: dict[Path, None] = {}
    for word in words:
        meant = _meant(word, known, run_key)
        if not meant:
            hint = nearest(word, set(known.values())) if known else "; no run is finished here."
            raise SuiteError(
                f"there is no finished run {word!r:.80}{hint}",
                "Give a name as lenet-s0, a recipe's or MLflow run's id, a run's folder, or all.",
            )
        found |= dict.fromkeys(meant)
    return list(found)


def name_of(folder: Path) -> str:
    """`lenet-s0`, from the folder's name alone."""
    return f"{folder.parent.name}-{folder.name.rpartition('-')[2]}"


def _meant(word: str, known: Mapping[Path, str], run_key: Key) -> list[Path]:
    """Those of the `known` folders that one word means."""
    if word == "all":
        return list(known)
    by_identity = [folder for folder in known if f"{word}-".startswith(folder.name.partition("-")[0])]
    by_identity += [folder for folder in known if folder.name.startswith(word)]
    if PREFIX.fullmatch(word) and by_identity:
        return by_identity
    if ID.fullmatch(word) and (key := run_key(word)):
        return [folder for folder in known if folder.name == f"{key[0][:16]}-s{key[1]}"]
    if "/" in word and "\0" not in word:
        place = Path(os.path.realpath(os.path.expanduser(word)))  # pathlib's own raise for a user there is not
        return [folder for folder in known if folder == place]
    return [folder for folder, name in known.items() if name == word]


def verify_all(
    runs: Sequence[Path],
    registry: Registry,
    *,
    workers: int,
    data_folder: Callable[[str], Path],
    folders: tuple[Path, ...],
    view: Show,
) -> list[Verdict]:
    """Train each run again in a folder that is thrown away, and judge it; what cannot be trained again is refused."""
    verdicts: dict[Path, Verdict] = {}
    planned: dict[Path, Planned] = {}
    with tempfile.TemporaryDirectory(prefix="suite-verify-") as scratch:
        for folder in runs:
            try:
                planned[folder] = _plan_again(folder, registry, Path(scratch))
            except SuiteError as error:
                verdicts[folder] = Verdict(folder, "refused", reason=str(error), code=error.code)
        train_afresh(list(planned.values()), workers=workers, data_folder=data_folder, folders=folders, view=view)
        verdicts |= {folder: _judge(Run.at(folder), again) for folder, again in planned.items()}
    return [verdicts[folder] for folder in runs]


def _plan_again(folder: Path, registry: Registry, scratch: Path) -> Planned:
    """The run with the recipe that its folder records; raises `SuiteError` (2) where it would be another one now."""
    run = Run.at(folder)
    run.check_files()
    facts = run.recipe()
    protocol = {name: tuple(value) if isinstance(value, list) else value for name, value in facts["recipe"].items()}
    experiment = registry.choose([run.experiment])[0].changed({**LATER, **protocol})
    if experiment.identity != run.identity:
        commit = facts["environment"].get("git_commit")
        patch = f" and apply {folder / 'source.patch'}" if "patch_sha256" in facts["environment"] else ""
        raise SuiteError(
            f"{experiment.path} builds another network, or on other data, than {folder / 'recipe.json'} records.",
            f"Check out commit {commit[:12]}{patch} to verify it." if commit else "Bring back the old file.",
        )
    return Planned(experiment, Run.under(scratch, run.experiment, run.identity, run.seed))


def _judge(run: Run, again: Planned) -> Verdict:
    """Compare the record with what came out now."""
    before, now = run.result(), again.result
    if before is None or now is None:
        return Verdict(run.folder, "refused", reason=again.reason, code=again.code or FAILED)
    difference = first_difference(run.history(), again.run.history(), before, now)
    if difference is None:
        weights = before.get("weights_sha256", "")
        return Verdict(run.folder, "identical", weights=weights, epochs=len(run.history()))
    changes = environment_changes(before["environment"], now["environment"])
    return Verdict(run.folder, "different", difference=difference, environment=changes, code=FAILED)
