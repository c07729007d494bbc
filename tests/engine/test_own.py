"""The optional functions beside `network`: used where the recipe says "own", checked, and resumed bit for bit."""

import pytest
import torch

from suite.engine.build import build_model
from suite.engine.rehearsal import rehearse
from suite.engine.sets import Labelled
from suite.engine.train import train
from suite.errors import SuiteError
from suite.recipe import registry
from suite.recipe.trial import Budget
from tests.engine.test_train import Broken, break_at, quiet
from tests.engine.test_trial import assert_same, do, trial_of  # noqa: F401  a fixture
from tests.own_functions import ALL, AUGMENT, FIELDS, LOSS, OPTIMIZER, SCHEDULE, SCORE, text


@pytest.fixture
def load(tmp_path):
    """The experiment whose file says `text`, or the error of its file."""

    def load(text):
        (tmp_path / "mine.py").write_text(text, encoding="utf-8")
        found = registry.load([tmp_path])
        return found.errors[0] if found.errors else found.experiments["mine"]

    return load


@pytest.mark.slow
@pytest.mark.parametrize("parts", [*([part] for part in FIELDS.values()), [*FIELDS.values()]], ids=[*FIELDS, "all"])
def test_broken_off_after_every_epoch_it_ends_as_an_unbroken_one(load, trial_of, digits, parts):  # noqa: F811
    mine, budget = load(text(*parts, shuffle=False)), Budget("samples", 3)
    unbroken, broken = trial_of(mine, budget, under="unbroken"), trial_of(mine, budget, under="broken")
    do(unbroken, mine, digits, budget)

    for _ in range(3):
        with pytest.raises(Broken):
            do(broken, mine, digits, budget, emit=break_at(1))
    do(broken, mine, digits, budget)

    assert_same(broken, unbroken)


def test_the_functions_are_used_and_the_data_stay_as_they_were(load, run_of, digits):
    images, plain = digits.train_images.clone(), load(text(SCORE))
    weights = set()
    for mine in (plain, *(load(text(part)) for part in FIELDS.values())):
        run = run_of(mine)
        with run.claim():
            result = train(run, mine, digits, quiet)
        weights.add(result["weights_sha256"])

    assert len(weights) == 5
    assert torch.equal(digits.train_images, images)


def test_a_score_of_the_files_own_is_a_figure_of_the_result(load, run_of, digits):
    mine = load(text(SCORE))
    run = run_of(mine)
    with run.claim():
        metrics = train(run, mine, digits, quiet)["metrics"]

    assert metrics["test/accuracy"] < metrics["test/score"] <= 1
    assert mine.changed({"k": 1}).identity != mine.identity


def test_every_function_and_each_of_its_values_is_part_of_the_identity(load):
    base = load(ALL)
    assert dict(base.recipe.arguments) == {
        "width": 8, "power": 2.0, "beta": 0.9, "end": 0.1, "share": 0.1, "k": 3,
    }  # fmt: skip

    found = {base.identity}
    for name, value in (("power", 3), ("beta", 0.5), ("end", 0.5), ("share", 0.5), ("k", 2)):
        found.add(base.changed({name: value}).identity)
    for old, new in ((").pow(", ").abs().pow("), ("0.25", "0.5"), ("min(step", "max(step"), ("] = 0", "] = 1"),
                     ("topk(k", "topk(k + 1")):  # fmt: skip
        assert old in ALL
        found.add(load(ALL.replace(old, new)).identity)
    assert len(found) == 11


def test_a_function_under_another_name_counts_by_the_name_that_it_is_given(load):
    both = text(LOSS.replace("def loss", "def one") + LOSS.replace("def loss", "def other").replace("pow(", "mul("))
    both = both.replace("loss='cross-entropy'", "loss='own'")

    first, second = load(both + "\n\nloss = one\n"), load(both + "\n\nloss = other\n")

    assert first.identity != second.identity


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        (
            text("def optimiser(parameters, lr):\n    return None\n"),
            "the function optimiser; did you mean optimizer?",
        ),
        (text("def augmentation(images, generator):\n    return images\n"), "did you mean augment?"),
        (text("def scheduler(step, steps, lr):\n    return lr\n"), "did you mean schedule?"),
        (text(LOSS).replace("loss='own'", "loss='cross-entropy'"), 'the function loss. Write loss="own" in the recipe'),
        (text(loss="own"), "loss needs a function loss in the experiment's file, got 'own'"),
        (text(augment="crop4,own"), "augment needs a function augment in the experiment's file"),
        (text("loss = nn.CrossEntropyLoss()\n"), "loss must be a function, got CrossEntropyLoss()"),
        (text(LOSS.replace("labels, power=2.0", "labels, power")), "loss has an argument 'power' without a default"),
        (text(LOSS.replace("scores, labels,", "score, labels,")), "'score' without a default; did you mean scores?"),
        (
            text(OPTIMIZER.replace("beta=0.9", "momentum=0.9")),
            "an argument 'momentum', a name that every",
        ),
        (text(OPTIMIZER, momentum=0.9), "momentum is not used by the file's optimizer"),
        (text(LOSS, SCORE.replace("k=3", "power=3")), "power has two defaults in the file: 2.0 and 3."),
        (text(LOSS, label_smoothing=0.1), "label_smoothing is not used by own"),
    ],
)
def test_what_does_not_fit_together_is_one_line_with_the_file(load, tmp_path, parts, reason):
    error = load(parts)

    assert str(error).startswith(f"{tmp_path / 'mine.py'}:")
    assert reason in str(error)
    assert "\n" not in str(error)


