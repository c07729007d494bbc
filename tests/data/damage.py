"""Good files, and what can be wrong with one: each damage is (contents, random) -> contents."""

import os

IMAGES = "train-images-idx3-ubyte"


def put(contents, folder):
    """Write `contents`, bytes by name, as the files of `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for file, body in contents.items():
        (folder / file).write_bytes(body)


def flip_a_bit_of_the_header(body, draw):
    return _flipped(body, draw.randrange(8))


def flip_a_bit_of_a_pixel_or_label(body, draw):
    return _flipped(body, draw.randrange(16, len(body)))


def _flipped(body, at):
    return body[:at] + bytes([body[at] ^ 1 << at % 8]) + body[at + 1 :]


def cut(body, draw):
    return body[: draw.randrange(1, len(body))]


def lengthen(body, draw):
    return body + draw.randbytes(draw.randrange(1, 5000))


def garbage(body, draw):
    return draw.randbytes(len(body))


def empty(_body, _draw):
    return b""


BYTES = [flip_a_bit_of_the_header, flip_a_bit_of_a_pixel_or_label, cut, lengthen, garbage, empty]


def folder(path):
    path.mkdir()


def pipe(path):
    os.mkfifo(path)


def link_to_another_file(path):
    path.symlink_to("/etc/passwd")


def link_to_a_device(path):
    path.symlink_to("/dev/zero")


def huge(path):
    with path.open("wb") as file:
        file.truncate(1 << 40)


THINGS = [folder, pipe, link_to_another_file, link_to_a_device, huge]


def tree(folder):
    """Every file beneath `folder` with its contents, but for locks: to see that nothing changed."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}
