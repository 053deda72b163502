"""The kinds of values that keys of a configuration take, beside those of pydantic.

Nothing is coerced: a text that looks like a number is a mistake, and said to be one. The exception
is a whole number written as 2.0, which is 2 to everybody but Python.
"""

from typing import Annotated, Any, TypeVar

from annotated_types import Ge, Gt, Le, MaxLen, MinLen
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import PydanticCustomError

T = TypeVar("T")
# how pydantic names the form that was meant; no name that users give looks like this
LIST, MAPPING, NUMBER, TEXT = "<list>", "<mapping>", "<number>", "<text>"
TWICE, NEITHER = "named_twice", "neither_list_nor_mapping"
LONGEST_NAME = 64


class Settings(BaseModel):
    """A mapping of known keys; the text below a key is its description in the manual."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        validate_default=True,
        use_attribute_docstrings=True,
        # only as a part of the whole
        defer_build=True,
    )


def at_defaults(*names: str) -> Any:
    """The default of a key that holds settings, or names of some: every key within at its own."""
    return Field({name: {} for name in names})


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _as_given(value: Any, check: ValidatorFunctionWrapHandler) -> Any:
    """5 stays 5 where 5.0 would do: what params of a rule are written as decides what is redone."""
    check(value)
    return value


def _distinct(values: list[T]) -> list[T]:
    if any(value in values[:place] for place, value in enumerate(values)):
        raise PydanticCustomError(TWICE, "named twice")
    return values


def _form(value: Any) -> str | None:
    if isinstance(value, list):
        return LIST
    return MAPPING if isinstance(value, dict | BaseModel) else None


ListOrMapping = Discriminator(_form, NEITHER, "neither a list nor a mapping")
"""Chooses between two forms, tagged ``LIST`` and ``MAPPING``, by what was written."""
NumberOrText = Discriminator(lambda value: TEXT if isinstance(value, str) else NUMBER)
"""The same for ``NUMBER`` and ``TEXT``."""

Whole = Annotated[int, BeforeValidator(_whole)]
"""A whole number."""
Count = Annotated[Whole, Ge(1)]
NotNegative = Annotated[Whole, Ge(0)]
Seed = Annotated[Whole, Ge(0), Le(2**32 - 1)]
"""What every generator of random numbers in use takes."""
Number = Annotated[float, WrapValidator(_as_given)]
Positive = Annotated[Number, Gt(0)]
Share = Annotated[Number, Ge(0), Le(1)]
Text = Annotated[str, MinLen(1)]
Unique = Annotated[
    list[T], AfterValidator(_distinct), Field(json_schema_extra={"uniqueItems": True})
]
"""A list in which nothing stands twice."""
Some = Annotated[
    list[T], MinLen(1), AfterValidator(_distinct), Field(json_schema_extra={"uniqueItems": True})
]
"""The same, of one thing at least."""
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$"), MaxLen(LONGEST_NAME)]
"""A name of the user's that becomes a part of paths."""
HyphenatedName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$"), MaxLen(LONGEST_NAME)]
