"""A passage of the methods with what it cites, and the settings that it is filled from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from biasaudit.report.words import finite

__all__ = ["Passage", "Settings", "coverage", "file_name"]


@dataclass(frozen=True)
class Passage:
    """A few sentences of the methods, and the keys of the works that they rest on."""

    text: str
    cites: tuple[str, ...] = ()


@dataclass(frozen=True)
class Settings:
    """The settings that ran, as the audit recorded them; an older run may lack some."""

    recorded: Mapping[str, Any]

    def at(self, *keys: str) -> Any:
        """Return the value under nested keys; ``(not recorded)`` where there is none."""
        value: Any = self.recorded
        for key in keys:
            value = value.get(key) if isinstance(value, Mapping) else None
        return "(not recorded)" if value is None else value

    @property
    def weights(self) -> list[str]:
        """Files of weights of a target that was trained before the audit; none where it was trained here."""
        stated = self._stated("target", "weights")
        return list(stated) if isinstance(stated, list) else [stated] if stated else []

    @property
    def scored(self) -> bool:
        """Whether held-out scores were given in place of a target."""
        return bool(self._stated("cohort", "predictions") or self._stated("cohort", "score"))

    @property
    def network(self) -> str:
        """Name of the network; of one in a file without its folder."""
        return file_name(self.at("target", "network"))

    @property
    def level(self) -> float | None:
        """Coverage of an interval that describes, of the AUC: 95 at alpha .05; in per cent."""
        alpha = finite(self.at("statistics", "alpha"))
        return None if alpha is None else 100 * (1 - alpha)

    @property
    def claim_level(self) -> float | None:
        """Coverage of an interval whose single bounds carry a claim, of reliance: 90 at alpha .05; in per cent."""
        alpha = finite(self.at("statistics", "alpha"))
        return None if alpha is None else 100 * (1 - 2 * alpha)

    def _stated(self, section: str, key: str) -> Any:
        part = self.recorded.get(section)
        return part.get(key) if isinstance(part, Mapping) else None


def coverage(record: Mapping[str, Any], otherwise: float | None) -> float | None:
    """Return the level that is recorded of an interval in per cent; of an older run that which its settings imply."""
    level = finite(record.get("level"))
    return otherwise if level is None else 100 * level


def file_name(value: Any) -> str:
    """Name of what was used, several joined; of a file without its folder."""
    names = value if isinstance(value, list) else [value]
    return " and ".join(str(name).rpartition("/")[2] for name in names)
