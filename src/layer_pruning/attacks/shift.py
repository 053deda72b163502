"""Accuracy where test images are not like those of training: corrupted, or collected anew."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from layer_pruning.attacks.catalog import BUILT_IN, OFFICIAL
from layer_pruning.attacks.corruptions import corrupt
from layer_pruning.attacks.guards import check_images, check_network
from layer_pruning.runtime.shards import WHOLE, Shard

Part = tuple[np.ndarray, np.ndarray]
Progress = Callable[[str], None]


class Source(Protocol):
    """Where corrupted images come from; images (n, c, h, w) in [0, 1] and labels (n,)."""

    @property
    def images(self) -> int:
        """How many there are at each severity of each corruption."""

    def clean(self, chosen: np.ndarray) -> Part | None:
        """The chosen images without a corruption, where they are known."""

    def part(self, corruption: str, severity: int, chosen: np.ndarray) -> Part:
        """The chosen images, corrupted; an image has the same number everywhere."""


class TestImages(Protocol):
    """A data set, as far as it is asked here."""

    def labels_of(self, split: str) -> np.ndarray:
        """Labels (n,) of a split."""

    def part(self, split: str, chosen: np.ndarray) -> Part:
        """Images (n, c, h, w) in [0, 1] and labels (n,) of the chosen ones of a split."""


class BuiltIn:
    """The corruptions of :mod:`layer_pruning.attacks.corruptions`, made when they are needed.

    ``images`` are all clean ones, ``load`` returns those chosen, with their labels.
    """

    def __init__(self, images: int, load: Callable[[np.ndarray], Part], seed: int) -> None:
        self.images = images
        self._load = load
        self._seed = seed
        self._last: tuple[np.ndarray, Part] | None = None

    @classmethod
    def of(cls, data: TestImages, seed: int) -> "BuiltIn":
        """Those of the test split of a data set."""
        return cls(len(data.labels_of("test")), partial(data.part, "test"), seed)

    def clean(self, chosen: np.ndarray) -> Part:
        """The chosen images; the last ones are kept, for all their corruptions."""
        if self._last is None or not np.array_equal(self._last[0], chosen):
            self._last = (chosen, self._load(chosen))
        return self._last[1]

    def part(self, corruption: str, severity: int, chosen: np.ndarray) -> Part:
        """The chosen images, corrupted."""
        images, labels = self.clean(chosen)
        pixels = torch.from_numpy(images)
        corrupted = corrupt(pixels, corruption, severity, indices=chosen.tolist(), seed=self._seed)
        return corrupted.numpy(), labels


def shift_record(
    network: nn.Module,
    source: Source,
    *,
    corruptions: Sequence[str],
    severities: Sequence[int],
    chosen: np.ndarray,
    shifted: Mapping[str, Part],
    batch_size: int,
    shard: tuple[int, int] | None = None,
    progress: Progress = lambda text: None,
) -> dict[str, Any]:
    """The content of ``corruptions.json``, or of a shard's part of it for :func:`join_shifts`.

    ``chosen`` (n) are the numbers of the images that are corrupted, ``shifted`` test sets that were
    collected anew, by name. Per image, the number of corruptions and severities at which it is
    classified correctly is kept, so that two networks can be compared on the same images.
    ``corrupted_accuracy`` is the plain mean over corruptions and severities. Batches bound the
    memory; no result depends on them, but for the rounding of sums. A shard (which one, of how
    many) has its part of the batches of every set, which are those of the whole.

    Raises ValueError where a guard finds that the numbers would mean nothing (see ``guards``).
    """
    own = Shard(*(shard or WHOLE))
    chosen = chosen[own.of(len(chosen), batch_size)]
    shifted = {
        name: (images[place], labels[place])
        for name, (images, labels) in shifted.items()
        for place in [own.of(len(labels), batch_size)]
    }
    counts = {name: dict.fromkeys(severities, 0) for name in corruptions}
    of_image = np.zeros(len(chosen), dtype=int)
    clean_correct: int | None = 0
    starts = range(0, len(chosen), batch_size) if corruptions else range(0)
    for start in starts:
        places = slice(start, start + batch_size)
        clean = source.clean(chosen[places])
        if clean is None:
            clean_correct = None
        elif clean_correct is not None:
            clean_correct += int(_correct(network, clean, guard=True).sum())
        for name in corruptions:
            progress(f"{start} of {len(chosen)} images: {name}")
            for severity in severities:
                part = source.part(name, severity, chosen[places])
                right = _correct(network, part, guard=clean is None)
                counts[name][severity] += int(right.sum())
                of_image[places] += right
    tests = len(corruptions) * len(severities) * len(chosen)
    built_in = isinstance(source, BuiltIn)
    return {
        "source": "built-in" if built_in else "official",
        "note": BUILT_IN if built_in else OFFICIAL,
        "image_indices": chosen.tolist() if corruptions else [],
        "clean_correct": clean_correct if corruptions else None,
        "severities": list(severities),
        "corruptions": {name: list(of.values()) for name, of in counts.items()},
        "correct_of_image": of_image.tolist() if corruptions else [],
        "corrupted_accuracy": int(of_image.sum()) / tests if tests else None,
        "shifted": {
            name: {"correct": _in_batches(network, part, batch_size)}
            for name, part in shifted.items()
        },
    }


def _in_batches(network: nn.Module, part: Part, size: int) -> list[int]:
    images, labels = part
    right: list[int] = []
    for start in range(0, len(labels), size):
        batch = (images[start : start + size], labels[start : start + size])
        right += _correct(network, batch, guard=True).astype(int).tolist()
    return right


def _correct(network: nn.Module, part: Part, *, guard: bool) -> np.ndarray:
    """Which images (n,) are classified correctly; with ``guard``, the network is checked too."""
    device = next((p.device for p in network.parameters()), torch.device("cpu"))
    images, labels = _scaled(part[0]).to(device), torch.from_numpy(part[1]).long().to(device)
    check_images(images, labels)
    if guard:
        logits = check_network(network, images, labels)
    else:
        with torch.no_grad():
            logits = network(images)
    # logits that are not finite say nothing, so they never count as correct
    right = (logits.argmax(1) == labels) & logits.isfinite().all(1)
    return right.cpu().numpy()


def _scaled(images: np.ndarray) -> Tensor:
    """Images in [0, 1]; bytes are 255ths."""
    pixels = torch.from_numpy(np.ascontiguousarray(images))
    return pixels.float() / 255 if pixels.dtype == torch.uint8 else pixels
