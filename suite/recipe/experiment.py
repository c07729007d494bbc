"""A recipe and its network under one name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from suite.recipe.fields import Recipe
from suite.recipe.identity import identity


@dataclass(frozen=True)
class Experiment:
    """A recipe and its network under the name of the file that holds them."""

    name: str
    path: Path
    recipe: Recipe
    network: Callable[[], Any]
    network_text: str
    overrides: Mapping[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Its name, and what the command changes: by it committed references name it."""
        return " ".join([self.name, *(f"{name}={value}" for name, value in sorted(self.overrides.items()))])

    @cached_property
    def identity(self) -> str:
        """SHA-256 of the recipe as it is now, overrides applied, and of the network."""
        return identity(self.recipe, self.network_text)

    def facts(self) -> dict[str, Any]:
        """What a run's folder keeps of its experiment."""
        source = self.recipe.source
        return {
            "recipe": self.recipe.protocol(),
            "overrides": dict(self.overrides),
            "network": self.network_text,
            "source": source.facts() if source else None,
        }

    def changed(self, overrides: Mapping[str, Any]) -> "Experiment":
        """The same experiment with other recipe values, hence another identity; what changes nothing is no override."""
        recipe = self.recipe.changed(overrides)
        real = {
            name: getattr(recipe, name) for name in overrides if getattr(recipe, name) != getattr(self.recipe, name)
        }
        return replace(self, recipe=recipe, overrides={**self.overrides, **real})
