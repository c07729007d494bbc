"""The fastest training to 99 % test accuracy on MNIST that we found for one core; see docs/speedrun.md."""

from suite.recipe import Recipe

recipe = Recipe(
    data="mnist",
    normalize=(0.1307, 0.3081),
    loss="cross-entropy",
    optimizer="adam",
    lr=0.02,
    betas=(0.7, 0.9),
    schedule="one-cycle",
    warm_up=0.1,
    batch_size=256,
    epochs=2,
    space={"lr": "3e-3..1e-1", "batch_size": "64,128,256,512", "warm_up": "0..0.5"},
)


def network(shape=(1, 28, 28), classes=10):
    """Map images (n, *shape) to logits (n, classes)."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(shape[0], 16, 5, stride=2, bias=False), nn.MaxPool2d(2), nn.BatchNorm2d(16), nn.ReLU(),
        nn.Conv2d(16, 32, 3, bias=False), nn.BatchNorm2d(32), nn.ReLU(),
        nn.Flatten(),
        nn.Linear(32 * ((shape[1] - 3) // 4 - 2) * ((shape[2] - 3) // 4 - 2), 64), nn.BatchNorm1d(64), nn.ReLU(),
        nn.Linear(64, classes),
    )
