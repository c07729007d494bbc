"""A residual network of eight layers with batch norm: three stages, of one block each, that halve the image."""

from suite.recipe import Recipe

recipe = Recipe(
    data="fashion-mnist",
    loss="cross-entropy",
    optimizer="nesterov",
    lr=0.1,
    momentum=0.9,
    weight_decay=5e-4,
    schedule="cosine",
    warm_up=0.1,
    augment="crop2,flip",
    batch_size=128,
    epochs=3,
    space={"lr": "1e-2..1", "batch_size": "64,128,256", "width": "8..32"},
)


def network(shape, classes, width=16, stride=2):
    """Map images (n, channels, height, width) to logits (n, classes); `width` is the first stage's channels.

    The first convolution has the `stride`; 1 looks more closely and takes four times as long.
    """
    from torch import nn
    from torch.nn import functional

    class Block(nn.Module):
        def __init__(self, inside, outside, stride):
            super().__init__()
            self.first = nn.Conv2d(inside, outside, 3, stride, padding=1, bias=False)
            self.first_norm = nn.BatchNorm2d(outside)
            self.second = nn.Conv2d(outside, outside, 3, padding=1, bias=False)
            self.second_norm = nn.BatchNorm2d(outside)
            self.shortcut = nn.Sequential()
            if stride > 1:
                self.shortcut = nn.Sequential(
                    nn.Conv2d(inside, outside, 1, stride, bias=False), nn.BatchNorm2d(outside)
                )

        def forward(self, images):
            found = functional.relu(self.first_norm(self.first(images)))
            return functional.relu(self.second_norm(self.second(found)) + self.shortcut(images))

    return nn.Sequential(
        nn.Conv2d(shape[0], width, 3, stride, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
        Block(width, width, 1),
        Block(width, 2 * width, 2),
        Block(2 * width, 4 * width, 2),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(4 * width, classes),
    )
