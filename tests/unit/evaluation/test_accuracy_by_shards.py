import numpy as np
import pytest
import torch

from layer_pruning.data.image_file import ImageData
from layer_pruning.evaluation import accuracy
from layer_pruning.evaluation.accuracy import join_outputs, outputs_of_splits, write_outputs


@pytest.fixture
def data(generator):
    """Fifty images of three classes, ten of them for validation and twenty-three to test on."""
    return ImageData(
        images=generator.integers(0, 256, (50, 1, 4, 4)).astype(np.uint8),
        labels=np.arange(50) % 3,
        split=np.repeat([0, 1, 2], [17, 10, 23]).astype(np.uint8),
        class_names=("a", "b", "c"),
    )


@pytest.mark.parametrize("count", [1, 2, 3, 9])
def test_shards_joined_are_what_one_job_gives_bit_for_bit(data, count, tmp_path, monkeypatch):
    monkeypatch.setattr(accuracy, "BATCH", 4)
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 3))
    expected = outputs_of_splits(network, data, torch.device("cpu"))
    shards = [tmp_path / f"{number}.safetensors" for number in range(count)]
    for number, path in enumerate(shards):
        write_outputs(path, outputs_of_splits(network, data, torch.device("cpu"), (number, count)))
    joined = join_outputs(shards)
    assert list(joined) == list(expected) == ["validation", "test"]
    for split, (logits, labels) in expected.items():
        assert torch.equal(joined[split][0], logits) and torch.equal(joined[split][1], labels)
    assert [len(labels) for _, labels in joined.values()] == [10, 23]


def test_a_damaged_shard_is_named(tmp_path):
    path = tmp_path / "0.safetensors"
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(ValueError, match=rf"{path}: .*run the workflow again"):
        join_outputs([path])
