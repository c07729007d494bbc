import contextlib
import gzip
import hashlib
import random
import stat
import time

import pytest

from suite.data import ensure
from suite.data.catalog import CATALOG
from suite.data.dataset import FILES
from suite.errors import SuiteError
from tests.data.damage import BYTES, IMAGES, THINGS, put, tree
from tests.data.test_contents import bomb

pytestmark = pytest.mark.usefixtures("no_sources")


def zipped(contents):
    return {f"{file}.gz": gzip.compress(body) for file, body in contents.items()}


def refusal(folder, name="mnist"):
    """The one line, code 2, with which `folder` is refused."""
    with pytest.raises(SuiteError) as error:
        ensure(name, folder=folder)

    assert error.value.code == 2
    assert "\n" not in str(error.value)
    assert "leave out --data-dir and SUITE_DATA" in str(error.value)
    return str(error.value)


def digest_seen(body, wanted):
    """The SHA-256 of what is looked at: one byte more than the file should have tells that it is too long."""
    return hashlib.sha256(body[: len(wanted) + 1]).hexdigest()


@pytest.mark.parametrize("place", ["", "mnist", "MNIST/raw"])
@pytest.mark.parametrize("form", [dict, zipped])
def test_the_files_are_found_in_each_usual_layout(mnist, tmp_path, cache, place, form):
    put(form(mnist), tmp_path / "mine" / place)
    said = []

    assert ensure("mnist", folder=tmp_path / "mine", say=said.append) == cache / "mnist"
    assert tree(cache / "mnist") == mnist
    assert said == [f"MNIST: {tmp_path / 'mine'}: checked, now in {cache / 'mnist'}"]


def test_one_folder_holds_two_sets_one_of_them_without_a_folder_of_its_own(mnist, fashion, tmp_path, cache):
    put(mnist, tmp_path)
    put(fashion, tmp_path / "fashion-mnist")

    for name in ("mnist", "fashion-mnist"):
        ensure(name, folder=tmp_path, say=lambda _: None)

    assert tree(cache) == {
        f"{name}/{file}": body
        for name, files in (("mnist", mnist), ("fashion-mnist", fashion))
        for file, body in files.items()
    }


def test_files_may_come_from_different_layouts(mnist, tmp_path):
    put(dict(list(mnist.items())[:2]), tmp_path)
    put(zipped(dict(list(mnist.items())[2:])), tmp_path / "MNIST" / "raw")

    assert tree(ensure("mnist", folder=tmp_path, say=lambda _: None)) == mnist


def test_a_link_to_the_right_file_is_as_good_as_the_file(mnist, tmp_path):
    put(mnist, tmp_path / "elsewhere")
    put(dict(list(mnist.items())[1:]), tmp_path / "mine")
    (tmp_path / "mine" / IMAGES).symlink_to(tmp_path / "elsewhere" / IMAGES)

    assert tree(ensure("mnist", folder=tmp_path / "mine", say=lambda _: None)) == mnist


@pytest.mark.parametrize("damage", BYTES)
@pytest.mark.parametrize("seed", range(10))
def test_a_damaged_file_is_refused_with_both_digests(mnist, tmp_path, cache, damage, seed):
    draw = random.Random(seed)
    file = draw.choice(FILES)
    damaged = {**mnist, file: damage(mnist[file], draw)}
    put(damaged, tmp_path / "mine")

    line = refusal(tmp_path / "mine")

    assert f"{tmp_path / 'mine' / file}: expected SHA-256 {CATALOG['mnist'].sha256[file]}" in line
    assert f"found {digest_seen(damaged[file], mnist[file])}" in line
    assert tree(tmp_path / "mine") == damaged
    assert not cache.exists()


@pytest.mark.parametrize("damage", BYTES)
@pytest.mark.parametrize("seed", range(10))
def test_damage_inside_a_gzip_file_is_refused_too(mnist, tmp_path, cache, damage, seed):
    draw = random.Random(seed)
    file = draw.choice(FILES)
    damaged = damage(mnist[file], draw)
    put(zipped({**mnist, file: damaged}), tmp_path / "mine")

    line = refusal(tmp_path / "mine")

    assert f"{tmp_path / 'mine' / file}.gz: expected SHA-256 {CATALOG['mnist'].sha256[file]}" in line
    assert f"found {digest_seen(damaged, mnist[file])}" in line
    assert not cache.exists()


