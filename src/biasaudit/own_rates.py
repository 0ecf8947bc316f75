"""Error rates of the verdict that were measured on copies of an audit's own images, and the file that keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from biasaudit.errors import Fault, ProtocolError
from biasaudit.regular_files import read_json_file

__all__ = ["OWN_RATES", "Identity", "own_error_rates", "rates_in_words", "read_own_rates", "require_own_rates"]

OWN_RATES = "own-rates.json"
"""Name of the file that a calibration of one's own cohort writes."""

_KEY = "calibration"
_AGAIN = "measure them again: biasaudit calibrate --cohort PROTOCOL"
_COUNTED = ("false_flag", "cleared", "found", "false_clear", "undetermined")
_DIFFERS = {
    "cohort": "they are of another cohort: images, classes or origins differ",
    "network": "they are of another network: target, grid or folds differ",
    "rules": "they are of other rules: checks, thresholds, probes or field differ",
}


@dataclass(frozen=True)
class Identity:
    """What own rates hold for: hashes of the cohort, of what is trained, and of what is judged by."""

    cohort: str
    network: str
    rules: str


def read_own_rates(path: Path) -> dict[str, Any]:
    """Read the file of own rates.

    Raises
    ------
    ProtocolError
        If it cannot be read, is no such file, or was changed.
    """
    try:
        record = read_json_file(path)
        complete = isinstance(record, dict) and {"of", "version", "arms", "words"} <= set(record)
    except FileNotFoundError:
        raise _fault(f"no such file {path}", "measure them: biasaudit calibrate --cohort PROTOCOL") from None
    except (OSError, ValueError, TypeError):
        complete = False
    if not complete:
        raise _fault(f"{path} is no {OWN_RATES}", f"name the {OWN_RATES} of a calibration's folder")
    if record["version"] == version("biasaudit"):  # of another version it is told, and what that wrote is not known
        _require_whole(record, path)
    return dict(record)


def _require_whole(record: Mapping[str, Any], path: Path) -> None:
    """Refuse a file that was changed by hand, before anybody prints from it."""
    arms = record["arms"]
    wrong = [] if isinstance(record["words"], str) else ["words"]
    wrong += [] if isinstance(arms, dict) else ["arms"]
    for arm, rates in arms.items() if isinstance(arms, dict) else ():
        wrong += [".".join(("arms", arm, *place)) for place in _wrong(rates)]
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        message = f"{path}: not as it was written: {', '.join(wrong[:3])}{more}"
        raise _fault(message, _AGAIN)


def _wrong(rates: object) -> list[tuple[str, ...]]:
    """Places in the rates of an arm that hold something else than a calibration writes."""
    if not isinstance(rates, dict):
        return [()]
    found: list[tuple[str, ...]] = [] if isinstance(rates.get("recipe"), str) else [("recipe",)]
    found += [] if _is_count(rates.get("not_learned")) else [("not_learned",)]
    return found + [(name,) for name in _COUNTED if not _is_counted(rates.get(name))]


def _is_counted(value: object) -> bool:
    """Whether a value is events of so many, with a rate in its interval; without one where there were none."""
    if not isinstance(value, dict) or not (_is_count(value.get("n")) and _is_count(value.get("events"))):
        return False
    bounds = [value.get(name, "missing") for name in ("low", "rate", "high")]
    if not value["n"]:
        return value["events"] == 0 and bounds == [None] * 3
    numbers = all(isinstance(bound, int | float) and not isinstance(bound, bool) for bound in bounds)
    return numbers and value["events"] <= value["n"] and 0 <= bounds[0] <= bounds[1] <= bounds[2] <= 1


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def require_own_rates(path: Path, identity: Identity) -> None:
    """Refuse rates that were measured with another cohort, network, rules or version than an audit's.

    Raises
    ------
    ProtocolError
        Every difference at once.
    """
    record = read_own_rates(path)
    of = record["of"] if isinstance(record["of"], Mapping) else {}
    differences = [words for name, words in _DIFFERS.items() if of.get(name) != getattr(identity, name)]
    if record["version"] != version("biasaudit"):
        differences.insert(0, f"they are of version {record['version']}, and this is {version('biasaudit')}")
    if differences:
        raise ProtocolError([Fault("protocol", f"{_KEY}: {path}: {each}", _AGAIN) for each in differences])


def own_error_rates(record: Mapping[str, Any], arm: str, recipe: str) -> dict[str, Any] | None:
    """Return the rates of one arm in the form of `biasaudit.error_rates.error_rates`; None of an arm without any.

    Parameters
    ----------
    record : mapping
        Of `read_own_rates`.
    arm, recipe : str
        Name of the arm, and what its network learns from.

    Returns
    -------
    dict
        With ``found``, the share of copies of reliance .5 or more that were flagged, ``found_n`` and ``found_low``, the
        lower end of its 95 % interval, and ``own``.
    """
    rates = record["arms"].get(arm)
    if rates is None or rates["recipe"] != recipe:
        return None
    figures: dict[str, Any] = {}
    for name in ("false_flag", "false_clear", "undetermined"):
        figures |= {name: rates[name]["rate"], f"{name}_n": rates[name]["n"], f"{name}_high": rates[name]["high"]}
    found = rates["found"]
    figures |= {"found": found["rate"], "found_n": found["n"], "found_low": found["low"]}
    cell = _cell(record)
    return {"cell": cell, **figures, "within_calibration": True, "own": True, "text": _text(cell, rates)}


def rates_in_words(path: Path) -> list[str]:
    """Say the rates of every arm in one line each."""
    record = read_own_rates(path)
    several = len(record["arms"]) > 1
    texts = {arm: _text(_cell(record), rates) for arm, rates in record["arms"].items()}
    return [f"arm {arm}: {text}" if several else text for arm, text in texts.items()]


def _cell(record: Mapping[str, Any]) -> str:
    return f"copies of {record['words']}"


def _text(cell: str, rates: Mapping[str, Any]) -> str:
    clean, found = rates["false_flag"], rates["found"]
    parts = [
        _counted("flagged", clean, "clean copies", "high") or "no clean copy was learned",
        _counted("flagged", found, "planted at reliance .5 or more", "low") or "none was taken up to a reliance of .5",
        _counted("cleared", rates["cleared"], "clean copies", "low"),
        _counted("cleared", rates["false_clear"], "planted at reliance .3 or more", "high"),
    ]
    if rates["not_learned"]:
        parts.append(f"not counted, since the target did not learn the disease: {rates['not_learned']}")
    return f"Measured on {cell}, with this network: {'; '.join(filter(None, parts))}."


def _counted(verb: str, counted: Mapping[str, Any], of: str, bound: str) -> str:
    """Say one rate in words, with the end of its 95 % interval that counts; empty if nothing was counted."""
    if not counted["n"]:
        return ""
    word = "at most" if bound == "high" else "at least"
    return f"{verb} {counted['events']} of {counted['n']} {of} ({word} {100 * counted[bound]:.0f} %)"


def _fault(message: str, remedy: str) -> ProtocolError:
    return ProtocolError([Fault("protocol", f"{_KEY}: {message}", remedy)])
