"""The experiments of a report by number: their colours, the rows about them, and the commands that repeat these."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from suite.reporting.table import Row
from suite.tracking.groups import Group

HUES = (255, 55, 150, 25, 310, 195, 350, 95)  # of OKLCH: blue, orange, green, red, violet, teal, pink, olive
DASHES = ("none", "7 3", "2 3", "9 3 2 3", "14 4")  # for the experiments beyond the hues
ROUNDS = len(HUES) * len(DASHES)


@dataclass(frozen=True)
class Key:
    """One recipe: what tells it apart, and the command that trains it again; `""` if there is none."""

    title: str
    identity: str = ""
    again: str = ""
    name: str = ""
    """What other commands call it: the experiment's name, or the beginning of a changed recipe's identity."""
    slug: str = ""


@dataclass(frozen=True)
class Keys:
    """The recipes of a report, in its order. A recipe's number is the same in every table and drawing."""

    found: Sequence[Key] = ()

    @classmethod
    def of(cls, groups: Sequence[Group]) -> "Keys":
        """The recipes of groups, whose chapters have the anchors `of-SLUG`."""
        return cls([
            Key(one.title, one.identity, command(one), one.identity[:12] if one.changes else one.experiment,
                f"of-{one.slug}")
            for one in groups
        ])  # fmt: skip

    @cached_property
    def by_title(self) -> dict[str, int]:
        return {one.title: number for number, one in reversed([*enumerate(self.found)])}

    @cached_property
    def by_identity(self) -> dict[str, int]:
        return {one.identity: number for number, one in enumerate(self.found) if one.identity}

    @cached_property
    def _by_slug(self) -> dict[str, int]:
        return {one.slug: number for number, one in enumerate(self.found) if one.slug}

    def of_row(self, row: Row) -> str:
        """The numbers of the recipes that a table's row is about, with spaces between them; may be `""`."""
        if (number := self.by_identity.get(str(row.get("identity")))) is not None:
            return str(number)
        titles = [row[name] for name in ("experiment", "one", "other") if name in row]
        return " ".join(str(self.by_title[title]) for title in titles if title in self.by_title)

    def of_slug(self, slug: str) -> str:
        """The number of the recipe that a chapter is about; may be `""`."""
        return str(self._by_slug.get(slug, ""))

    def again(self, row: Row) -> str:
        """The command that makes a row's numbers again; `""` where there is none of so few words."""
        if "again" in row:  # a trial's, which has no recipe in the report
            return str(row["again"] or "")
        if "MLflow run" in row:
            return f"python -m suite verify {shlex.quote(str(row['MLflow run']))}"
        about = [self.found[int(number)] for number in self.of_row(row).split()]
        if len(about) == 2 and "verdict" in row and all(one.name for one in about):
            return shlex.join(["python", "-m", "suite", "compare", *(one.name for one in about)])
        return about[0].again if len(about) == 1 else ""

    def style(self) -> str:
        """The rules that give each number its colour, and its dashes where there are more recipes than colours."""
        return "".join(f".k{number}{{{_look(number)}}}" for number in range(len(self.found)))


def _look(number: int) -> str:
    turn = number // len(HUES)  # each time that the hues have all been given, they are given again a little turned
    hue, dash = HUES[number % len(HUES)] + 17 * turn % 51, DASHES[turn % len(DASHES)]
    beyond = number // ROUNDS  # colours and dashes have all been given: a smaller chroma tells the next round apart
    colour = f"--k:oklch(var(--light) {max(0.04, 0.15 - 0.05 * beyond):.2f} {hue})"
    return colour if dash == "none" else f"{colour};--dash:{dash}"


def command(one: Group) -> str:
    """The command that trains a group's seeds. `run` trains the seeds 0 to N-1, so it may train additional ones."""
    return training(one.experiment, one.runs[0]["overrides"], max(run["seed"] for run in one.runs) + 1)


def training(experiment: str, overrides: Mapping[str, Any], seeds: int) -> str:
    """The command that trains an experiment with these values of fields under so many seeds."""
    changes = [f"{name}={_word(value)}" for name, value in sorted(overrides.items())]
    words = ["run", experiment, "--seeds", str(seeds)]
    return shlex.join(["python", "-m", "suite", *words, *(["--set", *changes] if changes else [])])


def _word(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value).lower()
