from itertools import pairwise

import numpy as np
import pytest
import torch

from layer_pruning.attacks.catalog import CORRUPTIONS, SEVERITIES
from layer_pruning.attacks.corruptions import corrupt


def pictures(n: int, channels: int, side: int) -> torch.Tensor:
    """Images with large and small structure, so that blurs of any reach change them."""
    generator = torch.Generator().manual_seed(side)
    large = torch.rand(n, channels, 4, 4, generator=generator)
    large = torch.nn.functional.interpolate(large, size=(side, side), mode="bilinear")
    return 0.7 * large + 0.3 * torch.rand(n, channels, side, side, generator=generator)


@pytest.mark.parametrize("name", CORRUPTIONS)
@pytest.mark.parametrize(("channels", "side"), [(1, 8), (3, 8), (3, 32)])
def test_severity_0_changes_nothing_and_each_further_one_more(name, channels, side):
    images = pictures(24, channels, side)
    options = {"indices": range(24), "seed": 0}
    assert torch.equal(corrupt(images, name, 0, **options), images)
    changes = [0.0]
    for severity in SEVERITIES:
        corrupted = corrupt(images, name, severity, **options)
        assert corrupted.shape == images.shape and corrupted.dtype == images.dtype
        assert corrupted.min() >= 0 and corrupted.max() <= 1
        changes.append((corrupted - images).square().mean().item())
    assert all(less < more for less, more in pairwise(changes)), changes


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_what_becomes_of_an_image_depends_on_seed_and_index_alone(name):
    images = pictures(6, 3, 16)
    together = corrupt(images, name, 3, indices=range(6), seed=1)
    backwards = corrupt(images.flip(0), name, 3, indices=range(5, -1, -1), seed=1).flip(0)
    alone = torch.cat([corrupt(images[i : i + 1], name, 3, indices=[i], seed=1) for i in range(6)])
    assert torch.allclose(together, backwards, atol=1e-6)
    assert torch.allclose(together, alone, atol=1e-6)
    random = name.endswith("noise") or name == "motion_blur"
    for other in (
        corrupt(images, name, 3, indices=range(6), seed=2),
        corrupt(images, name, 3, indices=range(6, 12), seed=1),
    ):
        assert torch.allclose(together, other, atol=1e-6) != random


@pytest.mark.parametrize("name", ["gaussian_blur", "defocus_blur", "motion_blur"])
def test_a_blur_keeps_an_even_image_and_the_light_of_a_point(name):
    even = torch.full((2, 3, 9, 9), 0.4)
    assert torch.allclose(corrupt(even, name, 5, indices=[0, 1], seed=0), even, atol=1e-6)
    point = torch.zeros(1, 1, 33, 33)
    point[0, 0, 16, 16] = 1
    blurred = corrupt(point, name, 4, indices=[0], seed=0)
    assert blurred.sum().item() == pytest.approx(1, abs=1e-4)
    assert blurred.max() < 0.5
    # the middle of the light stays where it was
    places = torch.arange(33, dtype=torch.float32)
    assert (blurred[0, 0].sum(0) * places).sum().item() == pytest.approx(16, abs=1e-3)


def test_noise_has_the_strength_that_it_says():
    grey = torch.full((40, 1, 32, 32), 0.5)
    options = {"indices": range(40), "seed": 0}
    gaussian = corrupt(grey, "gaussian_noise", 3, **options) - 0.5
    assert gaussian.std().item() == pytest.approx(0.12, rel=0.02)
    # of n photons on average, 0.5 n arrive, give or take the root of it
    shot = corrupt(grey, "shot_noise", 3, **options) - 0.5
    assert shot.std().item() == pytest.approx(np.sqrt(0.5 / 50), rel=0.02)
    impulse = corrupt(grey, "impulse_noise", 4, **options)
    assert (impulse == 0).float().mean().item() == pytest.approx(0.075, abs=0.005)
    assert (impulse == 1).float().mean().item() == pytest.approx(0.075, abs=0.005)


def test_light_and_contrast_are_those_of_their_formulas():
    images = pictures(3, 3, 8) * 0.4
    options = {"indices": range(3), "seed": 0}
    assert torch.allclose(corrupt(images, "brightness", 5, **options), images + 0.5)
    flat = corrupt(images, "contrast", 2, **options)
    assert torch.allclose(flat.mean((2, 3)), images.mean((2, 3)), atol=1e-6)
    assert torch.allclose(flat.std((2, 3)), 0.5 * images.std((2, 3)), atol=1e-6)


def test_pixelated_images_have_as_few_pixels_as_they_say():
    images = pictures(1, 1, 32)
    corrupted = corrupt(images, "pixelate", 4, indices=[0], seed=0)
    assert torch.allclose(corrupted[0, 0, :2, :2], images[0, 0, :2, :2].mean())
    assert torch.allclose(corrupted.mean(), images.mean())


@pytest.mark.parametrize(
    ("name", "severity", "message"),
    [("fog", 1, "unknown corruption 'fog'"), ("contrast", 6, "severity"), ("contrast", -1, "sev")],
)
def test_what_does_not_exist_is_refused(name, severity, message):
    with pytest.raises(ValueError, match=message):
        corrupt(pictures(1, 1, 8), name, severity, indices=[0], seed=0)
