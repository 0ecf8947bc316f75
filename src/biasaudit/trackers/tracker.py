"""What an experiment tracker is told of an audit, and what of an audit is worth telling."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from biasaudit.run_folder.contract import AUDIT, MODEL_CARD, PROTOCOL, REPORT, ArmRecord, AuditRecord

__all__ = ["FILES", "Tracker", "numbers_of", "settings_of", "words_of"]

FILES = (REPORT, AUDIT, MODEL_CARD, PROTOCOL)
"""Files of a run that a tracker keeps, where they are there."""


class Tracker(Protocol):
    """Told of an audit: before anything runs, and at its end. It takes no argument; it is set up by its own variables.

    Whatever a method raises is shown in one line. Before the audit it ends the command; after it, it loses nothing.
    """

    def started(self, name: str) -> None:
        """Make sure that results will be taken.

        Parameters
        ----------
        name : str
            Name of the protocol.
        """

    def finished(self, out: Path, audit: AuditRecord) -> str:
        """Take the results of a finished run; return where they lie, for the terminal.

        Parameters
        ----------
        out : Path
            The run folder, with its report.
        audit : AuditRecord
            What ``audit.json`` holds.
        """

    def failed(self, name: str, reason: str) -> None:
        """Note that the audit ended without a result."""


def words_of(audit: AuditRecord) -> dict[str, str]:
    """Return the verdicts, that of the primary arm as ``verdict`` and of each arm as ``verdict.<arm>``.

    Parameters
    ----------
    audit : AuditRecord
    """
    primary = next(arm for arm in audit["arms"] if arm.get("primary", True))
    words: dict[str, str] = {"verdict": primary["verdict"], "regime": audit["design"]["regime"]}
    return words | {f"verdict.{arm['name']}": arm["verdict"] for arm in audit["arms"]}


def numbers_of(audit: AuditRecord) -> dict[str, float]:
    """Return what is measured, as ``<quantity>.<bound>.<arm>``; what is not known is left out.

    Parameters
    ----------
    audit : AuditRecord

    Returns
    -------
    dict
        AUC, AUC to publish, reliance, lesion gain and origin AUC of every arm.
    """
    return dict(pair for arm in audit["arms"] for pair in _numbers(arm))


def _numbers(arm: ArmRecord) -> Iterator[tuple[str, float]]:
    target: Mapping[str, Any] = arm.get("target", {})
    quantities: Mapping[str, Any] = {
        "auc": target.get("auc"),
        "auc_independent": _published(target),
        "reliance": arm.get("reliance"),
        "lesion_gain": arm.get("lesion_gain"),
        "origin_auc": arm.get("origin_auc"),
    }
    for name, value in quantities.items():
        bounds = value if isinstance(value, Mapping) else {"estimate": value}
        for bound in ("estimate", "low", "high"):
            if isinstance(bounds.get(bound), int | float):
                yield f"{name}.{bound}.{arm['name']}", float(bounds[bound])


def _published(target: Mapping[str, Any]) -> dict[str, Any]:
    found = target.get("independent") or {}
    return {"estimate": found.get("auc"), "low": found.get("auc_low"), "high": found.get("auc_high")}


def settings_of(audit: AuditRecord) -> dict[str, str]:
    """Return what the audit was told, by the keys of the protocol: ``folds.n``; lists as text.

    Parameters
    ----------
    audit : AuditRecord
    """
    return dict(_flat(audit.get("settings", {})))


def _flat(section: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    for name, value in section.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}.")
        elif value is not None:
            yield f"{before}{name}", str(value)
