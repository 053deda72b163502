"""A checkout whose package is not the one that runs is named."""

import pytest

from layer_pruning.installation import HERE, check_interpreter, shadowing
from shared_files import ROOT


def test_a_second_installation_is_named_with_both_folders(tmp_path):
    assert shadowing(ROOT, ROOT / "src" / "layer_pruning") is None
    assert shadowing(tmp_path) is None
    (tmp_path / "src" / "layer_pruning").mkdir(parents=True)
    said = shadowing(tmp_path)
    assert str(HERE) in said and str(tmp_path / "src" / "layer_pruning") in said
    assert "\n" not in said
    # a link to the checkout is the checkout
    (tmp_path / "link").symlink_to(tmp_path)
    assert shadowing(tmp_path / "link", tmp_path / "src" / "layer_pruning") is None


@pytest.mark.parametrize("letter", " ;$'(&")
def test_a_python_that_snakemake_cannot_start_is_named(letter):
    with pytest.raises(ValueError, match="Snakemake starts no job with a Python whose path holds"):
        check_interpreter(f"/home/me/my{letter}project/.venv/bin/python")
    check_interpreter("/home/mé/my-project_2/.venv/bin/python3.11")
    check_interpreter()
