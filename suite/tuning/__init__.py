"""Studies: which values of a recipe's fields are best, and how sure that is. The only room that imports optuna."""
