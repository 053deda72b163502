"""The reference of every configuration key, written from what declares them.

``python -m layer_pruning.configuration.manual config/config.schema.yaml config/README.md`` writes
the schema for editors, and brings the part of the manual between its two markers up to date.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from layer_pruning.configuration.schema import forms, schema
from layer_pruning.runtime.atomic import written_whole
from layer_pruning.training.catalog import RECIPES, recipe_settings

SCHEMA_HEAD = "# Written by `make manual` from layer_pruning.configuration.keys; do not edit.\n"
BEGIN = "<!-- keys: written by `make manual`, do not edit -->"
END = "<!-- end of keys -->"


def _rows(part: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every key as users write it, with its part of the schema."""
    for form in forms(part):
        for key, inner in form.get("properties", {}).items():
            yield f"{prefix}{key}", inner
            yield from _rows(inner, f"{prefix}{key}.")
        if isinstance(named := form.get("additionalProperties"), dict):
            yield from _rows(named, f"{prefix}NAME.")


def _written(value: Any) -> str:
    """A value as users would write it, on one line."""
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000, sort_keys=False)
    return f"`{text.removesuffix('...' + chr(10)).strip()}`"


def _default(part: dict[str, Any]) -> str:
    if "default" not in part or part.get("properties"):
        return ""
    return _written(part["default"])


def recipes() -> str:
    """A Markdown table of the recipes: a row for every key of training and fine-tuning."""
    names = list(RECIPES)
    lines = [
        f"| recipe | {' | '.join(f'`{name}`' for name in names)} |",
        "|---" * (1 + len(names)) + "|",
    ]
    for phase in ("training", "finetuning"):
        settings = [recipe_settings(phase, {"recipe": name}) for name in names]
        for key in dict.fromkeys(key for one in settings for key in one):
            values = [_written(one[key]) if key in one else "" for one in settings]
            lines.append(f"| `{phase}.{key}` | {' | '.join(values)} |")
    return "\n".join(lines)


def reference(schema: dict[str, Any]) -> str:
    """A Markdown table: key, default, meaning."""
    lines = ["| key | default | meaning |", "|---|---|---|"]
    for key, part in _rows(schema):
        meaning = " ".join(part["description"].split())
        lines.append(f"| `{key}` | {_default(part)} | {meaning} |")
    return "\n".join(lines)


def schema_file() -> str:
    """The text of the schema for editors."""
    text = yaml.safe_dump(schema(), sort_keys=False, allow_unicode=True, width=110)
    return SCHEMA_HEAD + text


def with_reference(manual: str, schema: dict[str, Any]) -> str:
    """The manual with the part between its markers written anew. Raises ValueError without them."""
    if manual.count(BEGIN) != 1 or manual.count(END) != 1:
        raise ValueError(f"the manual should have one line '{BEGIN}' and one '{END}'")
    before, rest = manual.split(BEGIN)
    tables = f"{reference(schema)}\n\n{recipes()}"
    return f"{before}{BEGIN}\n{tables}\n{END}{rest.split(END)[1]}"


if __name__ == "__main__":
    schema_path, manual_path = map(Path, sys.argv[1:])
    manual = with_reference(manual_path.read_text(encoding="utf-8"), schema())
    for path, text in ((schema_path, schema_file()), (manual_path, manual)):
        with written_whole(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
