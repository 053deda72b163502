"""Pixels as people see them, whatever the file says of them."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from layer_pruning.data.catalog import complete_settings, dataset_info
from layer_pruning.data.folders import find_images
from layer_pruning.data.image_folder import load_image_folder
from layer_pruning.data.picture import DeepImage, header_shape, picture
from layer_pruning.data.prepare import prepare

ASIS = {"image_size": None, "channels": None}


def upright(height=6, width=4):
    generator = np.random.default_rng(0)
    return generator.integers(0, 256, (height, width, 3), dtype=np.uint8)


# where the first row and column of the pixels of a file lie, by EXIF's orientation (tag 274)
SHOWN = {
    1: lambda pixels: pixels,
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.transpose(1, 0, 2),
    6: lambda pixels: pixels.transpose(1, 0, 2)[:, ::-1],
    7: lambda pixels: pixels.transpose(1, 0, 2)[::-1, ::-1],
    8: lambda pixels: pixels.transpose(1, 0, 2)[::-1],
}


def write_oriented(path, pixels, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, exif=exif)


@pytest.mark.parametrize("orientation", SHOWN)
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_an_image_is_turned_as_its_orientation_says(tmp_path, orientation, suffix):
    path = tmp_path / f"a{suffix}"
    write_oriented(path, upright(), orientation)
    expected = SHOWN[orientation](upright())
    assert np.array_equal(np.asarray(picture(path)), expected)
    assert header_shape(path) == (3, *expected.shape[:2])


@pytest.mark.parametrize("stream", [False, True])
def test_sizes_are_compared_after_turning_in_memory_and_streamed(tmp_path, stream):
    for label in "ab":
        write_oriented(tmp_path / label / "0.png", upright(4, 8), 1)
        write_oriented(tmp_path / label / "1.png", upright(8, 4), 6)
        write_oriented(tmp_path / label / "2.png", upright(8, 4), 8)
    given = {"kind": "image_folder", "path": str(tmp_path), "stream": stream}
    given |= {"image_size": 4} if stream else {}
    settings = complete_settings("mine", given)
    data = prepare(settings, validation_fraction=1 / 3, test_fraction=1 / 3, seed=0)
    size = (4, 4) if stream else (4, 8)
    assert dataset_info(settings).input_shape == (3, *size)
    shown = {
        SHOWN[n](upright(*shape)).tobytes() for n, shape in ((1, (4, 8)), (6, (8, 4)), (8, (8, 4)))
    }
    centre = {np.frombuffer(s, np.uint8).reshape(4, 8, 3)[:, 2:6].tobytes() for s in shown}
    for split in ("train", "validation", "test"):
        images, _ = data.part(split)
        assert images.shape[2:] == size
        for image in images:
            pixels = np.ascontiguousarray((image * 255).round().astype(np.uint8).transpose(1, 2, 0))
            assert pixels.tobytes() in (centre if stream else shown)


def test_transparent_pixels_lie_on_white(tmp_path):
    colour = np.zeros((1, 3, 4), dtype=np.uint8)
    colour[0, :, 0], colour[0, :, 3] = 200, (0, 255, 51)
    Image.fromarray(colour).save(tmp_path / "a.png")
    blended = [round(255 + (200 - 255) * 0.2), 204, 204]
    assert np.asarray(picture(tmp_path / "a.png")).tolist() == [[[255] * 3, [200, 0, 0], blended]]
    grey = Image.fromarray(np.array([[[10, 0], [10, 255]]], dtype=np.uint8), "LA")
    grey.save(tmp_path / "grey.png")
    seen = picture(tmp_path / "grey.png")
    assert seen.mode == "L" and np.asarray(seen).tolist() == [[255, 10]]
    assert header_shape(tmp_path / "grey.png") == (1, 1, 2)


def test_a_transparent_colour_of_a_palette_lies_on_white(tmp_path):
    paletted = Image.fromarray(np.array([[0, 1]], dtype=np.uint8), "P")
    paletted.putpalette([9, 9, 9, 40, 50, 60])
    paletted.save(tmp_path / "a.png", transparency=0)
    assert np.asarray(picture(tmp_path / "a.png")).tolist() == [[[255] * 3, [40, 50, 60]]]
    Image.new("RGB", (2, 1), (1, 2, 3)).save(tmp_path / "b.png", transparency=(1, 2, 3))
    assert np.asarray(picture(tmp_path / "b.png")).tolist() == [[[255] * 3] * 2]


def sixteen_bits(kind):
    """A PNG of 2 × 1 pixels with 16 bits a channel, by hand: Pillow writes none in colour."""

    def chunk(name, content):
        return (
            struct.pack(">I", len(content))
            + name
            + content
            + struct.pack(">I", zlib.crc32(name + content))
        )

    channels = {0: 1, 2: 3, 4: 2, 6: 4}[kind]
    rows = b"\0" + struct.pack(f">{2 * channels}H", *range(1000, 1000 + 2 * channels))
    head = struct.pack(">IIBBBBB", 2, 1, 16, kind, 0, 0, 0)
    parts = chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


DEEP = {
    "grey.png": sixteen_bits(0),
    "colour.png": sixteen_bits(2),
    "grey and alpha.png": sixteen_bits(4),
    "colour and alpha.png": sixteen_bits(6),
    "colour.ppm": b"P6 1 1 65535\n" + bytes(6),
    "grey.pgm": b"P5 1 1 65535\n" + bytes(2),
}


@pytest.mark.parametrize("name", DEEP)
def test_sixteen_bits_are_refused_in_every_colour(tmp_path, name):
    (tmp_path / name).write_bytes(DEEP[name])
    with pytest.raises(DeepImage):
        picture(tmp_path / name)
    for label in "ab":
        (tmp_path / "data" / label).mkdir(parents=True)
        (tmp_path / "data" / label / name).write_bytes(DEEP[name])
    with pytest.raises(ValueError, match=r"2 images, the first .* have more than 8 bits a pixel"):
        load_image_folder(tmp_path / "data", **ASIS)


def test_eight_bits_are_not_called_deep(tmp_path):
    for name in ("a.png", "a.ppm", "a.bmp", "a.jpg", "a.webp", "a.tif"):
        Image.fromarray(upright()).save(tmp_path / name)
        assert picture(tmp_path / name).size == (4, 6)


def test_formats_that_would_start_a_program_are_not_opened(tmp_path):
    eps = io.BytesIO()
    Image.fromarray(upright()).save(eps, "EPS")
    (tmp_path / "a.png").write_bytes(eps.getvalue())
    with pytest.raises(ValueError, match=r"a\.png: no readable image"):
        header_shape(tmp_path / "a.png")
    with pytest.raises(OSError):
        picture(tmp_path / "a.png")


def test_folders_of_servers_and_systems_are_skipped(tmp_path, write_image):
    for label in "ab":
        write_image(f"{label}/0.png")
        write_image(f"{label}/@eaDir/0.png/SYNOPHOTO_THUMB_M.jpg")
        write_image(f"{label}/__MACOSX/0.png")
    write_image("@eaDir/0.png")
    write_image("$RECYCLE.BIN/0.png")
    found = find_images(tmp_path)
    assert found.class_names == ("a", "b")
    assert found.files["train"] == (("a/0.png",), ("b/0.png",))


def test_images_in_formats_that_are_not_read_are_counted_in_one_line(tmp_path, write_image):
    for label in "ab":
        write_image(f"{label}/0.png")
        for suffix in ("gif", "GIF", "heic", "jfif", "avif"):
            (tmp_path / label / f"{suffix}.{suffix}").write_bytes(b"")
    (tmp_path / "a" / "notes.txt").write_bytes(b"")
    found = find_images(tmp_path)
    said = found.left_out()
    assert "2 .avif, 4 .gif, 2 .heic, 2 .jfif files left out" in said and "\n" not in said
    assert found.others == 1
    given = {"kind": "image_folder", "path": str(tmp_path)}
    assert dataset_info(complete_settings("mine", given)).left_out == said


def test_a_class_of_such_images_alone_says_so(tmp_path, write_image):
    write_image("a/0.png")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "0.gif").write_bytes(b"GIF89a")
    with pytest.raises(ValueError, match=r"holds no image but 1 \.gif file, which are not read"):
        find_images(tmp_path)


def test_a_class_whose_name_is_no_utf_8_is_refused(tmp_path, write_image):
    write_image("a/0.png")
    write_image("b\udcff/0.png")
    with pytest.raises(ValueError, match=r"b'b\\xff' is no UTF-8; rename it") as caught:
        find_images(tmp_path)
    str(caught.value).encode()
