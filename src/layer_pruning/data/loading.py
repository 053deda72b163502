"""Batches of a split on the device of a run, from memory or from files."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from layer_pruning.data.augmentation import drawing_from, rand_augmented
from layer_pruning.data.image_file import ImageData
from layer_pruning.data.manifest import ImageManifest, channels_first, resized
from layer_pruning.runtime.random_draws import seeded


@dataclass(frozen=True)
class Split:
    """Images (n, channels, height, width) and labels (n,), on the device of the run."""

    images: Tensor
    """Floating point in [0, 1], or uint8 in steps of 1 / ``levels``, a quarter of the memory."""
    labels: Tensor
    levels: int = 255

    def input_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of one image."""
        channels, height, width = self.images.shape[1:]
        return channels, height, width

    def pixels(self) -> int:
        """Pixels of one image."""
        return self.images.shape[2] * self.images.shape[3]

    def floats(self, images: Tensor) -> Tensor:
        """Some of the images in [0, 1]."""
        return images if images.is_floating_point() else images.float().div_(self.levels)

    def part(self, chosen: slice) -> "Split":
        """Some of the images."""
        return Split(self.images[chosen], self.labels[chosen], self.levels)

    def training_batches(
        self,
        indices: Sequence[Tensor],
        generator: torch.Generator,
        *,
        rand_augment: int = 0,
        rank: int = 0,
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Images as they are stored and labels of each batch of ``indices``.

        Changed by :func:`layer_pruning.data.augmentation.rand_augmented` with the magnitude
        ``rand_augment``. ``generator`` is for that, and for splits that cut images at random;
        processes of another ``rank``, whose batches are parts of the same ones, share its state.
        """
        for chosen in indices:
            images = self.images[chosen]
            if rand_augment:
                with drawing_from(generator, rank):
                    images = rand_augmented(images, rand_augment, levels=self.levels)
            yield images, self.labels[chosen]

    def batches(self, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """All images in order, in [0, 1], and their labels."""
        for images, labels in zip(self.images.split(size), self.labels.split(size), strict=True):
            yield self.floats(images), labels


class _Files(Dataset):
    """Decoded images by their index; with a seed, each a random part of its image.

    What is cut from an image depends on seed and index alone, not on the worker that does it.
    """

    def __init__(
        self, manifest: ImageManifest, names: list[str], seed: int | None, rand_augment: int
    ) -> None:
        # half a second that only streamed data sets need
        from torchvision.transforms import v2

        self.manifest, self.names, self.seed = manifest, names, seed
        self.rand_augment = rand_augment
        self.size = manifest.input_shape[1]
        self.crop = v2.RandomResizedCrop(self.size, antialias=True)

    def __getitem__(self, index: int) -> tuple[int, Tensor] | str:
        try:
            image = self.manifest.opened(self.names[index])
        except ValueError as error:
            # an error raised in a worker would come back as a traceback of many lines
            return str(error)
        if self.seed is None:
            image = resized(image, self.size)
        else:
            state = np.random.SeedSequence([self.seed, int(index)]).generate_state(1, np.uint64)
            with seeded(int(state[0])):
                pixels = torch.from_numpy(channels_first(self.crop(image)).copy())
                return int(index), rand_augmented(pixels[None], self.rand_augment)[0]
        return int(index), torch.from_numpy(channels_first(image).copy())


def _joined(items: list[Any]) -> tuple[Tensor, Tensor] | str:
    for item in items:
        if isinstance(item, str):
            return item
    indices, images = zip(*items, strict=True)
    return torch.tensor(indices), torch.stack(images)


@dataclass(frozen=True)
class StreamedSplit:
    """A split that worker processes read from its files, batch by batch."""

    manifest: ImageManifest
    names: list[str]
    labels: Tensor
    """(n,), on the device of the run."""
    workers: int
    """Processes; 0 to read in this one."""

    def input_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of one image."""
        return self.manifest.input_shape

    def pixels(self) -> int:
        """Pixels of one image."""
        return self.manifest.input_shape[1] * self.manifest.input_shape[2]

    def floats(self, images: Tensor) -> Tensor:
        """Some of the images in [0, 1]."""
        return images.float().div_(255)

    def _read(
        self, indices: Sequence[Sequence[int]], seed: int | None, rand_augment: int = 0
    ) -> Iterator[tuple[Tensor, Tensor]]:
        device = self.labels.device
        loader = DataLoader(
            _Files(self.manifest, self.names, seed, rand_augment),
            batch_sampler=indices,  # type: ignore[arg-type]
            num_workers=self.workers,
            collate_fn=_joined,
            pin_memory=device.type == "cuda",
            # a generator of its own: the global one is left alone
            generator=torch.Generator(),
        )
        for batch in loader:
            if isinstance(batch, str):
                raise ValueError(batch)
            chosen, images = batch
            yield images.to(device, non_blocking=True), self.labels[chosen.to(device)]

    def part(self, chosen: slice) -> "StreamedSplit":
        """Some of the images."""
        return StreamedSplit(self.manifest, self.names[chosen], self.labels[chosen], self.workers)

    def training_batches(
        self,
        indices: Sequence[Tensor],
        generator: torch.Generator,
        *,
        rand_augment: int = 0,
        rank: int = 0,
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """A random part of each image (uint8) and labels of each batch of ``indices``.

        Changed as in :meth:`Split.training_batches`, by the workers; an image is changed alike
        whatever the ``rank``.
        Raises ValueError naming a file that is no longer readable.
        """
        seed = int(torch.randint(2**62, (), generator=generator))
        yield from self._read([chosen.tolist() for chosen in indices], seed, rand_augment)

    def batches(self, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """The centre of all images in order, in [0, 1], and their labels."""
        indices = range(len(self.names))
        parts = [indices[start : start + size] for start in range(0, len(indices), size)]
        for images, labels in self._read(parts, None):
            yield self.floats(images), labels


def split_on(
    data: ImageData | ImageManifest, split: str, device: torch.device
) -> Split | StreamedSplit:
    """A split of a data set for use on ``device``. As many workers as PyTorch has threads."""
    if isinstance(data, ImageManifest):
        labels = torch.from_numpy(data.labels_of(split)).to(device)
        return StreamedSplit(data, data.names_of(split), labels, torch.get_num_threads())
    images, labels = (torch.from_numpy(values).to(device) for values in data.stored(split))
    return Split(images, labels, levels=data.levels)
