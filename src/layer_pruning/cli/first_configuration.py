"""A configuration to begin with, and why it is as it is: ``layer-pruning init``. No torch."""

import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median_low
from typing import Any

import yaml

from layer_pruning.cli.suggestion import quoted_command
from layer_pruning.configuration import ConfigError, complete
from layer_pruning.configuration.keys.data import Probe, Split
from layer_pruning.configuration.keys.measuring import AttackedImages
from layer_pruning.data.catalog import split_sizes
from layer_pruning.data.folders import FolderImages, find_images
from layer_pruning.data.image_folder import available_memory
from layer_pruning.data.picture import header_shape
from layer_pruning.models.architectures import architecture
from layer_pruning.models.network_blocks import blocks_of
from layer_pruning.terminal.style import duration_text

SIZES = (8, 16, 28, 32, 48, 64, 96, 128, 160, 192, 224)
"""Sides of images that networks are usually trained on, in pixels."""
LARGEST_CIFAR_SIZE = 64
"""Up to this side a CIFAR ResNet fits, which keeps the resolution in its first layers."""
SAMPLE = 200
"""As many headers of images are read, spread evenly over the folder."""
SHARES = {"validation": "validation_fraction", "test": "test_fraction"}
"""Splits that are taken from the training images where a folder lacks them, and by which key."""
VOTES = (
    "[consensus, random]",
    # what needs few images
    "{consensus: [cka, procrustes, permutation, wasserstein], random: [random]}",
)
SEEDS = "seeds: [0, 1, 2]"
ONE_SEED = "seeds: [0] # for a first look in minutes; [0, 1, 2] for results"
FIRST_LOOK_SECONDS = 600
"""So long a quick look may take with three seeds; one that would take longer has one."""

Forecast = Callable[[Path], Mapping[str, Any]]
"""From a configuration file to what its run takes, see :mod:`layer_pruning.estimate.forecast`."""


@dataclass(frozen=True)
class Images:
    """What a look at a folder of images found."""

    found: FolderImages
    channels: int
    heights: tuple[int, int]
    """Smallest and largest of those looked at, in pixels."""
    widths: tuple[int, int]
    side: int
    """The median of the shorter sides."""

    @property
    def counts(self) -> list[int]:
        """Images of each class in all splits."""
        splits = self.found.files.values()
        return [sum(map(len, per_class)) for per_class in zip(*splits, strict=True)]

    @property
    def size(self) -> int:
        """The usual side that loses least: the largest that most images reach."""
        return max((size for size in SIZES if size <= self.side), default=max(self.side, 4))

    @property
    def split(self) -> list[tuple[int, int, int]]:
        """Training, validation and test images of each class; 0 of splits of the folder's own."""
        shares = {
            key: 0.0 if name in self.found.files else Split.model_fields[key].default
            for name, key in SHARES.items()
        }
        return [split_sizes(n, **shares) for n in self.found.images_per_class("train")]

    @property
    def smallest_class(self) -> int:
        """Training images of the smallest class, after splits that the folder lacks are taken."""
        return min(train for train, _, _ in self.split)

    @property
    def tested(self) -> int:
        """Images of the test split."""
        return sum(self.found.images_per_class("test") or [test for _, _, test in self.split])

    def text(self) -> str:
        """One line on the folder."""
        counts, classes = self.counts, len(self.found.class_names)
        colour = "grey" if self.channels == 1 else "in colour"
        each = _span(min(counts), max(counts))
        pixels = f"{_span(*self.widths)} × {_span(*self.heights)}"
        return (
            f"{sum(counts):,} images of {classes} classes, {each} of each, {colour}, {pixels} "
            "pixels (width × height)"
        )


