"""A checkout whose package is not the one that runs is named."""

from layer_pruning.installation import HERE, shadowing
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
