"""Two convolutional blocks on MNIST; every 50 steps the accuracy on the first 3,000 test images is recorded."""

from suite.recipe import Recipe, Source

recipe = Recipe(
    data="mnist",
    loss="cross-entropy",
    optimizer="adam",
    lr=0.001,
    batch_size=50,
    epochs=2,
    probe_every=50,
    probe_images=3_000,
    test_images=3_000,
    space={"lr": "1e-4..3e-2", "batch_size": "32,64,128,256"},
    source=Source(
        title="CNN卷积神经网络实战教程",
        parameters=28_938,
        remark="Its progress figures and its final figure come from the same 3,000 test images.",
    ),
)


def network(shape=(1, 28, 28), classes=10):
    """Map images (n, *shape) to logits (n, classes)."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(shape[0], 16, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(32 * (shape[1] // 4) * (shape[2] // 4), classes),
    )
