import functools
import gzip
import itertools
import random
import time
import tracemalloc
import zlib

import pytest

from suite.data.catalog import CATALOG
from suite.data.contents import Unavailable, Wrong, check, check_file, unpacked
from suite.data.dataset import FILES

LABELS = "train-labels-idx1-ubyte"


@functools.cache
def bomb(megabytes):
    """A gzip member of about a thousandth of what it unpacks to."""
    pack = zlib.compressobj(9, wbits=31)
    return b"".join(pack.compress(bytes(1 << 20)) for _ in range(megabytes)) + pack.flush()


@pytest.mark.parametrize("seed", range(20))
def test_unpacking_gives_what_was_packed_however_it_is_cut_into_blocks(seed):
    draw = random.Random(seed)
    contents = draw.randbytes(draw.randrange(1, 9999)) + bytes(draw.randrange(0, 999_999))
    packed = gzip.compress(contents, draw.randrange(10))
    cuts = sorted(draw.sample(range(len(packed)), 5))
    blocks = [packed[start:end] for start, end in itertools.pairwise([0, *cuts, len(packed)])]

    assert b"".join(unpacked(blocks, len(contents))) == contents


@pytest.mark.usefixtures("mnist")
def test_a_gzip_bomb_costs_neither_memory_nor_time(tmp_path):
    path = tmp_path / f"{LABELS}.gz"
    path.write_bytes(bomb(100))
    tracemalloc.start()
    started = time.process_time()

    with pytest.raises(Wrong, match="in the first 39 bytes of more than 38"):
        check_file(CATALOG["mnist"], LABELS, path)

    assert time.process_time() - started < 1
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()


@pytest.mark.parametrize("start", [b"", bytes.fromhex("1f8b0808000000000003")])
def test_what_never_unpacks_to_anything_is_given_up(start):
    """The second is a gzip header whose file name never ends."""
    taken = []

    def endless():
        yield start
        while True:
            taken.append(1)
            yield b"a" * (1 << 16)

    assert b"".join(unpacked(endless(), 1000)) == b""
    assert len(taken) < 4


@pytest.mark.usefixtures("mnist")
def test_no_more_than_one_byte_too_many_is_looked_at():
    endless = itertools.repeat(b"x" * 10)

    with pytest.raises(Wrong, match="in the first 39 bytes of more than 38"):
        check(CATALOG["mnist"], LABELS, endless, "a stream")


@pytest.mark.usefixtures("mnist")
def test_a_huge_sparse_file_is_refused_at_once(tmp_path):
    path = tmp_path / LABELS
    with path.open("wb") as file:
        file.truncate(1 << 40)
    started = time.monotonic()

    with pytest.raises(Wrong, match="of more than 38"):
        check_file(CATALOG["mnist"], LABELS, path)

    assert time.monotonic() - started < 1


@pytest.mark.usefixtures("mnist")
def test_a_file_of_another_set_is_called_by_its_name(fashion, tmp_path):
    path = tmp_path / LABELS
    path.write_bytes(fashion[LABELS])

    with pytest.raises(Wrong, match=f"which is Fashion-MNIST's {LABELS}"):
        check_file(CATALOG["mnist"], LABELS, path)


def test_a_file_that_is_not_there_is_unavailable_not_wrong(tmp_path):
    with pytest.raises(Unavailable, match="No such file") as error:
        check_file(CATALOG["mnist"], FILES[0], tmp_path / "absent")

    assert not isinstance(error.value, Wrong)


def test_a_reason_is_one_line_of_printable_text():
    assert str(Unavailable("a\n\x1b[31m b\r\n\tc\0")) == "a [31m b c"
