"""The JSON Schema of a configuration, for editors and the manual, written from its models.

``config/config.schema.yaml`` is this, see :mod:`layer_pruning.configuration.manual`.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from layer_pruning.configuration.keys import Configuration

Part = dict[str, Any]
# constraints on validators of our own are passed on under the names that Python has for them
BOUNDS = {
    "ge": "minimum",
    "gt": "exclusiveMinimum",
    "le": "maximum",
    "lt": "exclusiveMaximum",
    "min_length": "minItems",
}


@lru_cache
def schema() -> Part:
    """The schema, without references: every key is where users write it."""
    written = Configuration.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Configuration of the layer-pruning workflow",
        **_plain(written, written["$defs"]),
    }


def part_of(path: tuple[Any, ...]) -> Part:
    """What the schema says of the key at ``path``; nothing where there is no such key."""
    part = schema()
    for step in path:
        part = next((inner for form in forms(part) if (inner := _inner(form, step))), {})
    return part


def forms(part: Part) -> list[Part]:
    """A part and the forms that it can take."""
    return [part, *part.get("oneOf", [])]


def _inner(form: Part, step: Any) -> Part | None:
    if isinstance(step, int):
        return form.get("items")
    named: Part | None = form.get("properties", {}).get(step)
    other = form.get("additionalProperties")
    return named or (other if isinstance(other, dict) else None)


def _plain(part: Any, definitions: Part) -> Any:
    """A part of pydantic's schema, references filled in, as one would write it by hand."""
    if isinstance(part, list):
        return [_plain(one, definitions) for one in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        referred = definitions[part["$ref"].removeprefix("#/$defs/")]
        part = referred | {key: value for key, value in part.items() if key != "$ref"}
    if "anyOf" in part:
        return _plain(_or_null(part, definitions), definitions)
    return dict(_items(part, definitions))


def _or_null(part: Part, definitions: Part) -> Part:
    """What may be left empty: one form and null are the form with null among its types."""
    form, null = (_plain(form, definitions) for form in part["anyOf"])
    assert null == {"type": "null"}
    if "enum" in form:
        form["enum"] = [*form["enum"], None]
    else:
        form["type"] = [form["type"], "null"]
    return form | {key: value for key, value in part.items() if key != "anyOf"}


def _items(part: Part, definitions: Part) -> Iterator[tuple[str, Any]]:
    if "description" in part:
        yield "description", " ".join(part["description"].split())
    for key, value in part.items():
        if key in ("description", "title", "$defs", "required"):
            continue
        if key == "type" and "enum" in part:
            continue
        if key == "patternProperties":
            # closed: what a name has to be like is said of the name, so that others are errors
            [(pattern, inner)] = value.items()
            yield "propertyNames", {"pattern": pattern, **part.get("propertyNames", {})}
            yield "additionalProperties", _plain(inner, definitions)
        elif key == "propertyNames" and "patternProperties" in part:
            continue
        elif key == "properties":
            yield key, {name: _plain(inner, definitions) for name, inner in value.items()}
        elif key == "default" and "properties" in part and value is not None:
            yield key, {}
        else:
            yield BOUNDS.get(key, key), _plain(value, definitions)
