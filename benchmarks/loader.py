"""Images a second from JPEG files to batches that a network can be trained on, beside torchvision.

    OMP_NUM_THREADS=1 PYTHONPATH=src python benchmarks/loader.py
    OMP_NUM_THREADS=1 PYTHONPATH=src python benchmarks/loader.py --files 5000 --workers 1 2

Files of 400 × 400 pixels are written once (`--folder` keeps them), as large as those of ImageNet.
*Reference* are the transforms of torchvision's reference training: Pillow decodes, a random part is
cut out and resized to 224 × 224, flipped, made a tensor of floats and normalised, each image by
itself in the workers of a DataLoader. *Ours* is what the training loop of this package takes from
a streamed data set, with flip and normalisation. *Tensors* is the reference with torchvision's own
decoder and `transforms.v2` on tensors. All end in the same: float32 batches, normalised. Repeats
take turns on the same images; medians, with the least and the largest in brackets.

With `--train NETWORK`, the share of the time that a training on this processor waits for images.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import torch
from options import parser_of
from pictures import write_pictures
from torch import Tensor
from torch.utils.data import DataLoader, Subset
from torchvision.datasets import ImageFolder
from torchvision.io import ImageReadMode, decode_image, read_file
from torchvision.transforms import v2

from layer_pruning.data.augmentation import augmented
from layer_pruning.data.loading import StreamedSplit
from layer_pruning.data.manifest import ImageManifest
from layer_pruning.models.architectures import architecture
from layer_pruning.models.bodies import new_body

SIZE, BATCH, CLASSES = 224, 64, 10
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
Batches = Iterable[tuple[Tensor, Tensor]]


def of_reference(folder: Path, chosen: list[int], workers: int) -> Batches:
    """Torchvision's reference transforms, on Pillow's images."""
    transform = v2.Compose(
        [
            v2.RandomResizedCrop(SIZE, antialias=True),
            v2.RandomHorizontalFlip(),
            v2.PILToTensor(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(MEAN, STD),
        ]
    )
    data = Subset(ImageFolder(folder, transform), chosen)
    return DataLoader(data, BATCH, shuffle=True, num_workers=workers)


def of_tensors(folder: Path, chosen: list[int], workers: int) -> Batches:
    """The same on tensors, decoded by torchvision."""
    transform = v2.Compose(
        [
            v2.RandomResizedCrop(SIZE, antialias=True),
            v2.RandomHorizontalFlip(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(MEAN, STD),
        ]
    )
    data = ImageFolder(
        folder, transform, loader=lambda path: decode_image(read_file(path), ImageReadMode.RGB)
    )
    return DataLoader(Subset(data, chosen), BATCH, shuffle=True, num_workers=workers)


def ours(folder: Path, chosen: list[int], workers: int) -> Iterator[tuple[Tensor, Tensor]]:
    """What the training loop takes from a streamed data set."""
    listed = ImageFolder(folder)
    names = tuple(str(Path(path).relative_to(folder)) for path, _ in listed.samples)
    labels = np.array(listed.targets)
    manifest = ImageManifest(
        root=str(folder),
        names=names,
        labels=labels,
        split=np.zeros(len(names), dtype=np.uint8),
        class_names=tuple(listed.classes),
        input_shape=(3, SIZE, SIZE),
        mean=MEAN,
        std=STD,
    )
    split = StreamedSplit(manifest, list(names), torch.from_numpy(labels), workers)
    generator = torch.Generator().manual_seed(0)
    order = torch.tensor(chosen)[torch.randperm(len(chosen), generator=generator)]
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD))
    for images, found in split.training_batches(order.split(BATCH), generator):
        flipped = augmented(images, shift_pixels=0, flip=True, generator=generator)
        yield (split.floats(flipped) - mean) / std, found


WAYS: dict[str, Callable[[Path, list[int], int], Batches]] = {
    "reference": of_reference,
    "ours": ours,
    "tensors": of_tensors,
}


def rates_of(batches: Batches, count: int) -> tuple[float, float]:
    """Images a second of wall time, and of CPU time of this process and its workers."""
    begun, used = time.perf_counter(), sum(os.times()[:4])
    seen = 0
    for images, _ in batches:
        assert images.shape[1:] == (3, SIZE, SIZE) and images.dtype == torch.float32
        seen += len(images)
    assert seen == count
    # the workers have ended and count as children
    return seen / (time.perf_counter() - begun), seen / (sum(os.times()[:4]) - used)


def waiting(batches: Batches, network: torch.nn.Module) -> float:
    """The share of a training's time in which it waits for images, from the second batch on."""
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-3)
    waited, total, left = 0.0, 0.0, time.perf_counter()
    for number, (images, labels) in enumerate(batches):
        come = time.perf_counter()
        torch.nn.functional.cross_entropy(network(images), labels).backward()
        optimizer.step()
        if number:
            waited += come - left
            total += time.perf_counter() - left
        left = time.perf_counter()
    return waited / total


def spread(values: np.ndarray, digits: int = 0) -> str:
    """Median, least and largest."""
    ends = (np.median(values), values.min(), values.max())
    middle, least, most = (f"{value:.{digits}f}" for value in ends)
    return f"{middle} ({least} to {most})"


def main() -> None:
    """Print the tables."""
    given = parsed()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        if not any(folder.glob("class*")):
            write_pictures(folder, classes=CLASSES, each=given.files // CLASSES)
        files = sum(1 for _ in folder.rglob("*.jpg"))
        generator = np.random.default_rng(0)
        print("| workers | way | images/s | of the reference | images/CPU s | of the reference |")
        print("|---|---|---|---|---|---|")
        for workers in given.workers:
            rates: dict[str, list[tuple[float, float]]] = {name: [] for name in WAYS}
            for _ in range(given.repeats):
                chosen = generator.choice(files, given.images, replace=False).tolist()
                for name in generator.permutation(list(WAYS)):
                    way = WAYS[name](folder, chosen, workers)
                    rates[name].append(rates_of(way, given.images))
            for name, found in rates.items():
                cells = [str(workers), name]
                both = np.array(found).T, np.array(rates["reference"]).T
                for values, theirs in zip(*both, strict=True):
                    cells += [spread(values), spread(values / theirs, 2)]
                print(f"| {' | '.join(cells)} |", flush=True)
        if given.train:
            chosen = generator.choice(files, 3 * BATCH, replace=False).tolist()
            for workers in given.workers:
                whole = architecture(given.train, {}, (3, SIZE, SIZE))
                network = new_body(whole, input_shape=(3, SIZE, SIZE), classes=CLASSES).train()
                share = waiting(ours(folder, chosen, workers), network)
                print(f"{given.train}, {workers} workers: waiting {100 * share:.1f} %")


def parsed() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = parser_of(__doc__)
    parser.add_argument("--folder", type=Path, help="where the files are, or are to be kept")
    parser.add_argument("--files", type=int, default=1000, help="files that are written [1000]")
    parser.add_argument("--images", type=int, default=320, help="images of a repeat [320]")
    parser.add_argument("--repeats", type=int, default=5, help="repeats of each way [5]")
    parser.add_argument("--workers", type=int, nargs="+", default=[1], help="processes [1]")
    parser.add_argument("--train", help="a network of torchvision, to see how long it waits")
    return parser.parse_args()


if __name__ == "__main__":
    main()
