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
            1: (0.7443, 0.7220, 0.6562, 0.7502),
            2: (0.6337, 0.7557, 0.5853, 0.7726),
            3: (0.5743, 0.7765, 0.5447, 0.7833),
            4: (0.5339, 0.7921, 0.5160, 0.7925),
            5: (0.5021, 0.8060, 0.4914, 0.8082),
            6: (0.4777, 0.8157, 0.4719, 0.8207),
            7: (0.4583, 0.8266, 0.4565, 0.8271),
            8: (0.4416, 0.8341, 0.4432, 0.8324),
            9: (0.4264, 0.8410, 0.4308, 0.8387),
            10: (0.4128, 0.8455, 0.4191, 0.8434),
            11: (0.4006, 0.8498, 0.4083, 0.8475),
            12: (0.3896, 0.8540, 0.3983, 0.8503),
            13: (0.3795, 0.8580, 0.3894, 0.8531),
            14: (0.3704, 0.8614, 0.3812, 0.8552),
            15: (0.3621, 0.8641, 0.3739, 0.8582),
            16: (0.3545, 0.8669, 0.3674, 0.8613),
            17: (0.3474, 0.8696, 0.3615, 0.8628),
            18: (0.3409, 0.8720, 0.3563, 0.8652),
            19: (0.3347, 0.8742, 0.3516, 0.8678),
            20: (0.3289, 0.8761, 0.3473, 0.8699),
            21: (0.3234, 0.8783, 0.3434, 0.8718),
            22: (0.3182, 0.8803, 0.3397, 0.8742),
            23: (0.3132, 0.8821, 0.3362, 0.8761),
            24: (0.3085, 0.8838, 0.3331, 0.8771),
        },
        confused=("T-shirt/top", "Shirt", 154),
        seconds=298,
        machine="GeForce MX250",
        remark="The text says that the pair is confused 154 times 'mutually': one cell or the sum of both.",
    ),
)


def network(shape=(1, 28, 28), classes=10):
    """Map images (n, *shape) to logits (n, classes)."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(shape[0], 6, 5), nn.Sigmoid(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.Sigmoid(), nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(16 * ((shape[1] - 12) // 4) * ((shape[2] - 12) // 4), 120), nn.Sigmoid(),
        nn.Linear(120, 84), nn.Sigmoid(),
        nn.Linear(84, classes),
    )
