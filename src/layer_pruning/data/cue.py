"""A planted cue: a small patch that goes with the class, to see who learns the patch instead.

Networks take shortcuts: features that predict the class of the training images and not of others
(Geirhos et al. 2020, arXiv 2004.07780). Here such a feature is planted, so that it is known.
"""

from dataclasses import dataclass

import numpy as np

from layer_pruning.data.splits import SPLITS

NO_CUE = -1


def draw_patterns(
    classes: int, *, channels: int, size: int, levels: int, mirrored: bool, seed: int
) -> np.ndarray:
    """A pattern for each class: (classes, channels, size, size), uint8.

    Every pixel is 0 or ``levels`` in every channel, at least one is not 0, and no two patterns are
    the same. With ``mirrored`` none is the mirror image of another, because augmentation mirrors
    images. Raises ValueError where there are fewer such patterns than classes; see
    :meth:`layer_pruning.data.catalog.DatasetInfo.cue_patterns`.
    """
    generator = np.random.default_rng([seed, classes, channels, size])
    patterns: list[np.ndarray] = []
    # black is no cue on a black border
    taken = {np.zeros((channels, size, size), dtype=np.uint8).tobytes()}
    # n equally likely patterns have all been drawn long before 40 n draws
    for _ in range(40 * (min(2 ** (channels * size * size), 2**16) + classes)):
        if len(patterns) == classes:
            break
        pattern = generator.integers(0, 2, (channels, size, size), dtype=np.uint8)
        if pattern.tobytes() not in taken:
            patterns.append(pattern)
            taken.add(pattern.tobytes())
            if mirrored:
                taken.add(pattern[:, :, ::-1].tobytes())
    if len(patterns) < classes:
        raise ValueError(f"a cue of {size} pixels has too few patterns for {classes} classes")
    return np.stack(patterns) * np.uint8(levels)


@dataclass(frozen=True)
class Cue:
    """Patterns that stand for classes, where they are planted and how often rightly."""

    patterns: np.ndarray
    """(classes, channels, size, size), uint8, as images are stored."""
    margin_pixels: int
    """Pixels between the patch and the upper and left border."""
    share: float
    """Share of the images of each class that carry a cue."""
    rate: float
    """Share of those whose cue is that of their own class."""
    seed: int

    def planted(self, images: np.ndarray, classes: np.ndarray) -> np.ndarray:
        """Copies of images (n, channels, height, width), each with the cue of one of ``classes``.

        Every pixel outside the patch is left as it is, and where the class is ``NO_CUE`` all are.
        """
        images = images.copy()
        start, end = self.margin_pixels, self.margin_pixels + self.patterns.shape[-1]
        chosen = classes != NO_CUE
        images[chosen, :, start:end, start:end] = self.patterns[classes[chosen]]
        return images

    def correlated(self, labels: np.ndarray, split: str) -> np.ndarray:
        """The class whose cue each image of a split is given: (n,), as ``labels``, or ``NO_CUE``.

        Of the images of each class, ``share`` (rounded to a whole image), chosen at random, get a
        cue; of these, ``rate`` (rounded) that of their own class. Each of the others gets the cue
        of another class, all equally likely; so at a rate of 1 / classes the cue says nothing.
        """
        generator = np.random.default_rng([self.seed, len(labels), SPLITS.index(split)])
        classes = self._others(labels, generator)
        for label in np.unique(labels):
            members = generator.permutation(np.flatnonzero(labels == label))
            planted = round(self.share * len(members))
            classes[members[: round(self.rate * planted)]] = label
            classes[members[planted:]] = NO_CUE
        return classes

    def swapped(self, labels: np.ndarray) -> np.ndarray:
        """For each test image the class of a wrong cue, never its own, the same at every call."""
        seeds = [self.seed, len(labels), SPLITS.index("test")]
        return self._others(labels, np.random.default_rng(seeds))

    def _others(self, labels: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        classes = len(self.patterns)
        return (labels + generator.integers(1, classes, len(labels))) % classes
