import hashlib

import pytest

from suite.data.catalog import CATALOG, data_set
from suite.data.dataset import FILES
from suite.errors import SuiteError


def test_the_sizes_are_those_of_the_published_files():
    sizes = [CATALOG["mnist"].size(file) for file in FILES]

    assert sizes == [47_040_016, 60_008, 7_840_016, 10_008]


def test_the_headers_are_those_of_the_idx_format():
    fashion = CATALOG["fashion-mnist"]

    assert fashion.header("train-images-idx3-ubyte").hex() == "000008030000ea600000001c0000001c"
    assert fashion.header("t10k-labels-idx1-ubyte").hex() == "0000080100002710"


def test_the_digest_of_a_set_is_what_sha256sum_says_of_its_sums():
    sums = b"".join(f"{CATALOG['digits'].sha256[file]}  {file}\n".encode() for file in FILES)

    assert CATALOG["digits"].digest == hashlib.sha256(sums).hexdigest()


def test_every_set_has_a_digest_for_each_file_and_no_two_are_equal():
    digests = [data.sha256[file] for data in CATALOG.values() if not data.frozen for file in FILES]
    archives = [data for data in CATALOG.values() if data.archived]

    assert {len(digest) for digest in digests} == {64}
    assert len(set(digests)) == len(digests) == 12
    assert {len(digest) for data in archives for digest in data.sha256.values()} == {64}
    assert {len(digest) for data in archives for digest in data.md5.values()} == {32}
    parts = [(data.digest, data.training_digest, data.test_digest) for data in CATALOG.values()]
    assert len({digest for part in parts for digest in part}) == 3 * len(parts)


@pytest.mark.parametrize("name", CATALOG)
def test_every_set_has_classes_that_differ_a_licence_and_a_size(name):
    data = CATALOG[name]

    assert len(set(data.classes)) == len(data.classes) >= 10
    assert data.licence
    assert data.stored_bytes > data.train + data.test


def test_an_unknown_set_is_refused_with_the_nearest_name():
    with pytest.raises(SuiteError, match="unknown data set 'fashion_mnist'; did you mean fashion-mnist") as error:
        data_set("fashion_mnist")

    assert error.value.code == 2


def test_an_unknown_set_with_no_near_name_is_refused_with_all_of_them():
    with pytest.raises(SuiteError, match=r"'zzz'\. There are mnist, fashion-mnist, digits, kmnist,"):
        data_set("zzz")
