"""Three linear layers on MNIST, trained with the squared error: the first network of a beginner's tutorial."""

from suite.recipe import Recipe, Source

recipe = Recipe(
    data="mnist",
    normalize=(0.1307, 0.3081),
    loss="mse-one-hot",
    optimizer="sgd",
    lr=0.01,
    momentum=0.9,
    batch_size=512,
    epochs=3,
    space={"lr": "1e-3..1", "batch_size": "64,128,256,512,1024"},
    source=Source(
        title="初识MNIST数据集",
        parameters=218_058,
        accuracy=0.88,
        accuracy_words="about 0.88",
    ),
)


def network(shape=(1, 28, 28), classes=10):
    """Map images (n, *shape) to scores (n, classes)."""
    from torch import nn

    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(shape[0] * shape[1] * shape[2], 256), nn.ReLU(),
        nn.Linear(256, 64), nn.ReLU(),
        nn.Linear(64, classes),
    )
