from pathlib import Path

import pytest
import yaml

from layer_pruning.manual import BEGIN, END, reference, with_reference

ROOT = Path(__file__).resolve().parents[2]


def test_the_manual_shipped_is_that_of_the_schema():
    schema = yaml.safe_load((ROOT / "config" / "config.schema.yaml").read_text())
    manual = (ROOT / "config" / "README.md").read_text()
    assert with_reference(manual, schema) == manual, "run `make manual`"
    assert manual.count("| `finetuning.learning_rate` | `0.03` | `0.01` | `0.05` |") == 1


def test_a_new_key_appears_with_its_default():
    schema = {"properties": {"depth": {"description": "How\ndeep.", "default": [1]}}}
    assert reference(schema).splitlines()[-1] == "| `depth` | `[1]` | How deep. |"
    manual = with_reference(f"a\n{BEGIN}\nold\n{END}\nb\n", schema)
    assert "old" not in manual and manual.startswith("a\n") and manual.endswith("\nb\n")


def test_a_manual_without_markers_is_refused():
    with pytest.raises(ValueError, match="one line"):
        with_reference("nothing here", {})
