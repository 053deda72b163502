"""Data sets that stay in their files until they are needed."""

import numpy as np
import pytest
import torch
from PIL import Image

from layer_pruning.data.augmentation import seeded
from layer_pruning.data.catalog import complete_settings, dataset_info
from layer_pruning.data.image_file import read_data, write_data
from layer_pruning.data.loading import StreamedSplit, split_on
from layer_pruning.data.manifest import ImageManifest
from layer_pruning.data.prepare import prepare
from layer_pruning.data.splits import SPLITS

CPU = torch.device("cpu")
SPLIT = {"validation_fraction": 0.25, "test_fraction": 0.25, "seed": 0}


@pytest.fixture
def settings(write_image, tmp_path):
    """A folder of twelve colour photographs of two classes, each of another size."""
    for label in "ab":
        for index in range(6):
            write_image(f"photos/{label}/{index}.png", (20 + index, 31 - 2 * index, 3))
    given = {"kind": "image_folder", "path": str(tmp_path / "photos"), "image_size": 8}
    return complete_settings("photos", given)


@pytest.fixture
def both(settings):
    """The same folder in memory, and streamed."""
    return prepare(settings, **SPLIT), prepare(settings | {"stream": True}, **SPLIT)


def test_it_is_the_same_data_set_as_in_memory(both):
    memory, streamed = both
    assert isinstance(streamed, ImageManifest)
    assert streamed.description() == memory.description()
    for split in SPLITS:
        images, labels = memory.part(split)
        assert np.array_equal(streamed.labels_of(split), labels)
        for chosen in (slice(None), slice(2), np.array([1, 0])):
            read, theirs = streamed.part(split, chosen)
            assert read.dtype == np.float32
            assert np.array_equal(read, images[chosen])
            assert np.array_equal(theirs, labels[chosen])


@pytest.mark.parametrize("workers", [0, 2])
def test_evaluation_sees_the_images_of_the_memory_in_order(both, workers):
    memory, streamed = both
    split = split_on(streamed, "train", CPU)
    split = StreamedSplit(split.manifest, split.names, split.labels, workers)
    for size in (1, 4, 100):
        images, labels = map(torch.cat, zip(*split.batches(size), strict=True))
        assert np.array_equal(images.numpy(), memory.part("train")[0])
        assert np.array_equal(labels.numpy(), memory.labels_of("train"))


def training_images(split, seed, workers, order):
    split = StreamedSplit(split.manifest, split.names, split.labels, workers)
    generator = torch.Generator().manual_seed(seed)
    batches = list(split.training_batches(torch.tensor(order).split(3), generator))
    assert all(images.dtype == torch.uint8 for images, _ in batches)
    images, labels = map(torch.cat, zip(*batches, strict=True))
    assert torch.equal(labels, split.labels[torch.tensor(order)])
    return images


def test_training_sees_parts_drawn_from_the_seed_whatever_the_workers_and_the_order(both):
    split = split_on(both[1], "train", CPU)
    order = [3, 0, 2, 1]
    state = torch.get_rng_state()
    one = training_images(split, 0, 0, order)
    assert one.shape == (4, 3, 8, 8)
    for workers in (1, 2):
        assert torch.equal(training_images(split, 0, workers, order), one)
    assert torch.equal(training_images(split, 0, 0, sorted(order))[order], one)
    other = training_images(split, 1, 0, order)
    assert all(not torch.equal(a, b) for a, b in zip(one, other, strict=True))
    assert torch.equal(torch.get_rng_state(), state)


def test_a_part_for_training_is_a_part_of_its_image(tmp_path, write_image):
    for label, colour in enumerate([(250, 0, 0), (0, 250, 0)]):
        for index in range(3):
            image = Image.new("RGB", (40, 40), colour)
            path = write_image(f"plain/{label}/{index}.png")
            image.save(path)
    given = {"kind": "image_folder", "path": str(tmp_path / "plain"), "image_size": 8}
    data = prepare(complete_settings("plain", given | {"stream": True}), **SPLIT)
    split = split_on(data, "train", CPU)
    ((images, labels),) = split.training_batches([torch.arange(2)], torch.Generator())
    for image, label in zip(images, labels, strict=True):
        assert (image[label] == 250).all() and image.sum() == 250 * 64


def test_equal_images_are_cut_differently(both, tmp_path):
    split = split_on(both[1], "train", CPU)
    first, *others = (tmp_path / "photos" / name for name in split.names)
    for path in others:
        path.write_bytes(first.read_bytes())
    images = training_images(split, 0, 0, [0, 1, 2, 3])
    assert len({image.numpy().tobytes() for image in images}) == 4


def test_a_data_file_holds_names_and_no_pixels(both, tmp_path):
    memory, streamed = both
    write_data(tmp_path / "data.npz", streamed)
    assert read_data(tmp_path / "data.npz").part("test")[0].tobytes() == (
        memory.part("test")[0].tobytes()
    )
    read = read_data(tmp_path / "data.npz")
    assert read.names == streamed.names and read.description() == streamed.description()
    with np.load(tmp_path / "data.npz") as file:
        assert "images" not in file


@pytest.mark.parametrize("workers", [0, 1])
def test_a_file_that_is_gone_is_named_in_one_line(both, tmp_path, workers):
    split = split_on(both[1], "train", CPU)
    split = StreamedSplit(split.manifest, split.names, split.labels, workers)
    (tmp_path / "photos" / split.names[1]).unlink()
    for batches in (
        split.batches(2),
        split.training_batches([torch.arange(2)], torch.Generator()),
    ):
        with pytest.raises(ValueError, match=rf"{split.names[1]}: no longer readable") as caught:
            list(batches)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("stream", [False, True])
def test_corrupt_files_are_found_before_training_with_any_number_of_workers(
    settings, tmp_path, stream
):
    for name in ("a/3.png", "b/5.png"):
        path = tmp_path / "photos" / name
        path.write_bytes(path.read_bytes()[:-50])
    messages = set()
    for workers in (1, 2):
        with pytest.raises(ValueError, match=r"2 images, the first a/3\.png \(") as caught:
            prepare(settings | {"stream": stream}, workers=workers, **SPLIT)
        messages.add(str(caught.value))
    assert len(messages) == 1


def test_streaming_needs_a_size_and_takes_no_memory(settings):
    with pytest.raises(ValueError, match="'stream' needs an 'image_size'"):
        dataset_info(settings | {"stream": True, "image_size": None})
    assert dataset_info(settings | {"stream": True}).megabytes() == 0
    assert dataset_info(settings).megabytes() == 1


@pytest.mark.parametrize("seed", [0, 2**63, 2**64 - 1])
def test_a_seeded_image_draws_what_pytorch_s_seed_gives_and_leaves_the_generator_alone(seed):
    before = torch.get_rng_state()
    with seeded(seed):
        drawn = torch.rand(3), torch.randint(9, (4,))
    assert torch.equal(torch.get_rng_state(), before)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        expected = torch.rand(3), torch.randint(9, (4,))
    assert all(map(torch.equal, drawn, expected))
