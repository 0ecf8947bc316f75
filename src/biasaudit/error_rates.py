"""The measured error rates of the verdict that a report prints: those of the nearest cell of the calibration."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from biasaudit.records import Regime
from biasaudit.reliance import RELIANCE_SOURCES
from biasaudit.resources import measured_checks, measured_pictures, measured_rates
from biasaudit.vocabulary import NOT_USED

__all__ = ["Setting", "carries_weight", "error_rates", "limit_of_rates", "weight_text"]

_REPRESENTATIONS = ("intensity", "tissue")
_FEWEST, _MOST = 75, 240
"""Subjects of a cohort of real pictures from which and up to which the rates hold: .75 and 1.5 of those measured."""
_OWN = " Rates of these very images and this network: biasaudit calibrate --cohort PROTOCOL."
_ONLY_BESIDE = "so its concern counts only beside a check that measures the reliance"
_UNMEASURED = {
    "cell": None,
    "false_flag": None,
    "false_clear": None,
    "undetermined": None,
    "within_calibration": False,
    "text": "error rates not yet measured",
}


@dataclass(frozen=True)
class Setting:
    """The properties by which an audit is matched to a cell of the calibration.

    Attributes
    ----------
    regime : Regime
    masks : str
        ``complete``, ``incomplete`` or ``none``.
    n : int
        Subjects.
    dimensions : int
    network, representation : str
    simulated : bool
        Whether the cohort is a phantom.
    classes : int
        Classes that the target tells apart.
    probes : int
        Healthy images of the patients' source that were only scored.
    field : bool
        Whether it was declared where the disease can be.
    kind : str
        ``images``, ``features`` or ``scores``: what stands for a subject.
    """

    regime: Regime
    masks: str
    n: int
    dimensions: int
    network: str
    representation: str
    simulated: bool
    classes: int = 2
    probes: int = 0
    field: bool = False
    kind: str = "images"


@dataclass(frozen=True)
class _Rate:
    """Share of the counted cohorts, None where there are none, and the upper end of its 95 % interval."""

    n: int
    rate: float | None
    high: float | None

    @classmethod
    def from_json(cls, counted: Mapping[str, Any]) -> _Rate:
        """Read one rate of a cell."""
        return cls(counted["n"], counted["rate"], counted["high"])


@dataclass(frozen=True)
class _Cell:
    """One cell of the calibration: the kind of cohort, the sizes that were simulated, and the rates of the verdict."""

    regime: Regime
    masks: str
    simulated_n: tuple[int, ...]
    false_flag: _Rate
    false_clear: _Rate
    undetermined: _Rate

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> _Cell:
        """Read a cell of the measured rates."""
        rates = {name: _Rate.from_json(record[name]) for name in ("false_flag", "false_clear", "undetermined")}
        return cls(record["regime"], record["masks"], tuple(record["simulated_n"]), **rates)

    def distance(self, n: int) -> float:
        """How many subjects the nearest simulated cohort has more or fewer than `n`."""
        return float(min(abs(simulated - n) for simulated in self.simulated_n))


def error_rates(setting: Setting) -> dict[str, Any]:
    """Look up the nearest cell.

    Returns
    -------
    dict
        ``cell`` in words, ``false_flag`` (ORIGIN or MIXED although R* <= .05), ``false_clear`` (PATHOLOGY although
        R* >= .3), ``undetermined``; each 0 to 1 or None, with ``<name>_n`` cohorts and ``<name>_high``, the upper end
        of the 95 % interval; ``within_calibration``; ``text`` for the report; ``pictures`` where they were measured on
        real pictures.
    """
    pictured = _of_pictures(setting)
    if pictured is not None:
        return pictured
    cells = map(_Cell.from_json, _measured().get("cells", []))
    own = [cell for cell in cells if cell.regime == setting.regime and cell.masks == setting.masks]
    if not own:
        return dict(_UNMEASURED)
    cell = min(own, key=lambda each: each.distance(setting.n))
    outside = _outside(cell, setting)
    low, high = min(cell.simulated_n), max(cell.simulated_n)
    span = str(low) if low == high else f"{low}-{high}"
    masks = {"complete": "complete masks", "incomplete": "incomplete masks", "none": "no masks"}[setting.masks]
    words = f"{setting.regime}, {masks}, n {span}"
    rates = {"false_flag": cell.false_flag, "false_clear": cell.false_clear, "undetermined": cell.undetermined}
    return {
        "cell": words,
        **_figures(rates),
        "within_calibration": not outside,
        "outside": outside,
        "text": _text(words, rates, outside, setting),
    }


def limit_of_rates(rates: Mapping[str, Any]) -> str:
    """Say what the error rates that a report prints do not show: it follows what they were measured on."""
    if rates.get("own"):
        return (
            "Error rates were measured on copies of the audit's own images with planted disease and planted "
            "signatures; signatures of other kinds may be found more seldom."
        )
    if rates.get("pictures"):
        return (
            "Error rates were measured on other real pictures, with planted disease and planted signatures and a small "
            "network; these images and their signatures differ."
        )
    if rates.get("false_flag") is None and rates.get("false_clear") is None:
        return "Error rates of audits of this kind were not measured."
    return "Error rates were measured on simulated brain images with a small network; real images differ."


def _figures(rates: Mapping[str, _Rate]) -> dict[str, float | None]:
    """Name every rate, the cohorts that were counted, and the upper end of its interval."""
    figures = {name: rate.rate for name, rate in rates.items()}
    counts: dict[str, float | None] = {f"{name}_n": rate.n for name, rate in rates.items()}
    return {**figures, **counts, **{f"{name}_high": rate.high for name, rate in rates.items()}}


def _of_pictures(setting: Setting) -> dict[str, Any] | None:
    """Look up the rates of real pictures by what was declared, so many probes, a field, or nothing; None of others."""
    pictures = setting.dimensions == 2 and setting.kind == "images"
    measured = pictures and not setting.simulated and setting.masks == "none"
    if not measured or setting.regime not in ("nested", "aliased"):
        return None
    cells = _read(measured_pictures()).get("cells", [])
    asked = [each for each in cells if each["field"] == (setting.field and not setting.probes)]
    if not asked:
        return None
    cell = min(asked, key=lambda each: abs(each["probes"] - setting.probes))
    rates = {name: _Rate.from_json(cell[name]) for name in ("false_flag", "false_clear", "undetermined")}
    reasons = [*_beyond_pictures(setting), *_beyond_network(setting)]
    words = f"{setting.regime}, {cell['words']}"
    where = f"real pictures in which disease and signature were planted ({words}, small 2-D network)"
    start = f"Outside calibration ({', '.join(reasons)}). Nearest: {where}" if reasons else f"Measured on {where}"
    text = f"{start}: {_shares(rates)}.{_OWN if reasons else ''}"
    known = {"within_calibration": not reasons, "outside": reasons, "pictures": True}
    return {"cell": words, **_figures(rates), **known, "text": text}


def carries_weight(code: str, regime: Regime) -> bool | None:
    """Say whether calibration found that a check discriminates in a regime; None where that was not measured."""
    board = _board(code, regime)
    return None if board is None else bool(board["discriminates"])


def weight_text(code: str, regime: Regime) -> str:
    """Say in words how well a check told driven networks from clean ones in the calibration; empty if not measured.

    Of a check that is asked of several inputs each that was measured is named.
    """
    boards = _boards(code, regime)
    if not boards:
        return ""
    figures = "; ".join(f"{name.removeprefix(code).strip()} {_figure(board)}".strip() for name, board in boards.items())
    start = "on simulated cohorts the check told networks driven by the origin (R* > .25) from clean ones (R* <= .05)"
    text = f"{start} with a ROC AUC of {figures}"
    if len(boards) > 1 or code not in boards:
        return f"{text}; other inputs were not measured"
    if boards[code]["discriminates"]:
        return text
    decides = any(source.code == code for source in RELIANCE_SOURCES)
    return f"{text}: no better than chance, " + (_ONLY_BESIDE if decides else NOT_USED)


def _figure(board: Mapping[str, Any]) -> str:
    return f"{board['auc']:.2f} [{board['low']:.2f}, {board['high']:.2f}], {board['n']} cohorts"


def _boards(code: str, regime: Regime) -> dict[str, Mapping[str, Any]]:
    """Return the boards of a check in the regime, else in all, by its code and the input."""
    checks = _measured().get("checks", {})
    own = {name: boards for name, boards in checks.items() if name == code or name.startswith(f"{code} ")}
    found = {name: boards.get(regime) or boards.get("all") for name, boards in own.items()}
    return {name: board for name, board in found.items() if board}


def _board(code: str, regime: Regime) -> Mapping[str, Any] | None:
    """Return the board of a check; with several inputs that of the best input."""
    return max(_boards(code, regime).values(), key=lambda board: float(board["low"]), default=None)


def _beyond_pictures(setting: Setting) -> list[str]:
    """Name what differs from the pictures that were measured: one source for each class, about as many subjects."""
    reasons = ["several origins in a class"] if setting.regime == "nested" else []
    if not _FEWEST <= setting.n <= _MOST:
        reasons.append(f"{setting.n} subjects")
    return reasons


def _shares(rates: Mapping[str, _Rate]) -> str:
    parts = (
        _share("false alarms", rates["false_flag"], "without bias (R* <= .05)"),
        _share("missed bias", rates["false_clear"], "driven by the origin (R* >= .3)"),
        _share("left open", rates["undetermined"], "in all"),
    )
    return "; ".join(filter(None, parts)) or "no cohort of this kind was judged"


def _text(words: str, rates: Mapping[str, _Rate], outside: Sequence[str], setting: Setting) -> str:
    figures = _shares(rates)
    if outside:
        own = _OWN if setting.kind == "images" and not setting.simulated else ""
        return f"Outside calibration ({', '.join(outside)}). Nearest simulated cell ({words}): {figures}.{own}"
    return f"Measured on simulated cohorts of this kind ({words}, small 3-D network): {figures}."


def _share(meaning: str, rate: _Rate, of: str) -> str:
    """Say one rate in words, with the upper end of its 95 % interval; empty where no cohort was counted."""
    if rate.rate is None or rate.high is None:
        return ""
    return f"{meaning} {round(rate.rate * rate.n)} of {rate.n} {of} (true rate below {100 * rate.high:.0f} %)"


def _outside(cell: _Cell, setting: Setting) -> list[str]:
    """Name what the calibration did not cover."""
    reasons = []
    if setting.kind != "images":
        reasons.append(f"{setting.kind} in place of images")
    elif not setting.simulated:
        reasons.append("real images")
    if setting.dimensions != 3 and setting.kind == "images":
        reasons.append("pictures")
    reasons += _beyond_network(setting)
    if not 0.75 * min(cell.simulated_n) <= setting.n <= 1.5 * max(cell.simulated_n):
        reasons.append(f"{setting.n} subjects")
    return reasons


def _beyond_network(setting: Setting) -> list[str]:
    """Name what was not calibrated of the classes, the network and its input."""
    reasons = ["more than two classes"] if setting.classes > 2 else []
    if setting.network != "cnn":
        reasons.append("another network")
    if setting.representation not in _REPRESENTATIONS:
        reasons.append("another input")
    return reasons


@cache
def _measured() -> dict[str, Any]:
    """Rates of the verdict, and the worth of the checks: of those with no vote from the grid of their own."""
    measured, checks = _read(measured_rates()), _read(measured_checks())
    return {**measured, "checks": {**measured.get("checks", {}), **checks.get("checks", {})}}


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
