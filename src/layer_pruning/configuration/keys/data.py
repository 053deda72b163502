"""Keys of data sets and of the images that are taken from them."""

from typing import Annotated, Literal

from annotated_types import Ge, Gt, Lt

from layer_pruning.configuration.keys.values import (
    Count,
    NotNegative,
    Number,
    Seed,
    Settings,
    Share,
    Text,
    Unique,
    Whole,
)
from layer_pruning.data.catalog import CUE

Fraction = Annotated[Number, Gt(0), Lt(1)]


class Cue(Settings):
    """Plants a cue for the class on the images of train and validation, to test for shortcut
    learning: `{}` for one as below. Empty for none."""

    share: Share = CUE["share"]
    """Share of the images of each class that carry a cue. The others stay as they are, so that test
    images without a cue are nothing new to the network."""
    rate: Share = CUE["rate"]
    """Share of those whose cue is that of their own class; the others carry that of another. At
    1 / classes the cue says nothing."""
    size_pixels: Count = CUE["size_pixels"]
    """Height and width of the patch."""
    margin_pixels: NotNegative | None = CUE["margin_pixels"]
    """Pixels from the patch to the upper and left border. Empty: an eighth of the width, as far as
    augmentation moves images by default."""


class Dataset(Settings):
    """A data set by a name of the user's."""

    kind: str | None = None
    """A known name, or `image_folder` for a folder of classes. The name by default."""
    path: Text | None = None
    """The folder, for `image_folder`. It holds a folder for each class, or `train` and `val`,
    `test` or both with a folder for each class."""
    image_size: Annotated[Whole, Ge(4)] | None = None
    """Each image's shorter side is brought to so many pixels and the centre square cut out. Empty:
    images stay as they are, and should have one size."""
    channels: Literal[1, 3] | None = None
    """1 makes all images grey, 3 coloured. Empty: images should be all grey or all in colour."""
    stream: bool | None = None
    """Read images from their files when they are needed, by `threads` workers, and train on random
    parts of them. Empty: a folder with `image_size` whose images would take more than 4 GB of
    memory, and no other."""
    cue: Cue | None = None
    corrupted: Text | None = None
    """Folder of the official corruptions of this data set, where you have them: that of CIFAR-10-C
    or CIFAR-100-C (`gaussian_noise.npy` …, `labels.npy`), or of ImageNet-C
    (`corruption/severity/class`). Empty: corruptions are made here, and are comparable with nothing
    published."""
    shifted: Unique[Text] = []
    """Test sets that were collected anew for the same classes: files such as
    `cifar10.1_v6_data.npy` (with `cifar10.1_v6_labels.npy` beside it) or `cifar102_test.npz`."""
    published: Literal["cifar10", "imagenet"] | None = None
    """For an `image_folder`: the data set that these images are, as others name it in print,
    `cifar10` or `imagenet`. The points of `config/published/points.csv` about it and the
    architecture are then drawn in `pareto.svg`, hollow: your files and splits may differ. `cifar10`
    itself needs no such key."""


class Split(Settings):
    """How splits that a data set does not have of its own are taken from its training images,
    stratified by class."""

    validation_fraction: Fraction = 0.1
    """Share of each class for validation, which chooses nothing but the best epoch and, by a
    `target`, a network."""
    test_fraction: Fraction = 0.25
    """Share of each class for the test, which only `evaluate`, `attack` and the check of an
    `export` read."""
    seed: Seed = 0
    """Seed of the split. One split for all seeds of training."""


class Probe(Settings):
    """The labelled training images on which blocks are scored."""

    images_per_class: Count = 40
    """As many of every class, drawn once for each data set and seed."""
