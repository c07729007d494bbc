"""One linear layer from the pixels to the classes: the floor that every other network must beat."""

from suite.recipe import Recipe

recipe = Recipe(
    data="fashion-mnist",
    loss="cross-entropy",
    optimizer="adam",
    lr=0.001,
    batch_size=128,
    epochs=5,
    space={"lr": "1e-4..3e-2", "batch_size": "32,64,128,256"},
)


def network(shape, classes):
    """Map images (n, channels, height, width) to logits (n, classes)."""
    from torch import nn

    channels, height, width = shape
    return nn.Sequential(nn.Flatten(), nn.Linear(channels * height * width, classes))
