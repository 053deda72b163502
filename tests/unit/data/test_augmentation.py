import pytest
import torch

from layer_pruning.data.augmentation import (
    augmented,
    cut_out,
    flipped,
    mixed,
    rand_augmented,
    shifted,
)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_a_shift_moves_every_image_by_its_own_draw_and_fills_with_zeros():
    images = torch.rand(200, 2, 5, 7, generator=generator(1)) + 0.1
    moved = shifted(images, 2, generator())
    draws = set()
    for image, result in zip(images, moved, strict=True):
        matches = []
        for down in range(-2, 3):
            for right in range(-2, 3):
                expected = torch.zeros_like(image)
                source = image[
                    :, max(0, -down) : 5 - max(0, down), max(0, -right) : 7 - max(0, right)
                ]
                expected[
                    :, max(0, down) : 5 - max(0, -down), max(0, right) : 7 - max(0, -right)
                ] = source
                if torch.equal(expected, result):
                    matches.append((down, right))
        assert len(matches) == 1
        draws.add(matches[0])
    assert len(draws) == 25


def test_half_of_the_images_are_mirrored():
    images = torch.rand(400, 1, 4, 4, generator=generator(1))
    result = flipped(images, generator())
    mirrored = [torch.equal(a.flip(-1), b) for a, b in zip(images, result, strict=True)]
    assert all(m or torch.equal(a, b) for m, a, b in zip(mirrored, images, result, strict=True))
    assert 150 < sum(mirrored) < 250


def test_a_square_around_a_pixel_drawn_for_each_image_is_cut_out():
    images = torch.rand(600, 2, 5, 7, generator=generator(1)) + 0.1
    for size in (1, 2, 3, 5):
        result = cut_out(images, size, generator())
        centres = set()
        for image, cut in zip(images, result, strict=True):
            matches = []
            for row in range(5):
                for column in range(7):
                    top, left = row - size // 2, column - size // 2
                    expected = image.clone()
                    expected[:, max(0, top) : top + size, max(0, left) : left + size] = 0
                    if torch.equal(expected, cut):
                        matches.append((row, column))
            assert matches
            centres.update(matches)
        assert len(centres) == 35


def test_cutout_comes_last_and_draws_nothing_where_it_is_off():
    images = torch.rand(50, 1, 8, 8) + 0.1
    options = {"shift_pixels": 1, "flip": True}
    plain = augmented(images, generator=generator(), **options)
    cut = augmented(images, generator=generator(), cutout_pixels=4, **options)
    assert torch.equal(torch.where(cut == 0, plain, cut), torch.where(cut == 0, plain, plain))
    removed = (cut == 0) & (plain != 0)
    assert removed.any(dim=(1, 2, 3)).all()
    one, other = generator(), generator()
    augmented(images, generator=one, cutout_pixels=0, **options)
    augmented(images, generator=other, **options)
    assert torch.equal(one.get_state(), other.get_state())


def test_stored_images_are_augmented_as_their_floating_point_values():
    stored = torch.randint(0, 256, (40, 3, 8, 8), dtype=torch.uint8, generator=generator(1))
    options = {"shift_pixels": 2, "flip": True, "cutout_pixels": 3}
    early = augmented(stored.float() / 255, generator=generator(), **options)
    late = augmented(stored, generator=generator(), **options)
    assert late.dtype == torch.uint8
    assert torch.equal(late.float() / 255, early)


def test_without_augmentation_nothing_changes():
    images = torch.rand(5, 1, 4, 4)
    assert augmented(images, shift_pixels=0, flip=False, generator=generator()) is images


def test_the_same_generator_gives_the_same_augmentation():
    images = torch.rand(50, 1, 8, 8)
    options = {"shift_pixels": 1, "flip": True}
    one, same, other = (augmented(images, generator=generator(s), **options) for s in (0, 0, 1))
    assert torch.equal(one, same) and not torch.equal(one, other)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("levels", [0, 16, 255], ids=["floats", "sixteen levels", "bytes"])
def test_random_augmentation_keeps_shape_type_and_steps(channels, levels):
    images = torch.rand(64, channels, 8, 8, generator=generator(1))
    if levels:
        images = (images * levels).round().to(torch.uint8)
    torch.manual_seed(0)
    changed = rand_augmented(images, 9, levels=levels or 255)
    assert (changed.shape, changed.dtype) == (images.shape, images.dtype)
    assert changed.min() >= 0 and changed.max() <= (levels or 1)
    differs = (changed != images).flatten(1).any(1).sum()
    assert 32 < differs <= 64


def test_each_image_has_a_draw_of_its_own():
    images = torch.randint(0, 256, (1, 3, 8, 8), generator=generator(1), dtype=torch.uint8)
    torch.manual_seed(0)
    changed = rand_augmented(images.expand(32, -1, -1, -1), 9)
    assert len({image.numpy().tobytes() for image in changed}) > 10


def test_no_magnitude_leaves_images_as_they_are():
    images = torch.rand(2, 3, 8, 8, generator=generator(1))
    assert rand_augmented(images, 0) is images


@pytest.mark.parametrize("alphas", [(0.8, 0.0), (0.0, 1.0), (0.8, 1.0)])
def test_labels_are_mixed_by_the_shares_of_their_images(alphas):
    """Where an image is its class everywhere, what is seen of each class is its label's share."""
    labels = torch.arange(6) % 3
    images = torch.nn.functional.one_hot(labels, 3).float()[:, :, None, None].expand(-1, -1, 8, 8)
    shares_seen = set()
    for seed in range(20):
        mixture, shares = mixed(
            images,
            labels,
            classes=3,
            mixup_alpha=alphas[0],
            cutmix_alpha=alphas[1],
            generator=generator(seed),
        )
        torch.testing.assert_close(mixture.mean((2, 3)), shares, atol=1e-5, rtol=0)
        torch.testing.assert_close(shares.sum(1), torch.ones(6))
        shares_seen.add(round(float(shares.max()), 3))
    assert len(shares_seen) > 5


def test_mixing_draws_from_the_generator_alone():
    images, labels = torch.rand(4, 3, 8, 8, generator=generator(1)), torch.arange(4)
    options = {"classes": 4, "mixup_alpha": 0.8, "cutmix_alpha": 1.0}
    torch.manual_seed(1)
    before = torch.get_rng_state()
    one, _ = mixed(images, labels, **options, generator=generator(5))
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    two, _ = mixed(images, labels, **options, generator=generator(5))
    assert torch.equal(one, two)
