"""The experiments. Each file defines one: a recipe and a function that builds its network."""
