"""The network of cifar10-airbench on CIFAR-10, a quarter as wide, for four epochs on a processor."""

from suite.recipe import Recipe, Source

recipe = Recipe(
    data="cifar-10",
    normalize=(0.4734, 0.2516),
    loss="cross-entropy",
    optimizer="nesterov",
    lr=0.2,
    momentum=0.85,
    weight_decay=0.001,
    schedule="one-cycle",
    warm_up=0.23,
    label_smoothing=0.2,
    augment="crop2,flip",
    batch_size=512,
    epochs=4,
    arguments={"width": 16},
    space={"lr": "1e-1..2", "batch_size": "256,512,1024", "width": "8..64"},
    source=Source(
        title="cifar10-airbench (airbench94)",
        parameters=1_972_792,
        remark="The source reaches 0.9401 (mean of 1,000 runs, 3.83 s on an A100) with width 64 and 9.9 epochs. "
        "It also computes its first layer from the images, gives the biases a rate of their own, averages the weights, "
        "and averages six views of each test image. Ours does not, so that figure does not stand beside ours.",
    ),
)


def network(shape=(3, 32, 32), classes=10, width=64):
    """Map images (n, *shape) to logits (n, classes); `width` is the first block's channels, the others have 4 times."""
    from torch import nn

    def convolution(inside, outside):
        layer = nn.Conv2d(inside, outside, 3, padding="same", bias=False)
        nn.init.dirac_(layer.weight.data[:inside])  # it begins as a copy of its images
        return layer

    def norm(channels):
        layer = nn.BatchNorm2d(channels, eps=1e-12, momentum=0.4)
        layer.weight.requires_grad = False
        return layer

    def block(inside, outside):
        return (
            convolution(inside, outside), nn.MaxPool2d(2), norm(outside), nn.GELU(),
            convolution(outside, outside), norm(outside), nn.GELU(),
        )

    return nn.Sequential(
        nn.Conv2d(shape[0], 24, 2), nn.GELU(),
        *block(24, width),
        *block(width, 4 * width),
        *block(4 * width, 4 * width),
        nn.AdaptiveMaxPool2d(1), nn.Flatten(),
        nn.Linear(4 * width, classes, bias=False),
    )
