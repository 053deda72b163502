"""What pydantic finds wrong with a configuration, in one line that says what would be right."""

import math
import reprlib
from collections.abc import Callable
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from layer_pruning.configuration.errors import ConfigError, path_of, suggestion
from layer_pruning.configuration.keys import Configuration, values
from layer_pruning.configuration.schema import Part, forms, part_of

_TAGS = {values.LIST, values.MAPPING, values.NUMBER, values.TEXT}
_KEY = "[key]"
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 120
_SHORT.maxlist = _SHORT.maxdict = 12
_BOUNDS = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("more than", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("less than", "lt"),
}


def validated(given: dict[str, Any]) -> Configuration:
    """What a user gave, with defaults. Raises ConfigError for what is wrong, outermost keys first.

    Shorthands are left as they are, and so is what only several keys together can get wrong.
    """
    try:
        return Configuration.model_validate(given)
    except ValidationError as error:
        found = [(_path(details), details) for details in error.errors(include_url=False)]
        found.sort(key=lambda each: (len(each[0]), path_of(each[0])))
        lines = dict.fromkeys(_message(path, details) for path, details in found)
        raise ConfigError.of(list(lines)) from error


def _path(details: ErrorDetails) -> tuple[Any, ...]:
    """Where in the configuration, without what pydantic calls the forms of a value."""
    path = tuple(step for step in details["loc"] if step not in _TAGS and step != _KEY)
    if "arguments" in path:
        # below it, pydantic names the type of every value beside its key
        below = path.index("arguments") + 1
        path = path[:below] + path[below::2]
    return path


def _message(path: tuple[Any, ...], details: ErrorDetails) -> str:
    kind, key, given = details["type"], path_of(path), shown(details["input"])
    part, context = part_of(path), details.get("ctx", {})
    if kind in ("extra_forbidden", "invalid_key"):
        known = [name for form in forms(part_of(path[:-1])) for name in form.get("properties", {})]
        return f"{key}: unknown key; {suggestion(str(path[-1]), known)}"
    if details["loc"][-1:] == (_KEY,):
        return _name_message(path, kind)
    if kind == "missing":
        return f"{path_of(path[:-1])}: '{path[-1]}' is missing"
    if kind in _BOUNDS:
        words, name = _BOUNDS[kind]
        return f"{key}: {given} should be {words} {context[name]}"
    say = _WORDS.get(kind)
    return f"{key or 'config'}: {say(given, context, part)}" if say else _type_message(key, details)


_WORDS: dict[str, Callable[[str, dict[str, Any], Part], str]] = {
    values.NEITHER: lambda given, _, __: f"{given} should be a list of names or a mapping",
    values.TWICE: lambda given, _, __: f"{given} names something twice",
    "finite_number": lambda given, _, __: f"{given} should be a finite number",
    "string_pattern_mismatch": lambda given, ctx, _: f"{given} should match {ctx['pattern']}",
    "literal_error": lambda given, _, part: f"{given} should be one of {_choices(part)}",
    "too_short": lambda _, ctx, __: (
        f"it is empty, or shorter than {ctx['min_length']}; name at least one"
    ),
    "too_long": lambda _, ctx, __: f"it is longer than {ctx['max_length']}",
    "string_too_short": lambda _, __, ___: "it is empty; leave it out, or write something",
}


def _choices(part: Part) -> str:
    named = ", ".join(str(value) for value in part["enum"] if value is not None)
    return f"{named}; or leave it out" if None in part["enum"] else named


def _name_message(path: tuple[Any, ...], kind: str) -> str:
    """A name of the user's that cannot be part of a path."""
    key, name = path_of(path[:-1]), shown(str(path[-1]))
    if kind == "string_too_long":
        return f"{key}: {name} is longer than {values.LONGEST_NAME} characters"
    pattern = part_of(path[:-1])
    hyphens = any("_-" in str(form.get("propertyNames")) for form in forms(pattern))
    return (
        f"{key}: {name} should be lower-case letters, digits{', _ and -' if hyphens else ' and _'}"
    )


def _type_message(key: str, details: ErrorDetails) -> str:
    part = part_of(_path(details))
    types = [part["type"]] if "type" in part else [form["type"] for form in part.get("oneOf", [])]
    wanted = " or ".join(
        one for each in types for one in ([each] if isinstance(each, str) else each)
    )
    given = details["input"]
    if not wanted:
        # what the user passes to a function of theirs
        return f"{key}: {shown(given)} should be text, a number, true, false, null, or made of them"
    said = f"{key or 'config'}: {shown(given)} should be of type {wanted}"
    if {"number", "integer"} & {*wanted.split(" or ")} and _is_number(given):
        said += f"; YAML reads this as text, and {float(given):g} as a number"
    return said


def shown(value: Any) -> str:
    """A value as Python writes it, shortened where it is long."""
    return " ".join(_SHORT.repr(value).split())


def _is_number(value: Any) -> bool:
    """Whether a text is a number to its writer, as 1e-3 is, which YAML 1.1 reads as text."""
    try:
        return isinstance(value, str) and math.isfinite(float(value))
    except ValueError:
        return False
