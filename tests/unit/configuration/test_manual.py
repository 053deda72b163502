from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from layer_pruning.configuration.manual import BEGIN, END, reference, schema_file, with_reference
from layer_pruning.configuration.schema import schema

ROOT = Path(__file__).resolve().parents[3]


def test_the_manual_shipped_is_that_of_the_schema():
    manual = (ROOT / "config" / "README.md").read_text()
    assert with_reference(manual, schema()) == manual, "run `make manual`"
    assert manual.count("| `finetuning.learning_rate` | `0.03` | `0.01` | `0.05` |") == 1


def test_the_schema_shipped_is_that_of_the_keys():
    text = (ROOT / "config" / "config.schema.yaml").read_text()
    assert text == schema_file(), "run `make manual`"
    written = yaml.safe_load(text)
    Draft202012Validator.check_schema(written)
    # what editors accept by it, and what not
    validator = Draft202012Validator(written)
    for name in ("config", "full", "compare", "shortcut"):
        given = yaml.safe_load((ROOT / "config" / f"{name}.yaml").read_text())
        assert validator.is_valid(given)
        assert not validator.is_valid(given | {"sedes": [0]})
    assert not validator.is_valid({"criteria": {"Mine": ["cka"]}})


def test_a_new_key_appears_with_its_default():
    keys = {"properties": {"depth": {"description": "How\ndeep.", "default": [1]}}}
    assert reference(keys).splitlines()[-1] == "| `depth` | `[1]` | How deep. |"
    manual = with_reference(f"a\n{BEGIN}\nold\n{END}\nb\n", keys)
    assert "old" not in manual and manual.startswith("a\n") and manual.endswith("\nb\n")


def test_a_manual_without_markers_is_refused():
    with pytest.raises(ValueError, match="one line"):
        with_reference("nothing here", {})