@pytest.mark.parametrize("damage", BYTES)
@pytest.mark.parametrize("seed", range(10))
def test_a_damaged_gzip_file_never_changes_what_is_used(mnist, tmp_path, cache, damage, seed):
    """It may still hold the right contents: the time in its header says nothing of them."""
    draw = random.Random(seed)
    file = draw.choice(FILES)
    good = zipped(mnist)
    put({**good, f"{file}.gz": damage(good[f"{file}.gz"], draw)}, tmp_path / "mine")

    with contextlib.suppress(SuiteError):
        ensure("mnist", folder=tmp_path / "mine", say=lambda _: None)
        assert tree(cache / "mnist") == mnist
        return

    line = refusal(tmp_path / "mine")
    assert f"{file}.gz: expected SHA-256 {CATALOG['mnist'].sha256[file]}, found " in line
    assert not cache.exists()


@pytest.mark.parametrize("thing", THINGS)
@pytest.mark.parametrize("end", ["", ".gz"])
@pytest.mark.parametrize("file", FILES[::3])
def test_what_is_no_data_file_is_refused_at_once(mnist, tmp_path, cache, thing, end, file):
    put({name: body for name, body in mnist.items() if name != file}, tmp_path)
    path = tmp_path / (file + end)
    thing(path)
    kind = stat.S_IFMT(path.stat().st_mode)
    started = time.monotonic()

    line = refusal(tmp_path)

    assert f"{path}: expected SHA-256 {CATALOG['mnist'].sha256[file]}, found " in line
    assert time.monotonic() - started < 2
    assert stat.S_IFMT(path.stat().st_mode) == kind
    assert not cache.exists()


@pytest.mark.parametrize("file", FILES)
def test_a_gzip_bomb_is_refused(mnist, tmp_path, file):
    put({**mnist, f"{file}.gz": bomb(20)}, tmp_path)
    (tmp_path / file).unlink()

    assert f"of more than {len(mnist[file]):,}" in refusal(tmp_path)


@pytest.mark.parametrize("file", FILES)
def test_another_set_under_this_name_is_refused_and_named(mnist, fashion, tmp_path, file):
    put({**mnist, file: fashion[file]}, tmp_path)

    assert f"which is Fashion-MNIST's {file}" in refusal(tmp_path)


def test_the_digits_are_refused_under_the_name_of_a_real_set(digits, tmp_path):
    put(digits, tmp_path)

    assert "which is Digits (8 × 8, scikit-learn)'s" in refusal(tmp_path, "fashion-mnist")


def test_a_damaged_file_is_refused_even_if_the_cache_is_good(mnist, tmp_path, cache):
    put(mnist, cache / "mnist")
    put({IMAGES: mnist[IMAGES][:-1]}, tmp_path / "mine")

    refusal(tmp_path / "mine")

    assert tree(cache / "mnist") == mnist


@pytest.mark.parametrize("file", FILES)
def test_a_folder_without_all_files_is_named_and_the_search_goes_on(mnist, tmp_path, cache, file):
    put(mnist, cache / "mnist")
    put({name: body for name, body in mnist.items() if name != file}, tmp_path / "mine")
    said = []

    assert ensure("mnist", folder=tmp_path / "mine", say=said.append) == cache / "mnist"
    assert said == [f"MNIST: {tmp_path / 'mine'}: has no {file}"]


@pytest.mark.parametrize("shape", ["absent", "a file", "empty"])
def test_a_folder_that_holds_nothing_is_named_and_the_search_goes_on(mnist, tmp_path, cache, shape):
    put(mnist, cache / "mnist")
    mine = tmp_path / "mine"
    if shape == "a file":
        mine.touch()
    elif shape == "empty":
        mine.mkdir()
    said = []

    ensure("mnist", folder=mine, say=said.append)

    assert said == [f"MNIST: {mine}: has no {', '.join(FILES)}"]


def test_a_file_that_cannot_be_read_is_a_fault_of_the_machine(mnist, tmp_path, monkeypatch):
    put(mnist, tmp_path)

    def refuse(*_args, **_options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", refuse)
    with pytest.raises(SuiteError, match=r"Permission denied\. Make it readable") as error:
        ensure("mnist", folder=tmp_path)

    assert error.value.code == 3
