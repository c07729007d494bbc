"""A recipe and its network under one name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from suite.recipe.arguments import Functions
from suite.recipe.fields import Recipe
from suite.recipe.identity import identity
from suite.recipe.specialised import specialised


@dataclass(frozen=True)
class Experiment:
    """A recipe, its network, and the optional functions beside it; `name` is the name of their file.

    `network_text` is the text of all of them. `functions` does not hold the network. `folders` are those that only this
    experiment needs: the one that holds the text of a notebook's cells.
    """

    name: str
    path: Path
    recipe: Recipe
    network: Callable[..., Any]
    network_text: str
    overrides: Mapping[str, Any] = field(default_factory=dict)
    functions: Functions = field(default_factory=dict)
    folders: tuple[Path, ...] = ()

    def found_in(self, folders: tuple[Path, ...]) -> tuple[Path, ...]:
        """The folders in which a worker finds it: these of the user, and its own."""
        return (*folders, *self.folders)

    @property
    def file(self) -> Path | None:
        """Its file; None if it belongs to an installed package, which names its module instead."""
        return self.path if self.path.suffix == ".py" and self.path.is_file() else None

    @property
    def title(self) -> str:
        """The name with all overrides; it is the key in files of committed references."""
        return " ".join([self.name, *(f"{name}={value}" for name, value in sorted(self.overrides.items()))])

    @cached_property
    def trained_text(self) -> str:
        """The network's text for the recipe's data; identity, record and references have this."""
        return specialised(self.network_text, self.recipe.shape, self.recipe.classes)

    @cached_property
    def identity(self) -> str:
        """The SHA-256 of the recipe, with overrides applied, and of the text of network and functions."""
        return identity(self.recipe, self.trained_text)

    def facts(self) -> dict[str, Any]:
        """The facts about the experiment that a run's folder stores."""
        source = self.recipe.source
        return {
            "recipe": self.recipe.protocol(),
            "overrides": dict(self.overrides),
            "network": self.trained_text,
            "source": source.facts() if source else None,
        }

    def changed(self, overrides: Mapping[str, Any]) -> "Experiment":
        """The experiment with other recipe values; values equal to the recipe's are not counted as overrides.

        Raises `SuiteError` (2) for an unknown field or a wrong value.
        """
        recipe = self.recipe.changed(overrides)
        real = {name: recipe[name] for name in overrides if recipe[name] != self.recipe[name]}
        return replace(self, recipe=recipe, overrides={**self.overrides, **real})
