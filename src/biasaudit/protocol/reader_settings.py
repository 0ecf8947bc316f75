"""The settings of a cohort are those of the reader that it names: found through the registry, never listed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from biasaudit import registry
from biasaudit.errors import UsageError, suggestion
from biasaudit.protocol.cohort import CohortSettings

__all__ = ["OfItsReader", "registered_settings", "settings_of"]


def settings_of(reader: str) -> type[CohortSettings]:
    """Return the settings class of a registered reader.

    Raises
    ------
    UsageError
        If there is none of that name.
    """
    settings: type[CohortSettings] = registry.get("reader", reader).settings
    return settings


def registered_settings() -> dict[str, type[CohortSettings]]:
    """Name of every registered reader -> its settings class."""
    return {name: settings_of(name) for name in registry.names("reader")}


class OfItsReader:
    """Marks a field whose keys are those of the reader that it names.

    Validation asks the registry for that reader alone; the JSON schema lists the settings of all of them.

    Parameters
    ----------
    *but : str
        Readers that may not be named here: one inside whose own settings this field stands.
    """

    def __init__(self, *but: str) -> None:
        self._but = but

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate a mapping by the settings of its reader."""
        return core_schema.no_info_before_validator_function(self._by_reader, handler(source))

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """One schema per reader, told apart by ``reader``."""
        choices = {name: settings_of(name).__pydantic_core_schema__ for name in self._names()}
        return handler(core_schema.tagged_union_schema(choices, discriminator="reader"))

    def _names(self) -> list[str]:
        return [name for name in registry.names("reader") if name not in self._but]

    def _by_reader(self, section: Any) -> CohortSettings:
        if isinstance(section, CohortSettings):
            return section
        if not isinstance(section, Mapping):
            raise ValueError(f"expected keys and values, such as `reader: table`, not {section!r}")
        reader = section.get("reader")
        try:
            settings = settings_of("" if reader in self._but else str(reader))
        except UsageError:
            raise ValueError(_unknown(reader, self._names())) from None
        return settings.model_validate(section)


def _unknown(reader: object, known: list[str]) -> str:
    *most, last = known
    expected = f"`reader` must be {', '.join(most)} or {last}"
    return f"{expected}, not {reader!r}; {suggestion(reader, [*most, last])}" if isinstance(reader, str) else expected
