"""Add probes to a finished run, and say what they changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from biasaudit.engine.answer_key import Scored, answer_lines
from biasaudit.engine.predict import predict
from biasaudit.engine.situation.places import require_places
from biasaudit.engine.user_code.listing import require_recorded
from biasaudit.errors import UsageError
from biasaudit.protocol import BidsCohort, ProbeSettings, Protocol, TableCohort, load_protocol
from biasaudit.regular_files import real_path
from biasaudit.run_folder.contract import PROTOCOL, ArmRecord, AuditRecord
from biasaudit.run_folder.finished import finished_audit
from biasaudit.run_folder.lock import in_use
from biasaudit.run_folder.owned import OwnedFiles
from biasaudit.run_folder.place import require_ours
from biasaudit.run_folder.tsv import read_tsv

__all__ = ["changes", "kept_if_it_fails", "key_of_probes", "with_probes"]


def with_probes(run: Path, table: Path, max_prevalence: float | None, *, trust: bool = False) -> Protocol:
    """Return the protocol of a finished run with one more table of probes.

    Parameters
    ----------
    run : Path
        Folder of a finished run.
    table : Path
        Manifest with the columns of the audit's own table; where it read none: subject, image, label and the origins.
    max_prevalence : float or None
        Largest share of patients among rows without a label; None leaves it as it is.
    trust : bool
        Run whatever code the run folder names, also what its audit did not run.

    Raises
    ------
    DataError
        The folder names other code.
    UsageError
        No run, or one that audited no image files.
    IncompleteError
        The run has not been finished.
    """
    _put_back_if_interrupted(run)
    finished_audit(run)
    require_places(run)
    protocol = load_protocol(run / PROTOCOL, stored=True)
    require_recorded(run, protocol, trust=trust)
    if not isinstance(protocol.cohort, TableCohort | BidsCohort) or not protocol.cohort.has_images:
        raise UsageError(f"{run} audited no image files; probes are images of the same kind")
    before = protocol.cohort.probes or ProbeSettings.model_construct(
        table=[], roots=[], where=None, max_prevalence=None
    )
    changed: dict[str, object] = {"table": list(dict.fromkeys([*before.table, real_path(table)]))}
    if max_prevalence is not None:  # one bound holds for all tables
        changed["max_prevalence"] = max(max_prevalence, before.max_prevalence or 0.0)
    probes = before.model_copy(update=changed)
    cohort = protocol.cohort.model_copy(update={"probes": probes})
    # Error rates of one's own images were measured with other probes, or without any.
    return protocol.model_copy(update={"cohort": cohort, "calibration": None})


def _put_back_if_interrupted(run: Path) -> None:
    """Put back the results of a run while probes were added to which the computer went down."""
    if OwnedFiles(run).keeps:
        require_ours(run, "run")
        with in_use(run, "run"):
            OwnedFiles(run).put_back_if_interrupted()


@contextmanager
def kept_if_it_fails(run: Path) -> Iterator[None]:
    """Hold a finished run, and put its results back where adding probes to it fails or is interrupted."""
    require_ours(run, "run")
    with in_use(run, "run"), OwnedFiles(run).kept_if_it_fails():
        yield


def changes(before: AuditRecord, after: AuditRecord) -> Iterator[str]:
    """Say of every arm what its verdict and reliance were and are, and what the probes showed.

    Parameters
    ----------
    before, after : AuditRecord
        The audit without and with the probes.
    """
    earlier = {arm["name"]: arm for arm in before["arms"]}
    for arm in after["arms"]:
        then, now = (_stated(own) for own in (earlier[arm["name"]], arm))
        yield f"arm {arm['name']}: {now}, as before" if then == now else f"arm {arm['name']}: {then} -> {now}"
        for finding in arm["findings"]:
            if finding["code"] == "P1" and finding["status"] != "not_applicable":
                yield f"  {finding.get('reason')}"


def key_of_probes(run: Path, table: Path, *, trust: bool = False) -> list[str]:
    """Write the answer key of a finished run: its own held-out scores beside those of the probes.

    Parameters
    ----------
    run : Path
    table : Path
        Of the probes.
    trust : bool
        As of `with_probes`.
    """
    predicted = predict(run, table, None, trust=trust)
    lines: list[str] = []
    for factor, scored in predicted.scored.items():
        audited = _audited(run, str(predicted.table["arm"].iat[0]), factor)
        lines += answer_lines([*audited, *scored], factor, predicted.positive)
    return lines


def _audited(run: Path, arm: str, factor: str) -> Iterator[Scored]:
    """Go over the held-out scores of the audited subjects."""
    subjects = read_tsv(run / "tables" / "subjects.tsv", dtype={"subject": str, "label": str, factor: str})
    scores = read_tsv(run / "tables" / "scores.tsv", dtype={"subject": str})
    own = (scores["arm"] == arm) & (scores["question"] == "target")
    for column in ("input", "variant"):
        own &= scores[column] == "original"
    logits = scores[own].groupby("subject")["logit"].mean()
    for row in subjects.drop_duplicates("subject").to_dict("records"):
        if row["subject"] in logits.index:
            score = float(logits[row["subject"]])
            yield Scored(row["subject"], row["label"], row[factor], bool(row["positive"]), score)


def _stated(arm: ArmRecord) -> str:
    """Show verdict and reliance: ``ORIGIN (reliance 93-100 %)``."""
    reliance = arm["reliance"]
    low, high = 100 * (reliance.get("low") or 0.0), 100 * (reliance.get("high") or 0.0)
    if reliance.get("kind") == "bound":
        return f"{arm['verdict']} (reliance at least {low:.0f} %)"
    if reliance.get("estimate") is None:
        return f"{arm['verdict']} (reliance not known)"
    return f"{arm['verdict']} (reliance {low:.0f}-{high:.0f} %)"
