"""Corrupted and newly collected images by several jobs: the same record as of one."""

import numpy as np
import pytest
from linear_network import Linear

from layer_pruning.attacks.shift import BuiltIn, shift_record
from layer_pruning.attacks.shift_result import join_files, join_shifts, read_shift, write_shift

NAMES = ["gaussian_noise", "brightness", "motion_blur"]


class Official:
    """Images that others corrupted: darker with the severity; clean ones are not known."""

    def __init__(self, images, labels):
        self.pixels, self.labels, self.images = images, labels, len(images)

    def clean(self, chosen):
        return None

    def part(self, corruption, severity, chosen):
        return self.pixels[chosen] / severity, self.labels[chosen]


def images_of(generator, count):
    return generator.random((count, 1, 8, 8), dtype=np.float32), generator.integers(0, 4, count)


@pytest.fixture
def record(generator):
    """A function from a shard to its record of 23 chosen images of 30, and of 9 new ones."""
    images, labels = images_of(generator, 30)
    anew = images_of(generator, 9)
    network = Linear(4).eval()

    def made(shard=None, official=False, corruptions=NAMES, batch_size=4):
        made_here = BuiltIn(30, lambda chosen: (images[chosen], labels[chosen]), seed=0)
        return shift_record(
            network,
            Official(images, labels) if official else made_here,
            corruptions=corruptions,
            severities=[1, 3, 5],
            chosen=np.arange(3, 26) if corruptions else np.arange(0),
            shifted={"new": ((255 * anew[0]).astype(np.uint8), anew[1])},
            batch_size=batch_size,
            shard=shard,
        )

    return made


@pytest.mark.parametrize("count", [1, 2, 5, 8])
@pytest.mark.parametrize(
    "which", [{}, {"official": True}, {"corruptions": []}], ids=["made here", "official", "new"]
)
def test_shards_joined_are_what_one_job_writes_byte_for_byte(record, which, count, tmp_path):
    write_shift(tmp_path / "whole.json", record(**which))
    shards = [tmp_path / f"shard-{number:03d}.json" for number in range(count)]
    for number, path in enumerate(shards):
        write_shift(path, record((number, count), **which))
    join_files(tmp_path / "joined.json", shards)
    joined, whole = (tmp_path / f"{name}.json" for name in ("joined", "whole"))
    assert joined.read_bytes() == whole.read_bytes()
    read = read_shift(joined)
    assert len(read["shifted"]["new"]["correct"]) == 9
    assert read["image_indices"] == (list(range(3, 26)) if which.get("corruptions", 1) else [])


def test_every_shard_has_work_where_there_are_batches_enough(record):
    for number in range(3):
        part = record((number, 3))
        assert 7 <= len(part["image_indices"]) <= 8 and len(part["shifted"]["new"]["correct"]) > 0


def test_what_does_not_belong_together_is_refused(record):
    one, other = record((0, 2)), record((1, 2))
    for changed, says in (
        (one, "an image twice"),
        (other | {"severities": [1, 2, 3]}, "different corruptions .* severities"),
        (other | {"source": "official"}, "different corruptions .* source"),
        (record((1, 2), corruptions=NAMES[:2]), "different corruptions .* corruptions"),
        (other | {"shifted": {}}, "different corruptions .* shifted"),
    ):
        with pytest.raises(ValueError, match=says):
            join_shifts([one, changed])


def test_a_damaged_shard_is_named(record, tmp_path):
    shards = [tmp_path / "0.json", tmp_path / "1.json"]
    write_shift(shards[0], record((0, 2)))
    shards[1].write_text("{}")
    with pytest.raises(ValueError, match=str(shards[1])):
        join_files(tmp_path / "joined.json", shards)
    assert not (tmp_path / "joined.json").exists()
