"""The base of every section of a protocol, and the kinds of value that several sections take."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag

__all__ = [
    "Names",
    "OrName",
    "Section",
    "Seed",
    "Tables",
    "as_list",
    "as_text",
    "as_values",
    "built_in_or_own",
    "each_once",
    "shortened",
]


_LARGEST_NAME = 1e15
"""Numbers up to which YAML, a table and Python write the same digits."""


class Section(BaseModel):
    """A part of a protocol: its keys are known, its numbers finite, and nothing in it changes after it was read."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        protected_namespaces=(),
        allow_inf_nan=False,
        str_min_length=1,
        str_max_length=10_000,
    )


def as_list(value: Any) -> Any:
    """Take one name for a list of one; whatever else is no list is refused later."""
    return [value] if isinstance(value, str) else value


class OrName:
    """Says in the JSON schema that a bare name is accepted too."""

    def __get_pydantic_json_schema__(self, core: Any, handler: Any) -> dict[str, Any]:
        return {"anyOf": [{"type": "string"}, handler(core)]}


def each_once(values: Any) -> Any:
    """Refuse a list that names one thing twice.

    Raises
    ------
    ValueError
    """
    if isinstance(values, list):
        twice = [value for position, value in enumerate(values) if value in values[:position]]
        if twice:
            raise ValueError(f"{str(twice[0])!r} is named twice")
    return values


Names = Annotated[list[str], BeforeValidator(as_list), Field(max_length=10_000), AfterValidator(each_once), OrName()]


def _one_or_several(value: object) -> str:
    return "several" if isinstance(value, list) else "one"


def _first_alone(value: object) -> object:
    """Take a list of one for that one, so that both are one protocol."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


Tables = Annotated[
    Annotated[Path, Tag("one")]
    | Annotated[list[Path], Field(min_length=2, max_length=100), AfterValidator(each_once), Tag("several")],
    Discriminator(_one_or_several),
    BeforeValidator(_first_alone),
]
"""One table, or several of one cohort."""

Seed = Annotated[int, Field(ge=0, lt=2**63)]


def as_text(value: Any) -> Any:
    """Take a number or a truth value, as YAML reads 1 and true, for the text that a table holds; the rest as it is."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) and abs(value) < _LARGEST_NAME else value


def as_values(value: Any) -> Any:
    """Take one text or a list of different texts; a list of one becomes that text, so that both are one protocol.

    Raises
    ------
    ValueError
        If there is no text, something that is neither text nor number, or one text twice.
    """
    values = [as_text(each) for each in (value if isinstance(value, list | tuple) else [value])]
    if not values or not all(isinstance(each, str) for each in values):
        raise ValueError(f"expected a text or a list of texts, not {shortened(value)}; put other values in quotes")
    twice = sorted({each for each in values if values.count(each) > 1})
    if twice:
        raise ValueError(f"{twice[0]!r} is named twice")
    return values[0] if len(values) == 1 else values


def built_in_or_own(*built_in: str) -> Any:
    """Make a validator that accepts built-in names and import strings, which are looked up later.

    Parameters
    ----------
    *known : str
        Names of what is built in.

    Returns
    -------
    callable
        Takes a name or a list of names, and returns it or raises ValueError with the name that was probably meant.
    """

    def check(value: str | list[str]) -> str | list[str]:
        for name in [value] if isinstance(value, str) else value:
            if name not in built_in and ":" not in name:
                close = difflib.get_close_matches(name, built_in, n=1)
                meant = f"; did you mean {close[0]}?" if close else ""
                raise ValueError(
                    f"{name!r} is none of {', '.join(built_in)}, and no import string (own.py:name){meant}"
                )
        return value

    return check


def shortened(value: Any) -> str:
    """Show a value in a message: its `repr`, cut after 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
