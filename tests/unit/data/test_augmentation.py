import torch

from layer_pruning.data.augmentation import augmented, flipped, shifted


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


def test_without_augmentation_nothing_changes():
    images = torch.rand(5, 1, 4, 4)
    assert augmented(images, shift_pixels=0, flip=False, generator=generator()) is images


def test_the_same_generator_gives_the_same_augmentation():
    images = torch.rand(50, 1, 8, 8)
    options = {"shift_pixels": 1, "flip": True}
    one, same, other = (augmented(images, generator=generator(s), **options) for s in (0, 0, 1))
    assert torch.equal(one, same) and not torch.equal(one, other)
