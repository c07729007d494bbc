"""A LeNet on Fashion-MNIST with initial weights from N(0, 0.01²); its source asks what happens with N(0, 1)."""

from suite.recipe import Recipe, Source

recipe = Recipe(
    data="fashion-mnist",
    loss="cross-entropy",
    optimizer="sgd",
    lr=0.3,
    batch_size=256,
    epochs=5,
    init_std=0.01,
    space={"lr": "3e-2..1", "batch_size": "64,128,256,512"},
    source=Source(
        title="卷积神经网络 (MXNet)",
        parameters=170_988,
        remark="The source does not print its learning rate. A study of rates from 0.03 to 1 on validation images "
        "shows none that is better than 0.3; below 0.13 it hardly learns. See docs/decisions/003.md.",
    ),
)


def network(shape=(1, 28, 28), classes=10):
    """Map images (n, *shape) to logits (n, classes)."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(shape[0], 20, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(20, 50, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(50 * ((shape[1] - 8) // 4) * ((shape[2] - 8) // 4), 128), nn.ReLU(),
        nn.Linear(128, classes),
    )
