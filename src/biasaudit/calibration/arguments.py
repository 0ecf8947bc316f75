"""Arguments of the step that audits one simulated cohort."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from biasaudit.engine.jobs.job import Arguments
from biasaudit.protocol import Protocol

__all__ = ["CalibrateArguments"]


@dataclass(frozen=True)
class CalibrateArguments(Arguments):
    """Audit one simulated cohort.

    Attributes
    ----------
    name : str
        Of the cohort; its networks are kept in ``runs/<name>`` of the calibration's folder.
    about : mapping of str to str, number or None
        Columns that say where in the grid it stands.
    protocol : Protocol
    """

    step: ClassVar[str] = "biasaudit.calibration.cohort:calibrate"
    name: str
    about: Mapping[str, str | float | None]
    protocol: Protocol
