"""The entry point of a BIDS App (Gorgolewski et al. 2017, doi:10.1371/journal.pcbi.1005209): data, output, level.

An audit is of a whole cohort. The level ``participant`` drafts a protocol where none is given and runs the audit; the
level ``group`` shows the verdicts of a finished one and makes its report anew.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from biasaudit import terminal
from biasaudit.cli.endings import ended, faults_of, print_code
from biasaudit.cli.options import Engine, here
from biasaudit.cli.runs import audit_into
from biasaudit.errors import DataError, Fault, UsageError, suggestion
from biasaudit.run_folder.finished import finished_audit

if TYPE_CHECKING:
    from biasaudit.protocol import Protocol

__all__ = ["main", "run_app"]

PROTOCOL = "protocol.yaml"
AUDIT = "audit"


def main() -> None:
    """Entry point; every error that a user can cause ends in one line per fault and an exit code."""
    ended(lambda: run_app(sys.argv[1:]))


def run_app(words: Sequence[str]) -> None:
    """Do what a BIDS App does at one level.

    Parameters
    ----------
    words : sequence of str
        The command line without the name of the program.

    Raises
    ------
    BiasauditError
    """
    asked = _parser().parse_args(words)
    roots = [asked.bids_dir, *asked.dataset]
    absent = [root for root in roots if not root.is_dir()]
    if absent:
        raise UsageError(f"{absent[0]}: no such folder; give a BIDS dataset")
    if asked.analysis_level == "group":
        _show(asked.output_dir / AUDIT)
        return
    protocol = asked.protocol or asked.output_dir / PROTOCOL
    if asked.protocol is None and not protocol.exists():
        _draft(roots, protocol)
    with faults_of(protocol):
        plan = _of(roots, _loaded(protocol), asked.participant_label)
        print_code(plan)
        audit_into(plan, asked.output_dir / AUDIT, here(Engine.auto, asked.n_cpus))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("biasaudit-app", description="Audit the classifier of a BIDS dataset.")
    parser.add_argument("bids_dir", type=Path, help="the dataset")
    parser.add_argument("output_dir", type=Path, help="folder for protocol, audit and report")
    parser.add_argument("analysis_level", choices=["participant", "group"], help="the audit; its verdicts and report")
    parser.add_argument("--dataset", type=Path, action="append", default=[], help="another dataset; repeatable")
    parser.add_argument("--protocol", type=Path, help="default: OUTPUT/protocol.yaml, drafted where it is not there")
    parser.add_argument("--participant-label", "--participant_label", nargs="+", default=[], help="only these")
    parser.add_argument("--n-cpus", "--n_cpus", type=_count, help="worker processes; default: one per core")
    parser.add_argument("--skip-bids-validator", action="store_true", help="accepted; none is run")
    parser.add_argument("-v", "--version", action="version", version=f"biasaudit {version('biasaudit')}")
    return parser


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a number of at least 1")
    return int(text)


def _draft(roots: Sequence[Path], protocol: Path) -> None:
    from biasaudit.drafting.initialise import initialise, model_of  # looking needs nibabel and pandas

    look = initialise(roots, model_of("", None, protocol.parent), protocol, bids=True, force=False)
    terminal.print_first_look(look)
    if look.faults:
        terminal.print_to_stderr(
            f"drafted {protocol}, which needs {len(look.faults)} correction(s), then run this again:"
        )
        raise DataError(look.faults)


def _loaded(protocol: Path) -> Protocol:
    from biasaudit.protocol import load_protocol  # pydantic

    return load_protocol(protocol)


def _of(roots: Sequence[Path], plan: Protocol, labels: Sequence[str]) -> Protocol:
    """Make a protocol one of these datasets, and of these participants."""
    from biasaudit.protocol import BidsCohort  # pydantic

    if not isinstance(plan.cohort, BidsCohort):
        raise UsageError(f"cohort.reader is {plan.cohort.reader!r}; a BIDS App audits datasets, with `reader: bids`")
    changes = {"roots": [root.resolve() for root in roots]}
    names = [f"sub-{label.removeprefix('sub-')}" for label in labels]
    _require_there(names, roots)
    chosen = f"participant_id in {names}" if names else ""
    both = [f"({part})" for part in (plan.cohort.select, chosen) if part]
    select = " and ".join(both) or None
    return plan.model_copy(update={"cohort": plan.cohort.model_copy(update={**changes, "select": select})})


def _require_there(names: Sequence[str], roots: Sequence[Path]) -> None:
    known = {path.name for root in roots for path in root.glob("sub-*")}
    faults = [Fault("--participant-label", f"no {name} in the data", suggestion(name, known)) for name in names]
    faults = [fault for fault, name in zip(faults, names, strict=True) if name not in known]
    if faults:
        raise DataError(faults)


def _show(audit: Path) -> None:
    from biasaudit.report.render import write_report

    found = finished_audit(audit)
    page = write_report(audit)
    terminal.print_verdicts(found)
    terminal.print_line(f"report: {page}")
