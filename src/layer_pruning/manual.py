"""The reference of every configuration key, written from the schema.

``python -m layer_pruning.manual config/config.schema.yaml config/README.md`` brings the part of the
manual between its two markers up to date.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from layer_pruning.atomic import written_whole
from layer_pruning.training.catalog import RECIPES, recipe_settings

BEGIN = "<!-- keys: written by `make manual`, do not edit -->"
END = "<!-- end of keys -->"


def _rows(schema: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every key as users write it, with its part of the schema."""
    for key, part in schema.get("properties", {}).items():
        yield f"{prefix}{key}", part
        yield from _rows(part, f"{prefix}{key}.")
    forms = [*schema.get("oneOf", []), schema.get("additionalProperties")]
    for form in forms:
        if isinstance(form, dict):
            inner = prefix if form in schema.get("oneOf", []) else f"{prefix}NAME."
            yield from _rows(form, inner)


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


def with_reference(manual: str, schema: dict[str, Any]) -> str:
    """The manual with the part between its markers written anew. Raises ValueError without them."""
    if manual.count(BEGIN) != 1 or manual.count(END) != 1:
        raise ValueError(f"the manual should have one line '{BEGIN}' and one '{END}'")
    before, rest = manual.split(BEGIN)
    tables = f"{reference(schema)}\n\n{recipes()}"
    return f"{before}{BEGIN}\n{tables}\n{END}{rest.split(END)[1]}"


if __name__ == "__main__":
    schema_path, manual_path = map(Path, sys.argv[1:])
    schema = yaml.safe_load(schema_path.read_text(encoding="utf-8"))
    text = with_reference(manual_path.read_text(encoding="utf-8"), schema)
    with written_whole(manual_path) as temporary:
        temporary.write_text(text)
