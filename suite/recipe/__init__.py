"""What an experiment is: its recipe, where its protocol was published, and what makes two of them the same."""

from suite.recipe.fields import Recipe
from suite.recipe.source import Source

__all__ = ["Recipe", "Source"]
