"""A user's request for a study, which is checked before anything is trained."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice, product

from suite.errors import SuiteError
from suite.recipe import Recipe
from suite.recipe.experiment import Experiment
from suite.recipe.loading import NAME
from suite.recipe.space import Space, read_space
from suite.recipe.trial import Budget, training_images
from suite.tuning.rules import Rules

MOST = 10_000  # the most combinations of extreme values that the recipe checks


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request for a study. `space` maps fields to ranges as text; if it is empty, the recipe's own space is used."""

    space: Mapping[str, str] = field(default_factory=dict)
    budget: str = "samples"
    seeds: int = 3
    generation: int = 8
    sampler: str = "tpe"
    study_seed: int = 0
    objective: str = "accuracy"
    pruning: bool = True
    study: str = ""

    def rules(self, experiment: Experiment) -> Rules:
        """Everything that decides the study's trials; raises `SuiteError` (2) if the search is not possible."""
        words = dict(self.space or experiment.recipe.space)
        for name in words:
            experiment.recipe.require_field(name)
        space = read_space(words, whole=[name for name in words if type(experiment.recipe[name]) is int])
        require_recipes(space, experiment.recipe)
        _require_batches(experiment, space)
        study = self.study or experiment.name
        if not NAME.fullmatch(study):
            raise SuiteError(
                f"--study: {study!r:.80} cannot name a study.",
                "Use a small letter, then up to 39 small letters, digits and underscores.",
            )
        _require_known_end(experiment, space, self.budget)
        amount = {"samples": experiment.recipe.epochs, "seconds": 0.0}.get(self.budget, _updates(experiment))
        return Rules(
            study=study,
            experiment=experiment,
            space=space,
            budget=Budget(self.budget, amount),
            seeds=self.seeds,
            generation=self.generation,
            sampler=self.sampler,
            study_seed=self.study_seed,
            objective=self.objective,
            pruning=self.pruning and self.objective != "both",
        )


def require_recipes(space: Space, recipe: Recipe) -> None:
    """Raise `SuiteError` (2) if the recipe refuses an extreme value of the space, or a combination of them."""
    for values in islice(product(*(dimension.extremes for dimension in space.values())), MOST):
        changes = dict(zip(space, values, strict=True))
        try:
            recipe.changed(changes)
        except SuiteError as error:
            asked = " ".join(f"{field}={dimension.words}" for field, dimension in space.items())
            raise SuiteError(f"space {asked}: {error}") from error


def _require_batches(experiment: Experiment, space: Space) -> None:
    """Refuse a batch that is larger than the training images of a trial."""
    images = training_images(experiment.recipe.data)
    searched = max((one.extremes[-1] for one in space.values() if one.field == "batch_size"), default=1)
    largest = max(searched, experiment.recipe.batch_size)
    if largest > images:
        raise SuiteError(
            f"batch_size {largest:,} is more than the {images:,} images of {experiment.recipe.data} "
            "that train a trial.",
            "Give smaller ones with --space batch_size=32,64,128.",
        )


def _require_known_end(experiment: Experiment, space: Space, budget: str) -> None:
    """Refuse a schedule whose number of steps is not known before the training."""
    schedules = space["schedule"].extremes if "schedule" in space else (experiment.recipe.schedule,)
    warm_ups = space["warm_up"].extremes if "warm_up" in space else (experiment.recipe.warm_up,)
    if budget == "seconds" and any(0 < (part or 0) < 1 for part in warm_ups) and set(schedules) == {"constant"}:
        raise SuiteError(
            f"--budget seconds: {experiment.name}'s warm_up is a share of the steps, whose number is not known.",
            "Give it as a number of steps, or choose --budget samples or steps.",
        )
    if budget == "seconds" and set(schedules) != {"constant"}:
        raise SuiteError(
            f"--budget seconds: {experiment.name}'s schedule {' or '.join(schedules)} ends with a step, not a second.",
            "Choose --budget samples or steps.",
        )


def _updates(experiment: Experiment) -> int:
    """The number of updates of the published setting, on the training images of a trial."""
    batches = -(-training_images(experiment.recipe.data) // experiment.recipe.batch_size)
    return experiment.recipe.epochs * batches
