import hashlib

import pytest

from suite.data.catalog import CATALOG, FILES, data_set
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
    digests = [data.sha256[file] for data in CATALOG.values() for file in FILES]

    assert {len(digest) for digest in digests} == {64}
    assert len(set(digests)) == len(digests) == 12


def test_an_unknown_set_is_refused_with_the_nearest_name():
    with pytest.raises(SuiteError, match="unknown data set 'fashion_mnist'; did you mean fashion-mnist") as error:
        data_set("fashion_mnist")

    assert error.value.code == 2


def test_an_unknown_set_with_no_near_name_is_refused_with_all_of_them():
    with pytest.raises(SuiteError, match=r"'zzz'\. There are mnist, fashion-mnist, digits\."):
        data_set("zzz")
