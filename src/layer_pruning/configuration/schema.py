"""What the schema of a configuration says: defaults, and what is right.

It (``config/config.schema.yaml``) holds every key, its description and its default.
"""

import copy
import math
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, ValidationError

from layer_pruning.configuration.errors import ConfigError, path_of, suggestion


@lru_cache
def read_schema(path: Path) -> dict[str, Any]:
    """The schema in a file, which is read once."""
    parsed: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return parsed


def check_by_schema(schema: dict[str, Any], given: dict[str, Any]) -> None:
    """Raise ConfigError for what the schema forbids, outermost keys first."""
    errors = sorted(
        Draft202012Validator(schema).iter_errors(given),
        key=lambda e: (len(e.absolute_path), str(e.absolute_path)),
    )
    if errors:
        raise ConfigError.of(list(dict.fromkeys(map(_schema_message, errors))))
    _check_numbers(given)


def filled(schema: dict[str, Any], given: Any) -> Any:
    """A copy of ``given`` with the schema's defaults, at every depth."""
    if not isinstance(given, dict):
        return copy.deepcopy(given)
    parts = schema.get("properties", {})
    defaults = {
        key: copy.deepcopy(part["default"]) for key, part in parts.items() if "default" in part
    }
    return {key: filled(parts.get(key, {}), value) for key, value in (defaults | given).items()}


def _check_numbers(part: Any, path: tuple[Any, ...] = ()) -> None:
    """YAML and JSON Schema know numbers that are none: .nan and .inf."""
    if isinstance(part, float) and not math.isfinite(part):
        raise ConfigError(f"{path_of(path)}: {part} should be a finite number")
    if isinstance(part, dict | list):
        for key, value in part.items() if isinstance(part, dict) else enumerate(part):
            _check_numbers(value, (*path, key))


def _is_number(value: Any) -> bool:
    """Whether a text is a number to its writer, as 1e-3 is, which YAML 1.1 reads as text."""
    try:
        return isinstance(value, str) and math.isfinite(float(value))
    except ValueError:
        return False


def _schema_message(error: ValidationError) -> str:
    """One line for a violation of the schema."""
    key = path_of(error.absolute_path)
    schema: Any = error.schema
    value: Any = error.validator_value
    instance: Any = error.instance
    if error.validator == "additionalProperties" and "properties" in schema:
        unknown = next(str(name) for name in instance if name not in schema["properties"])
        written = path_of([*error.absolute_path, unknown])
        return f"{written}: unknown key; {suggestion(unknown, schema['properties'])}"
    if error.validator == "oneOf":
        # neither form fits: say what is wrong with the one that was meant, lists or mappings
        meant = "array" if isinstance(instance, list) else "object"
        # the only reference among the forms of the schema is to a list of metrics
        kinds = [form.get("type", "array") for form in schema["oneOf"]]
        fits = isinstance(instance, list | dict)
        forms: Any = error.context
        context = [e for e in forms if fits and kinds[int(e.schema_path[0])] == meant]
        if context:
            return _schema_message(min(context, key=lambda e: len(e.absolute_path)))
        return f"{key}: {instance!r} should be a list of names or a mapping"
    if "propertyNames" in error.absolute_schema_path:
        signs = ", _ and -" if "-]" in str(value) else " and _"
        return f"{key}: '{instance}' should be lower-case letters, digits{signs}"
    if error.validator == "pattern":
        return f"{key}: {instance!r} should match {value}"
    if error.validator == "required":
        return f"{key}: {error.message.replace(' is a required property', ' is missing')}"
    if error.validator in ("minItems", "minProperties"):
        return f"{key}: it is empty, or shorter than {value}; name at least one"
    if error.validator == "type":
        wanted = " or ".join(value) if isinstance(value, list) else value
        said = f"{key or 'config'}: {instance!r} should be of type {wanted}"
        if {"number", "integer"} & {*wanted.split(" or ")} and _is_number(instance):
            said += f"; YAML reads this as text, and {float(instance):g} as a number"
        return said
    if error.validator == "enum":
        known = ", ".join(map(str, value))
        return f"{key}: {instance!r} should be one of {known}"
    wording = {
        "minimum": "at least",
        "maximum": "at most",
        "exclusiveMinimum": "more than",
        "exclusiveMaximum": "less than",
    }
    if error.validator in wording:
        bound = f"{wording[error.validator]} {value}"
        return f"{key}: {instance!r} should be {bound}"
    if error.validator == "uniqueItems":
        return f"{key}: {instance!r} names something twice"
    return f"{key}: {error.message}"
