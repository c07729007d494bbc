"""Finds the runs that a user names, and the experiment of a recorded run."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from suite.disk.journal import Run
from suite.errors import SuiteError
from suite.recipe.experiment import Experiment
from suite.recipe.fields import LATER
from suite.recipe.registry import Registry
from suite.recipe.values import as_words
from suite.text import nearest

Key = Callable[[str], tuple[str, int] | None]
ID = re.compile(r"[0-9a-f]{32}")
PREFIX = re.compile(r"[0-9a-f]{6,64}")
MOST = 3  # runs that an error names


def find_runs(words: Sequence[str], runs: Path, run_key: Key) -> list[Path]:
    """The folders of the finished runs that a user names; their contents are not checked.

    A word is `all`, a name like `lenet-s0`, the start of a recipe's identity, a folder or its name, or MLflow's id.
    `run_key` maps an MLflow id to identity and seed. Raises `SuiteError` (2) for any other word.
    """
    known = {path.parent: name_of(path.parent) for path in sorted(runs.glob("*/*/result.json"))}
    found: dict[Path, None] = {}
    for word in words:
        meant = _meant(word, known, run_key)
        if not meant:
            hint = nearest(word, set(known.values())) if known else "; no run is finished here."
            raise SuiteError(
                f"there is no finished run {word!r:.80}{hint}",
                "Give a name such as lenet-s0, a recipe's or MLflow run's id, a run's folder, or all.",
            )
        found |= dict.fromkeys(meant)
    return list(found)


def one_trained(word: str, runs: Path, run_key: Key) -> Run:
    """The one finished run that a user names, with all of its files checked.

    Raises `SuiteError` (2) if the word means no run or several, for a run that diverged, and for damaged files.
    """
    found = find_runs([word], runs, run_key)
    if len(found) > 1:
        told = _told(found[:MOST])
        known = ", ".join(f"{folder.name} ({words})" for folder, words in zip(found, told, strict=False))
        more = f" and {len(found) - MOST:,} more" if len(found) > MOST else ""
        raise SuiteError(
            f"{word!r:.80} means {len(found):,} runs: {known}{more}.", f"Give one, such as {found[0].name}."
        )
    run = Run.at(found[0])
    result = run.check_files()
    if result is None or result["status"] != "finished":
        raise SuiteError(f"{name_of(run.folder)} diverged, so it has no weights.", "Choose another run.")
    return run


def _told(folders: Sequence[Path]) -> list[str]:
    """What makes each run another than the others: the values that a command changed, or else when it was finished."""
    told = [f"{folder.parent.name} {as_words(Run.at(folder).recipe()['overrides'])}".strip() for folder in folders]
    ended = [datetime.fromtimestamp((folder / "result.json").stat().st_mtime) for folder in folders]
    return [
        f"{words}, finished {at:%Y-%m-%d %H:%M}" if told.count(words) > 1 else words
        for words, at in zip(told, ended, strict=True)
    ]


def name_of(folder: Path) -> str:
    """The run's name, like `lenet-s0`, from its folder's path."""
    return f"{folder.parent.name}-{folder.name.rpartition('-')[2]}"


def _meant(word: str, known: Mapping[Path, str], run_key: Key) -> list[Path]:
    """Those of the `known` folders that one word stands for."""
    if word == "all":
        return list(known)
    by_identity = [folder for folder in known if f"{word}-".startswith(folder.name.partition("-")[0])]
    by_identity += [folder for folder in known if folder.name.startswith(word)]
    if PREFIX.fullmatch(word) and by_identity:
        return by_identity
    if ID.fullmatch(word) and (key := run_key(word)):
        return [folder for folder in known if folder.name == f"{key[0][:16]}-s{key[1]}"]
    if "/" in word and "\0" not in word:
        place = Path(os.path.realpath(os.path.expanduser(word)))  # pathlib's expanduser raises for an unknown user
        return [folder for folder in known if folder == place]
    return [folder for folder, name in known.items() if word in (name, folder.name)]


def experiment_of(run: Run, registry: Registry) -> Experiment:
    """The experiment with the recipe that is recorded in a run's folder, overrides included.

    Raises `SuiteError` (2) if the experiment's file gives another identity now, because its network or data changed.
    """
    facts = run.recipe()
    protocol = {name: tuple(value) if isinstance(value, list) else value for name, value in facts["recipe"].items()}
    recorded = {**LATER, **protocol}
    versions = registry.versions(run.experiment)  # several, if notebooks have given the name to several texts
    fit = [one for one in versions if recorded.keys() <= one.recipe.values().keys()] or versions[:1]
    changed = [one.changed(recorded) for one in fit]
    experiment = next((one for one in changed if one.identity == run.identity), changed[0])
    if experiment.identity != run.identity:
        commit = facts["environment"].get("git_commit")
        patch = f" and apply {run.folder / 'source.patch'}" if "patch_sha256" in facts["environment"] else ""
        raise SuiteError(
            f"{experiment.path} has another network, or other data, than {run.folder / 'recipe.json'} records.",
            f"Check out commit {commit[:12]}{patch} to verify it."
            if commit
            else "Put back the file as it was when the run was trained.",
        )
    return experiment
