"""The network of `cnn`, trained for one epoch at ten times the learning rate, with 2,000 test images as probes."""

from experiments.cnn import network  # noqa: F401  the source trains the same layers
from suite.recipe import Recipe, Source

recipe = Recipe(
    data="mnist",
    loss="cross-entropy",
    optimizer="adam",
    lr=0.01,
    batch_size=50,
    epochs=1,
    probe_every=50,
    probe_images=2_000,
    test_images=2_000,
    space={"lr": "3e-4..1e-1", "batch_size": "32,64,128,256"},
    source=Source(
        title="MNIST数据集和数字分类",
        parameters=28_938,
        remark="Its progress figures and its final figure come from the same 2,000 test images.",
    ),
)
