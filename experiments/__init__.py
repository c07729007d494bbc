"""One file, one experiment: a recipe, and the few lines that build its network."""
