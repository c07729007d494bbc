"""All arguments of Optuna's samplers are given, so that a version with other defaults gives the same trials."""

import hashlib
import inspect
import json

import numpy as np
import optuna
import optuna.importance  # otherwise Optuna has a lazy proxy here
import pytest
from optuna.storages import InMemoryStorage

from suite.tuning import asking, samplers
from suite.tuning.search import search
from tests.tuning.synthetic import Recorder, plain, rules_of, study_in

pytestmark = pytest.mark.studies

CALLS = {
    "TPESampler": lambda: samplers.tpe(3, objectives=1),
    "GPSampler": lambda: samplers.gp(3),
    "RandomSampler": lambda: samplers.random(3),
    "GridSampler": lambda: samplers.grid({"lr": [0.1, 0.2]}, 3),
    "PedAnovaImportanceEvaluator": samplers._ped_anova,
    "get_param_importances": lambda: samplers.importances(optuna.create_study(), None),
}
# Arguments with our own values, or with a default of `None` whose meaning depends on the number of objectives.
OURS = {
    "seed", "n_startup_trials", "independent_sampler", "search_space", "study", "evaluator", "multivariate", "gamma",
}  # fmt: skip
FIVE = pytest.mark.skipif(not optuna.__version__.startswith("5.0."), reason="compares with the defaults of Optuna 5.0")
KINDS = {
    "tpe": {"sampler": "tpe", "pruning": False},
    "both": {"sampler": "tpe", "objective": "both", "pruning": False},
    "random": {"sampler": "random"},
    "grid": {"sampler": "grid"},
}
# SHA-256 of the values of 45 trials (28 for the grid), made by Optuna 5.0.0 with its own defaults.
LISTS = {
    "tpe": "4e920c5ac985bbd1",
    "both": "782e93111bb88c1d",
    "random": "f3e0bfeba3baf7dc",
    "grid": "1e67124f68272260",
}


@pytest.fixture
def given(monkeypatch):
    """The arguments with which Optuna's function was called, by name."""

    def call(name):
        place = next(room for room in (optuna.samplers, optuna.importance) if hasattr(room, name))
        signature, found = inspect.signature(getattr(place, name)), {}

        def record(*words, **named):
            found.update(signature.bind(*words, **named).arguments)
            return {}

        with monkeypatch.context() as patch, asking.quiet():
            patch.setattr(place, name, record)
            CALLS[name]()
        return signature, found

    return call


@pytest.mark.parametrize("name", CALLS)
def test_every_argument_that_optuna_knows_is_written_out(given, name):
    signature, found = given(name)

    assert found.keys() == signature.parameters.keys()


@FIVE
@pytest.mark.parametrize("name", CALLS)
def test_the_arguments_are_optunas_defaults_of_5_0(given, name):
    signature, found = given(name)
    defaults = {key: one.default for key, one in signature.parameters.items() if one.default is not None}

    assert {key: found[key] for key in defaults.keys() - OURS} == {key: defaults[key] for key in defaults.keys() - OURS}


@FIVE
def test_the_weights_and_the_number_of_good_trials_are_optunas_own():
    from optuna.samplers._tpe import sampler as theirs

    for n in range(400):
        assert np.array_equal(samplers._weights(n), theirs.default_weights(n))
        assert samplers._best_of_one(n) == theirs.default_gamma(n)
        assert samplers._best_of_several(n) == theirs.default_gamma_multiobjective(n)


def searched(changes, total=45):
    study = study_in(InMemoryStorage(), rules_of(**changes))
    search(study, rules_of(**changes), total, Recorder())
    return study


@pytest.mark.parametrize("kind", KINDS)
def test_a_study_asks_for_the_trials_that_it_always_asked_for(kind):
    values = [one.values for one in searched(KINDS[kind]).trials()]

    assert hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16] == LISTS[kind]


@pytest.mark.commands  # needs torch
@FIVE
def test_a_gaussian_process_asks_as_with_optunas_defaults(monkeypatch):
    found = searched({"sampler": "gp", "pruning": False}, 10)
    monkeypatch.setattr(samplers, "gp", lambda seed: optuna.samplers.GPSampler(seed=seed, n_startup_trials=4))

    assert plain(found.trials()) == plain(searched({"sampler": "gp", "pruning": False}, 10).trials())


@FIVE
@pytest.mark.parametrize("kind", ["tpe", "both"])
def test_importances_are_those_of_optunas_defaults(kind):
    study = searched(KINDS[kind])
    target = (lambda one: one.values[0]) if kind == "both" else None
    with asking.quiet():
        theirs = optuna.importance.get_param_importances(study._study, target=target)

    assert study.importances() == {asking.field_of(name): share for name, share in theirs.items()}
