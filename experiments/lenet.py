"""LeNet with sigmoids and max-pooling on Fashion-MNIST, without shuffling; the best validation weights are kept."""

from suite.recipe import Recipe, Source

recipe = Recipe(
    data="fashion-mnist",
    loss="cross-entropy",
    optimizer="adam",
    lr=0.001,
    batch_size=64,
    epochs=25,
    shuffle=False,
    holdout=0.2,
    keep="best",
    space={"lr": "1e-4..3e-2", "batch_size": "32,64,128,256"},
    source=Source(
        title="Pytorch: 卷积神经网络-LeNet",
        parameters=44_426,
        accuracy=0.8677,
        history={
            0: (1.3207, 0.5002, 0.8333, 0.6904),
            4: (0.5339, 0.7921, 0.5160, 0.7925),
            9: (0.4264, 0.8410, 0.4308, 0.8387),
            14: (0.3704, 0.8614, 0.3812, 0.8552),
            19: (0.3289, 0.8761, 0.3473, 0.8699),
            24: (0.3085, 0.8838, 0.3331, 0.8771),
        },
        confused=("T-shirt/top", "Shirt", 154),
        seconds=298,
        machine="GeForce MX250",
        remark="The text says that the pair is confused 154 times 'mutually': one cell or the sum of both.",
    ),
)


def network():
    """Map images (n, 1, 28, 28) to logits (n, 10)."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(1, 6, 5), nn.Sigmoid(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.Sigmoid(), nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(256, 120), nn.Sigmoid(),
        nn.Linear(120, 84), nn.Sigmoid(),
        nn.Linear(84, 10),
    )
