"""The methods of an audit to paste into a paper, filled from the settings that ran, with the works they rest on."""

from __future__ import annotations

from collections.abc import Mapping

from biasaudit.records import RelianceRecord
from biasaudit.report.methods_tests import tests
from biasaudit.report.methods_training import SOFTWARE, design, judged
from biasaudit.report.passages import Passage, Settings, coverage
from biasaudit.report.references import WORKS, Reference, in_words, software
from biasaudit.report.words import count, finite, interval, number, percent, reliance_words
from biasaudit.run_folder.contract import ArmRecord, IndependentRecord
from biasaudit.run_folder.finished import primary_arm
from biasaudit.run_folder.reading import RunRecords

__all__ = ["checklist", "cited", "methods", "passages", "references"]

_PATHS = ("integrated_gradients", "expected_gradients", "captum:IntegratedGradients")
"""Methods of attribution that go along a path, in more steps until their maps are complete."""

_HOW_PUBLISHED = {
    "weights": Passage(
        "Pairs of a patient and a healthy subject that one fold held out were weighted by the product of their "
        "origins' overlap weights.",
        ("li2018",),
    ),
    "probes": Passage("Pairs were of one origin, and both of a pair were scored by the network of the same fold."),
}
"""How an AUC was made where the origin tells nothing of the class; of one origin there was nothing to make."""


def passages(records: RunRecords) -> tuple[tuple[Passage, ...], ...]:
    """Write the methods as passages that know what they cite, by paragraph.

    Parameters
    ----------
    records : RunRecords

    Returns
    -------
    tuple of tuple of Passage
        Design and training; tests and reliance; the AUC to publish; verdict; attribution. No empty ones.
    """
    settings = Settings(records.audit["settings"])
    paragraphs = (
        design(records, settings),
        (*tests(records, settings, _asked(records)), _e_value(records)),
        _published(records, settings),
        _verdict(records, settings),
        _maps(settings) if not records.relevance.empty or not records.overlays.empty else (),
    )
    written = (tuple(passage for passage in paragraph if passage.text) for paragraph in paragraphs)
    return tuple(paragraph for paragraph in written if paragraph)


def methods(records: RunRecords) -> tuple[str, ...]:
    """Write the methods in words, one string per paragraph, with the numbers of the references in brackets."""
    numbers = {work.key: place for place, work in enumerate(cited(records), 1)}
    return tuple(" ".join(_numbered(passage, numbers) for passage in paragraph) for paragraph in passages(records))


def references(records: RunRecords) -> tuple[str, ...]:
    """List the works that the methods cite, in the order of their numbers."""
    return tuple(in_words(work) for work in cited(records))


def cited(records: RunRecords) -> tuple[Reference, ...]:
    """Return the works that the methods cite, in the order in which they are cited first."""
    keys = dict.fromkeys(key for paragraph in passages(records) for passage in paragraph for key in passage.cites)
    own = software(str(records.audit["biasaudit"].get("version") or ""))
    return tuple(own if key == SOFTWARE else WORKS[key] for key in keys)


def checklist(records: RunRecords) -> str:
    """Write the paragraph that reporting checklists ask for on confounding by the source of the data."""
    audit = records.audit
    origins = ", ".join(
        f"{name} ({count(len(values), 'level')})" for name, values in audit["cohort"]["origins"].items()
    )
    arm = primary_arm(records.audit)
    reliance = _reliance(arm.get("reliance") or {}, Settings(audit["settings"]).claim_level)
    share = f" The share of its response owed to the data's origin: {reliance}." if reliance else ""
    return (
        f"Confounding of the label with the source of the images{f', {origins},' if origins else ''} was assessed with "
        f"biasaudit {audit['biasaudit'].get('version', '')} on "
        f"{judged(records)} in {_regime(records)}, by {_means(records)}. "
        f"Verdict for the {arm['name']} input: {arm['verdict']}{_worst_contrast(arm)}.{share}"
    )


def _numbered(passage: Passage, numbers: Mapping[str, int]) -> str:
    """Put the numbers before the full stop."""
    if not passage.cites:
        return passage.text
    marks = ", ".join(str(place) for place in sorted(numbers[key] for key in passage.cites))
    return f"{passage.text.removesuffix('.')} [{marks}]."


def _reliance(found: RelianceRecord, level: float | None) -> str:
    """Write reliance with its interval and the interval's level; empty where it was not estimated."""
    bounds, level = interval(found.get("low"), found.get("high"), is_share=True), coverage(found, level)
    if finite(found.get("estimate")) is None or level is None or not bounds:
        return reliance_words(found)
    return f"{percent(found.get('estimate'))} ({level:g} % interval {bounds})"


def _independent(records: RunRecords) -> IndependentRecord:
    """AUC to publish of the primary arm; empty where there is none."""
    found = (primary_arm(records.audit).get("target") or {}).get("independent") or {}
    return found if finite(found.get("auc")) is not None else {}


