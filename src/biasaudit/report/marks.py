"""What the figures of the report share: rows of tables, and short names."""

from __future__ import annotations

from typing import Any

import pandas as pd

__all__ = ["records_of", "shortened"]


def records_of(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a table as dictionaries."""
    return [{str(key): value for key, value in record.items()} for record in table.to_dict("records")]


def shortened(text: Any, width: int) -> str:
    """Text of at most so many characters, on one line."""
    shown = "".join(letter if letter.isprintable() else " " for letter in str(text))
    return shown if len(shown) <= width else shown[: width - 1] + "…"
