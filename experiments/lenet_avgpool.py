"""A LeNet by a reader of the source, on MNIST: ReLU, average-pooling, dropout and weight decay."""

from suite.recipe import Recipe, Source

recipe = Recipe(
    data="mnist",
    loss="cross-entropy",
    optimizer="adam",
    lr=0.001,
    weight_decay=0.01,
    batch_size=100,
    epochs=10,
    space={"lr": "1e-4..3e-2", "batch_size": "32,64,128,256"},
    source=Source(
        title="Pytorch: 卷积神经网络-LeNet (a reader's LeNet, appended)",
        parameters=61_706,
    ),
)


def network(shape=(1, 28, 28), classes=10):
    """Map images (n, *shape) to logits (n, classes)."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(shape[0], 6, 5, padding=2), nn.ReLU(), nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(16 * ((shape[1] - 8) // 4) * ((shape[2] - 8) // 4), 120), nn.ReLU(),
        nn.Linear(120, 84), nn.ReLU(), nn.Dropout(0.5),
        nn.Linear(84, classes),
    )
