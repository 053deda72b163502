"""One image file as people see it: upright, and on white where it is transparent. No numpy."""

import os
from typing import Any

from PIL import Image, ImageOps

from layer_pruning.runtime.access import access_said, of_the_system

FORMATS = ("BMP", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
"""What is decoded. Pillow chooses by content, and other formats may start programs (EPS)."""
GREY_MODES = ("1", "L", "LA", "La")
_DEEP_MODES = ("I", "F")
_ORIENTATION, _SIDEWAYS = 0x0112, (5, 6, 7, 8)


class DeepImage(ValueError):
    """An image of more than 8 bits a pixel and channel."""


def picture(path: str | os.PathLike[str]) -> Image.Image:
    """The image in a file: mode L where it is grey, RGB else, in the size that people see.

    The orientation of EXIF is applied, and transparent pixels lie on white. Raises DeepImage, and
    whatever a decoder raises for a damaged file.
    """
    with Image.open(path, formats=FORMATS) as image:
        depth = _deep(image)
        image.load()
        if depth:
            raise DeepImage(depth)
        upright = ImageOps.exif_transpose(image)
        mode = "L" if image.mode in GREY_MODES else "RGB"
    if "A" in upright.mode or "a" in upright.mode or "transparency" in upright.info:
        above = upright.convert("RGBA")
        white = Image.new("RGBA", above.size, "white")
        upright = Image.alpha_composite(white, above)
    return upright if upright.mode == mode else upright.convert(mode)


def header_shape(path: str | os.PathLike[str]) -> tuple[int, int, int]:
    """Channels, height and width of what :func:`picture` gives, from the header of the file.

    Raises ValueError, naming the file.
    """
    try:
        with Image.open(path, formats=FORMATS) as image:
            channels = 1 if image.mode in GREY_MODES else 3
            # some decoders swap the sides themselves
            turned = image.getexif().get(_ORIENTATION) in _SIDEWAYS
            width, height = picture(path).size if turned else image.size
            return channels, height, width
    except Exception as error:
        if of_the_system(error):
            raise ValueError(f"{path} cannot be opened: {access_said(error)}") from error
        raise ValueError(f"{path}: no readable image; delete or replace it") from error


def _deep(image: Image.Image) -> str:
    """How an image that is not yet loaded holds more than 8 bits a channel; "" where it does not.

    Pillow cuts 16-bit colours down to 8 without a word, and only the decoder's arguments tell.
    """
    if image.mode.split(";")[0] in _DEEP_MODES:
        return f"mode {image.mode}"
    arguments: list[Any] = []
    # loading empties it
    for tile in getattr(image, "tile", None) or ():
        given = tile[3]
        arguments += given if isinstance(given, tuple) else [given]
    for value in arguments:
        # a layout such as RGB;16B, or the highest level of a portable pixmap
        if (isinstance(value, str) and ";16" in value) or (
            image.format == "PPM" and isinstance(value, int) and value > 255
        ):
            return f"mode {image.mode} of 16 bits"
    return ""
