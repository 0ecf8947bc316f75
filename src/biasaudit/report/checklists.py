"""What an audit answers of the checklists for papers on classifiers of images: item, text to paste, source.

Only items are listed whose number and wording were compared with the published checklist. `asks` names an item briefly;
the checklist itself has the full text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from biasaudit.records import FindingRecord
from biasaudit.report.methods import checklist
from biasaudit.report.methods_training import judged, partition, sources
from biasaudit.report.passages import Settings, coverage
from biasaudit.report.references import CHECKLIST_WORKS, in_words
from biasaudit.report.words import finite, interval, number
from biasaudit.run_folder.contract import ArmRecord, AucRecord, IndependentRecord
from biasaudit.run_folder.finished import primary_arm
from biasaudit.run_folder.reading import RunRecords, class_by_origin

__all__ = ["Answer", "answer_table", "answers"]

_ADVICE = re.compile(r" `[^`]*` [^.]*\.")
"""A sentence of the limits that begins with a setting tells how to go on, not what is limited."""
_MOST_ORIGINS = 12
"""More are not counted one by one in a sentence."""


@dataclass(frozen=True)
class Answer:
    """What an audit says to one item of a checklist.

    Attributes
    ----------
    checklist, item : str
        Name of the checklist; number of the item in it.
    asks : str
        What the item is about, in short.
    text : str
        To paste.
    source : str
        The checklist, with its DOI.
    """

    checklist: str
    item: str
    asks: str
    text: str
    source: str


def answers(records: RunRecords) -> tuple[Answer, ...]:
    """Answer every listed item that this audit has something to say to, checklist by checklist."""
    given = (
        Answer(name, item, asks, answer(records), in_words(CHECKLIST_WORKS[name]))
        for name, items in _ITEMS.items()
        for item, asks, answer in items
    )
    return tuple(answer for answer in given if answer.text)


def answer_table(records: RunRecords) -> pd.DataFrame:
    """Return the answers as a table: checklist, item, asks, text, source."""
    columns = ["checklist", "item", "asks", "text", "source"]
    rows = [[getattr(answer, column) for column in columns] for answer in answers(records)]
    return pd.DataFrame(rows, columns=pd.Index(columns))


def _settings(records: RunRecords) -> Settings:
    return Settings(records.audit["settings"])


def _data_sources(records: RunRecords) -> str:
    named = sources(records)
    if not named:
        return ""
    return f"The audit is of {judged(records)}. The source of the data was recorded as {named}.{_counts(records)}"


def _counts(records: RunRecords) -> str:
    """Count classes by origin of the first factor, where they are few."""
    factor = next(iter(records.audit["cohort"]["origins"]))
    table = class_by_origin(records, factor)
    if table.empty or len(table) > _MOST_ORIGINS:
        return ""
    rows = [
        f"{origin}: {', '.join(f'{amount} {label}' for label, amount in row.items() if amount)}"
        for origin, row in table.iterrows()
    ]
    return f" By {factor}: {'; '.join(rows)}."


def _partitions(records: RunRecords) -> str:
    parted = partition(_settings(records))
    return f"Subjects were divided by {parted}; the same folds served all inputs and controls." if parted else ""


def _disjoint(records: RunRecords) -> str:
    if not partition(_settings(records)):
        return _found(records, "D3")
    return " ".join(["Partitions are disjoint by subject.", _found(records, "D3")]).strip()


def _held_out(records: RunRecords) -> str:
    settings = _settings(records)
    if settings.scored:
        return "The scores were given; that they are of held-out subjects is taken from whoever made them."
    if settings.weights:
        return "The network was trained elsewhere and judged by subjects that, as stated, it had not seen."
    return "Every score is of a subject that its network was not trained on; no apparent performance is reported."


def _repeated(records: RunRecords) -> str:
    if not partition(_settings(records)):
        return ""
    return (
        "The network and all control classifiers were trained anew in every fold; what was decided before, such as the "
        "architecture, was not repeated."
    )


def _uncertainty(records: RunRecords) -> str:
    settings = _settings(records)
    if settings.level is None or settings.claim_level is None:
        return ""
    return (
        f"Permutation tests ({settings.at('statistics', 'n_permutations')} permutations) with p = (b + 1)/(m + 1), "
        f"corrected by Holm's procedure at alpha {settings.at('statistics', 'alpha')}; {settings.claim_level:g} % "
        f"intervals of reliance, since each of its bounds carries a claim, and {settings.level:g} % intervals of AUCs."
    )


def _explained(records: RunRecords) -> str:
    if records.relevance.empty and records.overlays.empty:
        return ""
    method = str(_settings(records).at("attribution", "method")).removeprefix("captum:").replace("_", " ")
    tested = _found(records, "G2")
    return f"Attribution maps ({method}). How they were validated: {tested}" if tested else ""


def _performance(records: RunRecords) -> str:
    target = primary_arm(records.audit).get("target") or {}
    name = f"Held-out AUC of the {primary_arm(records.audit)['name']} input"
    return _auc(name, target, _settings(records).level)


def _diagnostic(records: RunRecords) -> str:
    """Give the AUC to publish, or the reason why there is none."""
    own = (primary_arm(records.audit).get("target") or {}).get("independent") or {}
    name = f"AUC of the {primary_arm(records.audit)['name']} input with class and {own.get('factor')} made independent"
    given = _auc(name, own, _settings(records).level)
    text = str(own.get("text") or "")
    if given or not text:
        return f"{given} {text}".strip()
    return f"{name}: {text[:1].lower()}{text[1:]}"


def _discrimination(records: RunRecords) -> str:
    given = _performance(records)
    return f"Discrimination: {given} Calibration and net benefit are not part of this audit." if given else ""


def _auc(name: str, record: AucRecord | IndependentRecord, level: float | None) -> str:
    if finite(record.get("auc")) is None:
        return ""
    bounds, covers = interval(record.get("auc_low"), record.get("auc_high")), coverage(record, level)
    between = f" ({'' if covers is None else f'{covers:g} % '}interval {bounds})" if bounds else ""
    return f"{name}: {number(record.get('auc'))}{between}."


def _limitations(records: RunRecords) -> str:
    arm = primary_arm(records.audit)
    limits = [_ADVICE.sub("", limit) for limit in records.audit["limits"]]
    parts = [f"Verdict on the source of the data: {arm['verdict']}.", arm.get("reason") or "", *limits]
    return " ".join(_sentence(part) for part in parts if part)


def _preprocessing(records: RunRecords) -> str:
    return _found(records, "D2", "A3")


def _clusters(records: RunRecords) -> str:
    return _found(records, "U1", "U10")


def _found(records: RunRecords, *codes: str) -> str:
    """Join what checks of the design and of the primary arm found, each once."""
    design, arm = records.audit["design"].get("findings") or [], primary_arm(records.audit)
    asked = [
        finding
        for finding in [*design, *_findings(arm)]
        if finding["code"] in codes and finding["status"] not in ("not_applicable", "error")
    ]
    return " ".join(dict.fromkeys(_sentence(finding.get("reason")) for finding in asked if finding.get("reason")))


def _findings(arm: ArmRecord) -> list[FindingRecord]:
    """Return the findings of one arm, in the contrast of its headline."""
    return [own for own in arm.get("findings") or [] if own.get("contrast") in (None, arm.get("contrast"))]


def _sentence(text: object) -> str:
    clause = str(text)
    return clause[:1].upper() + clause[1:] + ("" if clause.endswith((".", "!", "?")) else ".")


Item = tuple[str, str, Callable[[RunRecords], str]]

_ITEMS: dict[str, tuple[Item, ...]] = {
    "CLAIM 2024": (
        ("7", "data sources", _data_sources),
        ("19", "how data were assigned to partitions", _partitions),
        ("20", "level at which partitions are disjoint", _disjoint),
        ("29", "measures of significance and uncertainty", _uncertainty),
        ("30", "robustness or sensitivity analysis", checklist),
        ("31", "explainability, and how it was validated", _explained),
        ("32", "evaluation on internal data", _performance),
        ("38", "diagnostic performance and its precision", _diagnostic),
        ("40", "study limitations", _limitations),
    ),
    "TRIPOD+AI": (
        ("5a", "sources of the data", _data_sources),
        ("12a", "how data were used and partitioned", _partitions),
        ("12d", "how heterogeneity between clusters, such as hospitals, was handled", checklist),
        ("23a", "performance with intervals", _performance),
        ("23b", "heterogeneity between clusters that was found", _clusters),
        ("26", "limitations, and their effects on bias and generalisability", _limitations),
    ),
    "PROBAST+AI": (
        ("evaluation 2.2", "whether predictors were pre-processed alike for all", _preprocessing),
        ("evaluation 4.1", "whether mere apparent performance was avoided", _held_out),
        ("evaluation 4.5", "whether leakage between training and test data was avoided", _disjoint),
        ("evaluation 4.6", "whether resampling repeated all steps of development", _repeated),
        ("evaluation 4.7", "whether performance was evaluated appropriately", _discrimination),
    ),
    "METRICS": (
        ("18", "proper data partitioning process", _partitions),
        ("19", "handling of confounding factors", checklist),
        ("21", "consideration of uncertainty", _uncertainty),
    ),
}
"""Number, subject and answer of each item, in the order of its checklist."""
