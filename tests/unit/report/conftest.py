from pathlib import Path

import pytest
from planted_results import BLOCKS, Planted


@pytest.fixture
def planted(tmp_path: Path) -> Planted:
    """An empty tree of results of a network of five blocks."""
    return Planted(tmp_path, BLOCKS)
