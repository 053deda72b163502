"""Optional files for tests, in a folder ``shared`` beside the checkout."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def shared_file(name: str) -> Path:
    """An optional file for tests, beside the checkout; the test is skipped where it is missing."""
    path = Path(os.environ.get("LAYER_PRUNING_SHARED", ROOT.parent / "shared")) / name
    if not path.exists():
        pytest.skip(f"{name} is not there")
    return path
