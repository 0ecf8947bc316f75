"""Describe for the plan and the stored models how a network of the user's is built and read; needs no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["BUILDER", "CARES", "CLASS_ODDS", "OutputConvention", "OwnNetwork"]

CARES = ("contiguous", "copied")
"""What a network may need of its input: laid out channels first, since it looks at it with ``view``; a copy of its own,
since it changes it."""

BUILDER = "biasaudit.engine.user_code.network:build"
"""Import string of the factory that trained and adopted networks are rebuilt by."""

CLASS_ODDS = "biasaudit.engine.steps.log_odds:class_odds"
"""Import string of the factory that turns a network of several classes into one of the log odds of a class."""


@dataclass(frozen=True)
class OutputConvention:
    """Number and kind of a network's outputs.

    Attributes
    ----------
    outputs : int
        Columns.
    scale : str
        ``logits``, ``log_softmax`` (logarithms of probabilities, which serve as logits), ``sigmoid`` (one probability)
        or ``softmax`` (probabilities that sum to 1).
    """

    outputs: int
    scale: str


@dataclass(frozen=True)
class OwnNetwork:
    """How a network of the user's is built, and how its outputs become logits.

    Attributes
    ----------
    factory : str
        ``own.py:factory``, ``package.module:factory`` or the name of a known network.
    arguments : mapping
        Of the factory.
    convention : OutputConvention
    order : tuple of int
        Columns in the order of the classes, of the target only; empty where that is theirs.
    converted : bool
        False: the outputs are left as they are.
    cares : tuple of str
        Of `CARES`, what its input needs.
    """

    factory: str
    arguments: Mapping[str, Any]
    convention: OutputConvention
    order: tuple[int, ...] = ()
    converted: bool = True
    cares: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types, for job arguments; `converted` and `cares` are said only where they matter."""
        record: dict[str, Any] = {
            "factory": self.factory,
            "arguments": dict(self.arguments),
            "convention": asdict(self.convention),
            "order": list(self.order),
        }
        record |= {} if self.converted else {"converted": False}
        return record | ({"cares": list(self.cares)} if self.cares else {})

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> OwnNetwork:
        """Inverse of `to_json`; `order`, `converted` and `cares` may be missing."""
        return cls(
            factory=record["factory"],
            arguments=record["arguments"],
            convention=OutputConvention(**record["convention"]),
            order=tuple(record.get("order") or ()),
            converted=record.get("converted", True),
            cares=tuple(record.get("cares") or ()),
        )
