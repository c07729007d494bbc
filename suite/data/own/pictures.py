"""Decodes one picture: PNG or JPEG of any depth to bytes of grey or of red, green and blue."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from suite.disk import files
from suite.errors import SuiteError, machine_error

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

ENDS = (".png", ".jpg", ".jpeg")
MOST_PIXELS = 50_000_000
MOST_BYTES = 1 << 28
_GREY = ("1", "L", "LA", "I", "I;16", "I;16B")
_SIDEWAYS = (5, 6, 7, 8)  # EXIF orientations that change height and width
_ORIENTATION = 0x0112


class Stored(Protocol):
    """A picture that is no file of its own; its text names it in an error."""

    def contents(self) -> bytes:
        """The bytes of its PNG or JPEG; raises `SuiteError` if there are none."""


Source = Path | Stored


class Header(NamedTuple):
    """What a picture's header says: height and width as it is to be seen, and whether it is grey."""

    height: int
    width: int
    grey: bool


def header(source: Source) -> Header:
    """The header of a picture, without decoding it; raises `SuiteError` (2) that names the file."""
    with _opened(source) as image:
        width, height = image.size
        if _orientation(source, image) in _SIDEWAYS:
            width, height = height, width
        return Header(height, width, image.mode in _GREY)


def pixels(source: Source, shape: tuple[int, int, int], background: str) -> np.ndarray:
    """The picture as uint8 of this shape (channels, height, width): upright, resized if it has another size.

    Transparent parts show the `background`, white or black. Of 16 bits the upper 8 stay. Resizing is bilinear, with
    antialiasing; it keeps the whole picture, not its proportions. Raises `SuiteError` (2) that names the file.
    """
    import numpy as np
    from PIL import Image, ImageOps

    channels, height, width = shape
    with _opened(source) as image:
        turned = _orientation(source, image) > 1
        try:
            image.load()
            upright = ImageOps.exif_transpose(image) if turned else image
            plain = _opaque(upright, background).convert("L" if channels == 1 else "RGB")
        except Exception as error:  # Pillow raises whatever its decoders meet
            raise _damaged(source, error) from error
        if plain.size != (width, height):
            plain = plain.resize((width, height), Image.Resampling.BILINEAR)
        array = np.asarray(plain, np.uint8)
    return array[None] if channels == 1 else array.transpose(2, 0, 1)


def _opened(source: Source) -> Image:
    """The picture, with only its header read; a file that is too large or no picture is refused."""
    from PIL import Image

    contents = io.BytesIO(source.contents() if not isinstance(source, Path) else _contents(source))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is too large is refused below; other warnings change nothing
            image = Image.open(contents, formats=("PNG", "JPEG"))
    except Image.DecompressionBombError as error:
        raise _too_large(source) from error
    except Exception as error:
        raise _damaged(source, error) from error
    if image.width * image.height > MOST_PIXELS:
        raise _too_large(source)
    return image


def _contents(path: Path) -> bytes:
    try:
        return files.read(path, MOST_BYTES)
    except files.Unfit as error:
        raise SuiteError(f"{path}: {error}.", "Move it out of the folder.") from error
    except OSError as error:
        raise machine_error(error, path) from error


def _orientation(source: Source, image: Image) -> int:
    """The EXIF orientation, 1 if there is none. Asking a PNG without EXIF would decode it."""
    if image.format != "JPEG" and "exif" not in image.info:
        return 1
    try:
        found = image.getexif().get(_ORIENTATION, 1)
    except Exception as error:
        raise _damaged(source, error) from error
    return found if isinstance(found, int) else 1


def _opaque(image: Image, background: str) -> Image:
    """The image without transparency and with 8 bits a channel."""
    from PIL import Image as images

    if image.mode.startswith("I"):
        import numpy as np

        return images.fromarray((np.asarray(image).astype(np.uint32) >> 8).clip(0, 255).astype(np.uint8))
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        picture = image.convert("RGBA")
        return images.alpha_composite(images.new("RGBA", picture.size, background), picture)
    return image


def _too_large(source: Source) -> SuiteError:
    return SuiteError(f"{source}: has more than {MOST_PIXELS:,} pixels.", "Make it smaller, or leave it out.")


def _damaged(source: Source, error: Exception) -> SuiteError:
    words = str(error) or type(error).__name__
    if "cannot identify" in words:  # Pillow names its buffer, by its address
        words = "its contents are neither"
    return SuiteError(
        f"{source}: cannot be read as PNG or JPEG: {words:.200}.",
        "Save it again, or leave it out.",
    )
