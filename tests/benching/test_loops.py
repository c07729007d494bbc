"""Each loop trains or answers, calls back after every step, and those beside the suite's do the same arithmetic."""

import itertools

import pytest
import torch

from suite import data
from suite.benching import loops
from suite.benching.loops import LOOPS
from suite.engine.build import build_optimizer
from suite.recipe import registry

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::FutureWarning"),  # Lightning's own, of torch's newer names
]
STEPS = 30


class Enough(Exception):
    """The loop has done its steps."""


class Counted:
    """Ends a loop after so many steps."""

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.images: list[int] = []

    def __call__(self, images: int) -> None:
        self.images.append(images)
        if len(self.images) == self.steps:
            raise Enough


@pytest.fixture(scope="module")
def digits():
    return data.load("digits", data.ensure("digits"))


@pytest.fixture
def mlp():
    return registry.load().experiments["mlp"].changed({"data": "digits", "batch_size": 128})


@pytest.mark.parametrize("name", LOOPS)
def test_a_loop_goes_through_its_images_and_says_how_many(name, mlp, digits):
    after = Counted(STEPS)

    with pytest.raises(Enough):
        LOOPS[name](mlp, digits, after)

    images = len(digits.train_labels)
    epoch = [128] * (images // 128) + [images % 128]
    expected = {"evaluation": [len(digits.test_labels)], "single": [1]}.get(name, epoch)
    assert after.images == list(itertools.islice(itertools.cycle(expected), STEPS))


@pytest.mark.parametrize("name", ["suite", "bare", "tutorial", "lightning"])
def test_a_loop_that_trains_changes_the_weights_of_its_network(name, mlp, digits, monkeypatch):
    made = []
    for module in (loops.build_model.__globals__, loops.__dict__):
        build = module["build_model"]
        monkeypatch.setitem(module, "build_model", lambda *words, build=build: made.append(build(*words)) or made[-1])
    usual = loops.usual
    monkeypatch.setattr(loops, "usual", lambda experiment: (made.append(usual(experiment)), made[-1])[1])

    with pytest.raises(Enough):
        LOOPS[name](mlp, digits, Counted(60))

    model = made[0][0] if isinstance(made[0], tuple) else made[0]
    pixels = loops.normalised(digits.test_images, mlp.recipe)
    with torch.inference_mode():
        right = (model(pixels).argmax(1) == digits.test_labels).double().mean()
    assert right > 0.3  # a tenth by chance


@pytest.mark.parametrize("name", sorted(registry.load().experiments))
def test_the_bare_loop_trains_on_what_the_suite_trains_on(name, digits, monkeypatch):
    """The same pictures, the same loss, the same optimiser's settings."""
    experiment = registry.load().experiments[name].changed({"data": "digits", "shuffle": False, "init_std": 0.05})
    seen = []

    def note(recipe, scores, labels, usual=loops.usual_loss):
        loss = usual(recipe, scores, labels)
        seen.append((loss.detach(), loops.build_loss(recipe)(scores, labels).detach(), labels))
        return loss

    monkeypatch.setattr(loops, "usual_loss", note)
    for loop in (loops.bare, loops.tutorial):
        with pytest.raises(Enough):
            loop(experiment, digits, Counted(2))

    bare, tutorial = seen[:2], seen[2:]
    assert all(torch.equal(one, other) for one, other, _ in seen)
    assert all(torch.equal(one[2], other[2]) for one, other in zip(bare, tutorial, strict=True))
    _, mine = loops.usual(experiment)
    ours = build_optimizer(experiment.recipe, torch.nn.Linear(1, 1))
    for setting in ("lr", "momentum", "weight_decay", "betas"):
        assert mine.defaults.get(setting) == ours.defaults.get(setting)
