import numpy as np
import pytest
import torch
from hypothesis import settings

# a deadline for one example fails by chance where cores are shared
settings.register_profile("unit", deadline=None)
settings.load_profile("unit")


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(12, 1, 8, 8, generator=torch.Generator().manual_seed(7))


@pytest.fixture
def generator() -> np.random.Generator:
    return np.random.default_rng(0)
