"""List the settings whose values differ between two runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["ChangedSetting", "changed_settings"]


@dataclass(frozen=True)
class ChangedSetting:
    """A field whose value differs; None where a run does not have it."""

    key: str
    first: Any
    second: Any


def changed_settings(first: Mapping[str, object], second: Mapping[str, object]) -> Iterator[ChangedSetting]:
    """Yield every field that differs, by its dotted key."""
    one, two = dict(_leaves(first)), dict(_leaves(second))
    for key in dict.fromkeys([*one, *two]):
        if one.get(key) != two.get(key):
            yield ChangedSetting(key, one.get(key), two.get(key))


def _leaves(settings: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Yield every value by its dotted key; lists are values."""
    for key, value in settings.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