def _e_value(records: RunRecords) -> Passage:
    """Say what an E-value is, where one is given."""
    found = primary_arm(records.audit).get("findings") or []
    if not any(own["code"] == "D4" and (own.get("details") or {}).get("sensitivity") for own in found):
        return Passage("")
    text = "An E-value says how strong a trait that nobody measured would have to be to explain a difference."
    return Passage(text, ("vanderweele2017",))


def _published(records: RunRecords, settings: Settings) -> tuple[Passage, ...]:
    """Name the AUC to publish with its interval, and how it was made; nothing where there is none."""
    own = _independent(records)
    if not own:
        return ()
    bounds, level = interval(own.get("auc_low"), own.get("auc_high")), coverage(own, settings.level)
    between = f" ({'' if level is None else f'{level:g} % '}interval {bounds})" if bounds else ""
    how = str(own.get("how"))
    return (
        Passage(
            f"The AUC of the {primary_arm(records.audit)['name']} input, with class and {own.get('factor')} made "
            f"independent, was {number(own.get('auc'))}{between}.",
            ("chyzhyk2022",) if how in _HOW_PUBLISHED else (),
        ),
        Passage(str(own.get("text") or "")),
        _HOW_PUBLISHED.get(how, Passage("")),
        Passage(
            "Its interval is DeLong's or, where that is wider, Newcombe's, and allows for training sets that overlap.",
            ("delong1988", "newcombe2006"),
        ),
    )


def _worst_contrast(arm: ArmRecord) -> str:
    return f" ({arm['contrast']} against the rest, the worst of all contrasts)" if arm.get("contrast") else ""


def _asked(records: RunRecords) -> set[str]:
    findings = records.findings
    return set(findings.loc[~findings["status"].isin(["not_applicable", "error"]), "code"])


def _regime(records: RunRecords) -> str:
    regime = records.audit["design"].get("regime")
    return f"the {regime} design" if regime else "a design that was not recorded"


def _means(records: RunRecords) -> str:
    asked = _asked(records)
    means = {
        "control classifiers": {"A1", "A2"},
        "tests of scores and features inside classes": {"U1", "U2", "U3"},
        "edits of the images": {"U4", "U5"},
        "images of the missing cell that were only scored": {"P1"},
        "edits outside and inside of the declared disease field": {"U13", "U14"},
    }
    used = [name for name, codes in means.items() if codes & asked]
    return " and ".join(part for part in (", ".join(used[:-1]), *used[-1:]) if part) or "its table alone"


def _verdict(records: RunRecords, settings: Settings) -> tuple[Passage, ...]:
    high, low, tolerance, delta = (
        _threshold(settings.at("verdict", key)) for key in ("high", "low", "tolerance", "delta")
    )
    return (
        Passage(
            f"Tests that may flag were corrected by Holm's procedure (alpha {settings.at('statistics', 'alpha')})"
            f"{_together(records, settings)}.",
            ("holm1979",),
        ),
        Passage(
            f"A flagged network was called ORIGIN where the lower bound of reliance exceeded {high} and MIXED where it "
            f"exceeded {low}."
        ),
        Passage(
            f"PATHOLOGY was an equivalence claim: upper bound of reliance below {tolerance} and, where origins hold "
            f"both classes, the AUC of origin from scores inside a class within {delta} of 0.5.",
            ("schuirmann1987",),
        ),
        Passage(f"Anything else was UNDETERMINED.{_rests_on(records)}"),
    )


def _rests_on(records: RunRecords) -> str:
    """Say of a verdict that rests on probes that it does."""
    arm = primary_arm(records.audit)
    if (arm.get("reliance") or {}).get("from") != "P1":
        return ""
    return f" The verdict on the {arm['name']} input rests on the probes: its reliance was measured on them."


def _together(records: RunRecords, settings: Settings) -> str:
    """Say over which tests the correction ran; nothing of a run that did not record it."""
    counted = [verdict.get("tests", 0) for arm in records.audit["arms"] for verdict in arm.get("verdicts", [])]
    if settings.at("statistics", "scope") == "audit":
        return f" over {count(max(counted, default=0), 'test')} of the whole audit"
    return ", for each input and origin factor by itself" if any(counted) else ""


def _threshold(value: object) -> str:
    return number(value) if finite(value) is not None else str(value)


def _maps(settings: Settings) -> tuple[Passage, ...]:
    method = str(settings.at("attribution", "method"))
    steps = (
        f", {settings.at('attribution', 'steps')} steps on the path, more until complete" if method in _PATHS else ""
    )
    text = (
        f"Attribution maps ({method.removeprefix('captum:').replace('_', ' ')}{steps}) illustrate the findings; they "
        "decided nothing alone."
    )
    return (Passage(text, ("sundararajan2017",) if "integrated" in method.lower() else ()),)
