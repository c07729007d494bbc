"""The catalog of data sets: classes, shape, sizes, licence and the digest of every file that is published."""

from suite.data import class_names, frozen
from suite.data.archived import ARCHIVED
from suite.data.dataset import DataSet
from suite.errors import SuiteError
from suite.text import nearest

CATALOG = {
    data.name: data
    for data in (
        DataSet(
            name="mnist",
            title="MNIST",
            classes=class_names.DIGITS,
            train=60_000,
            test=10_000,
            sha256={
                "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
                "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
            },
            torchvision="MNIST",
            licence="CC BY-SA 3.0",
        ),
        DataSet(
            name="fashion-mnist",
            title="Fashion-MNIST",
            classes=class_names.FASHION,
            train=60_000,
            test=10_000,
            sha256={
                "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
                "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
                "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
                "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
            },
            torchvision="FashionMNIST",
            licence="MIT",
        ),
        # scikit-learn's digits: 8 × 8 pixels with 17 grey levels, centred in 28 × 28 and scaled to 0 to 255.
        # In the published order, the first 1,500 are the training set and the last 297 the test set.
        DataSet(
            name="digits",
            title="Digits (8 × 8, scikit-learn)",
            classes=class_names.DIGITS,
            train=1_500,
            test=297,
            sha256={
                "train-images-idx3-ubyte": "491cde9351263648bbb8b2dd1d1e3f5e595d6d1a7b9e77142a8aa44cd69be215",
                "train-labels-idx1-ubyte": "bd3edaa3a988280a3961d7c68a1df9acde2a3f3b377241ca8fcebd995127d8e8",
                "t10k-images-idx3-ubyte": "399adbdb2a0829c3af7394de0a5dc0438ec62eb97804f085e0ad5026d7ff15ef",
                "t10k-labels-idx1-ubyte": "e6698ad083c2c36b514003f58a4da1112904c486bc4ed10f9f6ac2b47ee729c7",
            },
            licence="CC BY 4.0",
        ),
        *(DataSet(**facts) for facts in ARCHIVED),
    )
}


def title_of(name: str, recorded: str = "") -> str:
    """The title of a data set; of one that is not in the catalog, the title in the record or else its name."""
    return CATALOG[name].title if name in CATALOG else recorded or name


def data_set(name: str) -> DataSet:
    """The data set called `name`: one of the catalog, or one's own by the name that it got when it was frozen.

    Raises `SuiteError` (2) with similar names if there is none.
    """
    if name in CATALOG:
        return CATALOG[name]
    if frozen.is_own(name):
        return frozen.own(name)
    raise SuiteError(
        f"data: unknown data set {name!r}{nearest(name, CATALOG)}",
        f"There are {', '.join(CATALOG)}.",
    )