def _span(low: int, high: int) -> str:
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def look_at(folder: Path) -> Images:
    """Classes, counts, sizes and colours of the images in a folder of class folders.

    Sizes are those of a sample. Raises ValueError or FileNotFoundError in one line for a folder
    that is none of that kind, or whose images cannot be read.
    """
    found = find_images(folder)
    names = [name for split in found.files.values() for files in split for name in files]
    step = max(1, len(names) // SAMPLE)
    shapes = [header_shape(found.root / name) for name in names[::step]]
    channels, heights, widths = ([shape[axis] for shape in shapes] for axis in range(3))
    return Images(
        found,
        max(channels),
        (min(heights), max(heights)),
        (min(widths), max(widths)),
        median_low([min(height, width) for _, height, width in shapes]),
    )


def network_for(images: Images) -> str:
    """A network for images of that size, the deeper the more of them there are."""
    count = sum(images.found.images_per_class("train"))
    if images.size <= LARGEST_CIFAR_SIZE:
        return "resnet20" if count < 5_000 else "resnet32" if count < 20_000 else "resnet56"
    return "resnet18" if count < 5_000 else "resnet50"


def dataset_name(folder: Path) -> str:
    """A name for paths from that of the folder."""
    plain = re.sub(r"[^a-z0-9_-]+", "-", folder.resolve().name.lower()).strip("-_")
    return plain[:40] if re.match("[a-z]", plain) else "images"


def configuration_text(folder: Path | None, images: Images | None) -> str:
    """The commented configuration for a folder, or for the digits without one, without its cost.

    Raises ConfigError in one line where no configuration
    fits, such as for a class with too few images for three splits.
    """
    error = None
    for criteria in VOTES:
        text = _text(folder, images, criteria)
        try:
            complete(yaml.safe_load(text))
        except ConfigError as wrong:
            error = error or wrong
        else:
            return text
    # others follow from the first
    raise ConfigError(f"{folder}: {error}")


def _text(folder: Path | None, images: Images | None, criteria: str) -> str:
    """The text with one way to write ``criteria``."""
    if folder is None or images is None:
        network, data = (
            "resnet20",
            ["datasets: [digits] # or cifar10, cifar100, fashion_mnist, svhn"],
        )
        about = ["# A configuration to begin with: handwritten digits, which need no download."]
        about += ["# For images of your own: layer-pruning init --images FOLDER"]
    else:
        network, data = network_for(images), _data_lines(folder, images)
        about = [f"# {images.text()}."]
        if left_out := images.found.left_out():
            about += [f"# {left_out}"]
    removable = removable_blocks(network)
    return "\n".join(
        [
            *about,
            "# What is not named here has its default; config/README.md explains every key.",
            "",
            *data,
            "",
            *_network_lines(network, removable, images),
            "",
            "# One run for each. Intervals and verdicts are over them: results need three or more.",
            SEEDS,
            "",
            "# What chooses the block to go. More to compare with: scratch, continued, shallowest,",
            "# and every single metric, such as cka.",
            f"criteria: {criteria}",
            "",
            "# Measures cheaply, for a first look. Take the line away for results.",
            "quick: true",
            "",
            "# What electricity emits: the world's average. Or {country_iso_code: DEU}, yours.",
            "energy: {carbon_intensity_g_per_kwh: 475}",
            "",
        ]
    )


def _data_lines(folder: Path, images: Images) -> list[str]:
    path = yaml.safe_dump(str(folder), allow_unicode=True, width=1_000_000).splitlines()[0]
    size = images.size
    lines = [
        "datasets:",
        f"  {dataset_name(folder)}:",
        "    kind: image_folder",
        f"    path: {path}",
    ]
    lines += ["    # the shorter side is brought to so many pixels, and the centre square cut out"]
    lines += [
        f"    image_size: {size}",
        f"    channels: {images.channels} # 1 is grey, 3 in colour",
    ]
    if 2 * sum(images.counts) * images.channels * size**2 > available_memory() // 2:
        lines += ["    # more than fits in memory: read from the files when they are needed"]
        lines += ["    stream: true"]
    if missing := [name for name in SHARES if name not in images.found.files]:
        lines += [
            "",
            f"# The folder has no split for {' and '.join(missing)}, so shares are taken.",
        ]
        taken = (f"{SHARES[name]}: {Split.model_fields[SHARES[name]].default}" for name in missing)
        lines += [f"split: {{{', '.join(taken)}}}"]
    lines += [
        "",
        "# Images are mirrored in training. Where a mirror image means something else (text):",
    ]
    lines += ["# training: {flip: false}", "# finetuning: {flip: false}"]
    usual = Probe.model_fields["images_per_class"].default
    if (fewest := images.smallest_class) < usual:
        lines += [
            "",
            f"# Blocks are scored on so many training images of each class; usually {usual}.",
        ]
        lines += [f"probe: {{images_per_class: {max(fewest, 1)}}}"]
    usual = AttackedImages.model_fields["count"].default
    if images.tested < usual:
        lines += [
            "",
            f"# All images of the test split are attacked, as there are few; usually {usual}.",
        ]
        lines += [f"attacked_images: {{count: {max(images.tested, 1)}}}"]
    return lines


def removable_blocks(network: str) -> int:
    """How many blocks of a network known by name can go when every stage keeps one."""
    stages: dict[str, list[bool]] = {}
    for block in blocks_of(architecture(network, {})):
        stages.setdefault(block.stage, []).append(block.removable)
    return sum(min(sum(can_go), len(can_go) - 1) for can_go in stages.values())


def _network_lines(network: str, removable: int, images: Images | None) -> list[str]:
    cifar = images is None or images.size <= LARGEST_CIFAR_SIZE
    usual = ("resnet20", "resnet32", "resnet56")
    others = usual if cifar else ("resnet18", "resnet50", "timm/convnext_atto")
    named = ", ".join(name for name in others if name != network)
    lines = [f"architectures: [{network}] # or another, such as {named}"]
    if not cifar:
        lines += ["# To start from ImageNet's weights, which are downloaded, instead of new ones:"]
        lines += [
            "# architectures:",
            f"#   {network}: {{weights: torchvision, new_classifier: true}}",
        ]
    removals = max(1, removable // 2)
    lines += ["", f"# Blocks to remove; {removable} could go. Or a target in place of this line:"]
    lines += ["# target: {macs_reduction: 40}", f"removals: {removals}"]
    return lines


def with_cost(text: str, forecast: Forecast) -> tuple[str, str]:
    """The configuration with what it takes as a comment at its head, and that in one line.

    It is tried as it stands and, before that, without ``quick``, which has every kind of work.
    Where even a quick look would take longer than :data:`FIRST_LOOK_SECONDS`, it is of one seed.
    """

    def tried(text: str) -> Mapping[str, Any]:
        with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            return forecast(Path(file.name))

    whole = tried(text.replace("quick: true", "quick: false"))
    if (look := tried(text))["seconds"] > FIRST_LOOK_SECONDS:
        text = text.replace(SEEDS, ONE_SEED)
        look = tried(text)
    quick, full = duration_text(look["seconds"]), duration_text(whole["seconds"])
    where = f"{look['device']}, {look['jobs_at_a_time']} jobs at a time"
    line = f"about {quick} on this machine ({where}); without 'quick' {full}"
    return f"# It takes {line}.\n{text}", line


def check_new(path: Path) -> None:
    """Raise FileExistsError or FileNotFoundError, in one line, unless a file can be begun there."""
    if path.is_dir():
        raise FileExistsError(
            f"{path} is a folder; name a file, such as {quoted_command('init', path / 'mine.yaml')}"
        )
    if path.exists() or path.is_symlink():
        raise FileExistsError(
            f"{path} is there already and stays as it is; name another file, such as "
            + quoted_command("init", path.with_stem(path.stem + "-2"))
        )
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path.parent} is no folder; make it first")


def write_new(path: Path, text: str) -> None:
    """Write a file where there is none, see :func:`check_new`."""
    check_new(path)
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
