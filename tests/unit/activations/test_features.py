import numpy as np
import pytest

from layer_pruning.activations.features import (
    Activations,
    ImageActivations,
    activations_file,
    read_activations,
)


@pytest.fixture
def planted(generator):
    """Activations of seven images and two candidates."""
    return Activations(
        *(
            generator.normal(size=shape).astype(np.float32)
            for shape in [(7, 5), (2, 7, 5), (7, 3), (2, 7, 3)]
        ),
        labels=np.arange(7) % 3,
        blocks=np.array(["stage1.block2", "stage2.block2"]),
        probe_indices=np.arange(7) * 10,
    )


def part_of(whole, first, last):
    return ImageActivations(
        whole.features[first:last],
        whole.features_bypassed[:, first:last],
        whole.logits[first:last],
        whole.logits_bypassed[:, first:last],
    )


def written(path, whole, *ends):
    about = {"labels": whole.labels, "probe_indices": whole.probe_indices}
    with activations_file(path, blocks=whole.blocks.tolist(), **about) as append:
        for first, last in zip((0, *ends), ends, strict=False):
            append(part_of(whole, first, last))


@pytest.mark.parametrize("ends", [(7,), (3, 6, 7), (1, 2, 3, 4, 5, 6, 7)])
def test_parts_make_the_whole_as_plain_numpy_reads_it(planted, ends, tmp_path):
    path = tmp_path / "new" / "activations.npz"
    written(path, planted, *ends)
    read = read_activations(path)
    with np.load(path, allow_pickle=False) as file:
        for field in Activations.__dataclass_fields__:
            expected = getattr(planted, field)
            assert np.array_equal(getattr(read, field), expected)
            assert np.array_equal(file[field], expected)
            assert file[field].dtype == expected.dtype
    assert [file.name for file in path.parent.iterdir()] == ["activations.npz"]


def test_the_same_activations_make_the_same_bytes(planted, tmp_path):
    for name, ends in [("a.npz", (7,)), ("b.npz", (2, 7))]:
        written(tmp_path / name, planted, *ends)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda whole: whole.features_bypassed.__setitem__((1, 4, 2), np.nan), "not finite"),
        (lambda whole: whole.logits.__setitem__((6, 0), np.inf), "not finite"),
        (lambda whole: whole.logits_bypassed.__setitem__((0, 6), -np.inf), "not finite"),
        (lambda whole: object.__setattr__(whole, "labels", np.zeros(8)), "7 images .* expected 8"),
        (
            lambda whole: object.__setattr__(whole, "blocks", whole.blocks[:1]),
            "features_bypassed has 2 candidates, expected 1",
        ),
    ],
)
def test_what_is_wrong_is_named_and_the_file_before_stays(planted, spoil, message, tmp_path):
    path = tmp_path / "activations.npz"
    written(path, planted, 7)
    before = path.read_bytes()
    spoil(planted)
    with pytest.raises(ValueError, match=rf"activations\.npz: .*{message}"):
        written(path, planted, 3, 7)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["activations.npz"]


def test_logits_of_masked_classes_are_kept(planted, tmp_path):
    planted.logits[:, 0] = -np.inf
    planted.logits_bypassed[..., 0] = -np.inf
    written(tmp_path / "activations.npz", planted, 3, 7)
    read = read_activations(tmp_path / "activations.npz")
    assert np.array_equal(read.logits, planted.logits)
    assert np.array_equal(read.logits_bypassed, planted.logits_bypassed)


def test_a_damaged_file_is_named(planted, tmp_path):
    path = tmp_path / "activations.npz"
    written(path, planted, 7)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ValueError, match=r"activations\.npz: not a readable activations file"):
        read_activations(path)
    with pytest.raises(FileNotFoundError, match="no such activations file"):
        read_activations(tmp_path / "other.npz")
