import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layer_pruning.data.catalog import DATASETS, DatasetInfo, split_sizes
from layer_pruning.data.splits import (
    SPLITS,
    completed_split,
    fixed_subset,
    probe_set,
    stratified_split,
)

FRACTIONS = st.floats(0.05, 0.45)


@given(
    st.lists(st.integers(4, 60), min_size=1, max_size=6), FRACTIONS, FRACTIONS, st.integers(0, 9)
)
def test_every_class_is_cut_into_the_sizes_promised(sizes, validation, test, seed):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    np.random.default_rng(seed).shuffle(labels)
    options = {"validation_fraction": validation, "test_fraction": test}
    split = stratified_split(labels, seed=seed, **options)
    for label, size in enumerate(sizes):
        counts = tuple(np.bincount(split[labels == label], minlength=len(SPLITS)))
        assert counts == split_sizes(size, **options)


def test_the_split_depends_on_its_seed_alone():
    labels = np.arange(200) % 10
    options = {"validation_fraction": 0.1, "test_fraction": 0.2}
    one, same, other = (stratified_split(labels, seed=s, **options) for s in (0, 0, 1))
    assert np.array_equal(one, same) and not np.array_equal(one, other)


def test_the_probe_set_is_balanced_drawn_from_the_seed_and_never_repeats_an_image():
    labels = np.repeat(np.arange(5), [30, 40, 20, 50, 25])
    np.random.default_rng(1).shuffle(labels)
    probe = probe_set(labels, images_per_class=15, seed=0)
    assert np.array_equal(np.bincount(labels[probe]), [15] * 5)
    assert len(set(probe.tolist())) == 75
    assert np.array_equal(labels[probe], np.sort(labels[probe]))
    assert np.array_equal(probe, probe_set(labels, images_per_class=15, seed=0))
    assert not np.array_equal(probe, probe_set(labels, images_per_class=15, seed=1))


def test_more_probe_images_than_a_class_has_is_said():
    with pytest.raises(ValueError, match=r"probe\.images_per_class: 9 is more than the 8"):
        probe_set(np.repeat([0, 1], [20, 8]), images_per_class=9, seed=0)


def test_the_attacked_subset_is_the_same_whatever_else_happens():
    np.random.default_rng().random(5)
    assert np.array_equal(fixed_subset(100, 20, 3), fixed_subset(100, 20, 3))
    assert len(set(fixed_subset(100, 20, 3).tolist())) == 20


def test_the_catalogue_tells_the_truth_about_the_digits():
    from layer_pruning.data.digits import load_digits

    data = load_digits()
    info = DATASETS["digits"]
    assert tuple(np.bincount(data.labels)) == info.images_per_class
    assert data.images.shape[1:] == info.input_shape and len(data.class_names) == 10
    assert data.images.min() == 0 and data.images.max() == data.levels


def test_the_catalogue_adds_up_to_what_the_authors_say():
    said = {
        "cifar10": (50_000, 10_000, 10),
        "cifar100": (50_000, 10_000, 100),
        "fashion_mnist": (60_000, 10_000, 10),
        "svhn": (73_257, 26_032, 10),
    }
    for name, (train, test, classes) in said.items():
        info = DATASETS[name]
        assert (sum(info.images_per_class), sum(info.test_per_class)) == (train, test)
        assert info.classes == len(info.test_per_class) == classes
        sizes = info.sizes(validation_fraction=0.1, test_fraction=0.25)
        assert sum(map(sum, sizes)) == train + test
        assert [size[2] for size in sizes] == list(info.test_per_class)


@given(
    st.lists(st.integers(4, 60), min_size=1, max_size=5),
    st.sampled_from([(), (1,), (2,), (1, 2)]),
    FRACTIONS,
    FRACTIONS,
)
def test_splits_of_its_own_stay_and_the_others_come_from_train_as_promised(
    sizes, own, validation, test
):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    extra = np.repeat(np.array(own, dtype=np.uint8), 3 * len(sizes))
    official = np.concatenate([np.zeros(len(labels), np.uint8), extra])
    labels = np.concatenate([labels, *[np.repeat(np.arange(len(sizes)), 3)] * len(own)])
    options = {"validation_fraction": validation, "test_fraction": test}
    split = completed_split(labels, official, seed=0, **options)
    assert np.array_equal(split[official > 0], official[official > 0])
    info = DatasetInfo(
        "",
        tuple(sizes),
        (1, 8, 8),
        validation_per_class=(3,) * len(sizes) if 1 in own else (),
        test_per_class=(3,) * len(sizes) if 2 in own else (),
    )
    counts = [
        tuple(np.bincount(split[labels == label], minlength=3)) for label in range(len(sizes))
    ]
    assert counts == info.sizes(**options)