def test_a_helper_that_something_uses_may_have_any_name(load):
    helped = LOSS.replace(").mean()", ").mean() + losses()") + "\n\ndef losses():\n    return 0.0\n"

    assert load(text(helped, loss="own")).recipe.loss == "own"


def test_a_command_may_choose_the_ready_loss_instead_and_not_one_that_is_not_there(load):
    mine = load(text(LOSS))

    assert mine.changed({"loss": "cross-entropy"}).overrides == {"loss": "cross-entropy"}
    with pytest.raises(SuiteError, match=r"^optimizer needs a function optimizer"):
        mine.changed({"optimizer": "own"})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("part", "old", "new", "reason"),
    [
        (LOSS, ".mean()", "", r"must return one number as a float tensor.*got a tensor torch.float32 \(4, 1\)"),
        (LOSS, ".mean()", ".mean().item()", r"loss\(\) must return one number as a float tensor"),
        (LOSS, "scores.soft", "scores.detach().soft", r"loss\(\) does not depend on the scores"),
        (LOSS, ".gather(1", ".gather(7", r"loss: IndexError: .*Fix the loss"),
        (LOSS, ".mean()", ".mean() * __import__('os').urandom(1)[0]", r"loss\(\) computes other numbers"),
        (OPTIMIZER, "return Signs(parameters, lr, beta, weight_decay)", "return 5", r"must return a torch"),
        (OPTIMIZER, "def step(self):", "def step(self, closure):", r"optimizer: TypeError: .*Fix the optimizer"),
        (OPTIMIZER, "def step(self):", "def step(self):\n        self.n = getattr(self, 'n', 0) + 1\n        "
         "self.param_groups[0]['beta'] = 1 / self.n", "keeps something that its state_dict does not hold"),
        (OPTIMIZER, 'kept["n"] = ', 'kept["f"] = print\n                kept["n"] = ', "state holds 'f'"),
        (OPTIMIZER, "weights.sub_(", "import os\n                weights.sub_(os.urandom(1)[0] * ", "other steps"),
        (SCHEDULE, "return lr *", "return -lr *", r"schedule\(\) must return a finite rate that is at least 0, got -0"),
        (SCHEDULE, "return lr *", "return None and lr *", r"schedule\(\) must return a finite rate"),
        (AUGMENT, "return images", "return images.float()", r"must return bytes \(uint8\) of the shape \(4, "),
        (AUGMENT, "return images", "return images[:2]", r"got a tensor torch.uint8 \(2, 1, 28, 28\)"),
        (AUGMENT, "return images", "import os\n    return images + os.urandom(1)[0]", r"augment\(\) computes other"),
        (SCORE, ".mean()", "", r"score\(\) must return a finite number, got nan"),
    ],
)  # fmt: skip
def test_what_a_function_does_wrong_is_named_before_the_training(load, tmp_path, digits, part, old, new, reason):
    assert old in part
    mine = load(text(part.replace(old, new), **{role: "own" for role, one in FIELDS.items() if one is part}))
    training = Labelled(digits.train_images, digits.train_labels)

    with pytest.raises(SuiteError, match=reason) as refused:
        rehearse(mine.recipe, mine.network, 0, training, mine.functions)

    assert str(tmp_path / "mine.py") in str(refused.value)
    assert "\n" not in str(refused.value)
    assert refused.value.code == 2


def test_a_list_that_a_function_keeps_is_found_at_the_first_checkpoint(load, run_of, digits):
    mine = load(text("SEEN = []\n\n" + SCHEDULE.replace("return", "SEEN.append(step)\n    return"), schedule="own"))
    run = run_of(mine)

    with run.claim(), pytest.raises(SuiteError, match=r"mine\.SEEN.* changes in training"):
        train(run, mine, digits, quiet)


def test_an_own_augmentation_may_stand_among_the_ready_ones(load, digits):
    from suite.engine.augment import augmenting

    mine = load(text(AUGMENT, augment="crop4,own,flip"))

    found = augmenting(mine.recipe, mine.functions, 0, 0)(0, digits.train_images[:10])

    assert found.shape == (10, 1, 28, 28)
    assert build_model(mine.recipe, mine.network, 0)[1].out_features == 8
