from pathlib import Path

import pytest
from planted_results import BLOCKS, Planted

OF_MATPLOTLIB = r"ignore:'\w+' (deprecated - use|argument is deprecated, use):DeprecationWarning"
"""What an older Matplotlib calls in a newer pyparsing; Python shows it to no user."""


@pytest.fixture
def planted(tmp_path: Path) -> Planted:
    """An empty tree of results of a network of five blocks."""
    return Planted(tmp_path, BLOCKS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A warning of a job of the report would stand in the terminal of whoever runs the chain."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.filterwarnings("error", OF_MATPLOTLIB))
