from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import settings
from PIL import Image

# a deadline for one example fails by chance where cores are shared
settings.register_profile("unit", deadline=None)
settings.load_profile("unit")


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(12, 1, 8, 8, generator=torch.Generator().manual_seed(7))


@pytest.fixture
def generator() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def write_image(tmp_path):
    """A function that writes an image of random pixels below the temporary folder."""
    generator = np.random.default_rng(0)

    def write(name: str, shape=(8, 8, 3)) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = generator.integers(0, 256, shape, dtype=np.uint8)
        Image.fromarray(pixels).save(path)
        return path

    return write


@pytest.fixture
def animals(write_image, tmp_path):
    """A folder of two classes, four cats and three dogs of 8 × 8 pixels in colour."""
    for index in range(4):
        write_image(f"animals/cat/{index}.png")
    for index in range(3):
        write_image(f"animals/dog/{index}.png")
    return tmp_path / "animals"
