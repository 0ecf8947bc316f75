"""Hold what `biasaudit explain` was asked for, and check that it can be answered."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from biasaudit import registry
from biasaudit.attributions.captum_methods import argument_faults
from biasaudit.attributions.captum_table import refusal
from biasaudit.errors import UsageError, suggestion
from biasaudit.protocol import AttributionSettings
from biasaudit.run_folder.place import require_ours

__all__ = ["Request", "require_known", "require_new", "with_method"]


@dataclass(frozen=True)
class Request:
    """The subjects, the method and the arm to explain, and the folder to write.

    Attributes
    ----------
    subjects : tuple of str
        Empty: those that the report shows, or the first rows of the table.
    method : str or None
        Default: that of the protocol.
    arm : str or None
        Of a run its arm (default: the primary one); of a network its representation (default: intensity).
    out : Path
    """

    subjects: tuple[str, ...]
    method: str | None
    arm: str | None
    out: Path


def require_known(request: Request, subjects: Collection[str], arms: Iterable[str]) -> None:
    """Refuse subjects, a method and an arm that there are not, all at once.

    Raises
    ------
    UsageError
        One line for each, with what is most like it.
    """
    faults = [
        f"no subject {subject!r}; {suggestion(subject, subjects)}"
        for subject in request.subjects
        if subject not in subjects
    ]
    methods, known = registry.names("attribution"), list(arms)
    if request.method is not None and request.method not in methods:
        why = refusal(request.method) or suggestion(request.method, methods)
        faults.append(f"no method {request.method!r}; {why}")
    if request.arm is not None and request.arm not in known:
        faults.append(f"no arm {request.arm!r}; {suggestion(request.arm, known)}")
    if faults:
        raise UsageError("\n".join(faults))


def require_new(out: Path) -> None:
    """Refuse an output folder that holds anything but earlier explanations.

    Raises
    ------
    UsageError
    """
    require_ours(out, "explanations")


def with_method(settings: AttributionSettings, method: str | None) -> AttributionSettings:
    """Return the settings with the method that was asked for, if one was; arguments are those of one method.

    Raises
    ------
    UsageError
        If the method cannot do without arguments.
    """
    if method in (None, settings.method):
        return settings
    faults = list(argument_faults(str(method), {}))
    if faults:
        raise UsageError("\n".join(faults))
    return settings.model_copy(update={"method": method, "arguments": {}})
