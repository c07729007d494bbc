"""Experiments: their recipes, their published sources, and the identity by which two recipes are the same."""

from suite.recipe.fields import Recipe
from suite.recipe.source import Source

__all__ = ["Recipe", "Source"]
