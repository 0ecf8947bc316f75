"""The first paragraph of the methods: what was audited, on whom, and what was trained."""

from __future__ import annotations

from collections.abc import Mapping

from biasaudit.report.passages import Passage, Settings, file_name
from biasaudit.report.words import count
from biasaudit.run_folder.reading import RunRecords, contrasts, judged_counts, judged_subjects

__all__ = ["SOFTWARE", "design", "judged", "partition", "sources"]

SOFTWARE = "biasaudit"
"""Key under which this program is cited."""

_REGIMES = {
    "crossed": "some origins held both classes",
    "nested": "every origin held one class only",
    "aliased": "each class came from one origin of its own",
    "single": "there was one origin",
}


def design(records: RunRecords, settings: Settings) -> tuple[Passage, ...]:
    """Write why and on whom the audit was made, which network was trained how, and what was held against what."""
    return (
        Passage(
            "Classifiers of medical images can read where an image comes from in place of the disease.",
            ("zech2018", "degrave2021"),
        ),
        Passage(_audited(records, settings), (SOFTWARE,)),
        Passage(_trained(records, settings)),
        Passage(_sources(records)),
        Passage("" if settings.scored else "Every statement on the classifier is about held-out subjects."),
        Passage(_contrasts(records)),
    )


def judged(records: RunRecords) -> str:
    """Count those by whom the target is judged, with the sizes of the classes."""
    total, amounts = judged_counts(records)
    sizes = [f"{amount} {name}" for name, amount in amounts.items()]
    classes = " and ".join(part for part in (", ".join(sizes[:-1]), *sizes[-1:]) if part)
    return f"{total} subjects ({classes})"


def partition(settings: Settings) -> str:
    """Say how subjects were parted; empty where nothing was trained on some and tested on others here."""
    if settings.scored or settings.weights:
        return ""
    return f"{settings.at('folds', 'n')}-fold cross-validation, grouped by subject and stratified by class and origin"


def sources(records: RunRecords) -> str:
    """Name the origin factors with their levels and how classes lie in them; empty where none is named."""
    named = [f"{name} ({_levels(records, name)})" for name in records.audit["cohort"]["origins"]]
    return ", ".join(named)


def _levels(records: RunRecords, factor: str) -> str:
    amount = count(len(records.audit["cohort"]["origins"][factor]), "level")
    regime = _regime(records, factor)
    return f"{amount}; {regime}: {_REGIMES[regime]}" if regime in _REGIMES else amount


def _regime(records: RunRecords, factor: str) -> str:
    known = records.audit["design"]
    first = next(iter(records.audit["cohort"]["origins"]), None)
    of_factor = (known.get("factors") or {}).get(factor) or (known if factor == first else {})
    return str(of_factor.get("regime") or "")


def _sources(records: RunRecords) -> str:
    named = sources(records)
    return f"The source of the data was recorded as {named}." if named else ""


def _audited(records: RunRecords, settings: Settings) -> str:
    tool = f"biasaudit {records.audit['biasaudit'].get('version', '')}".strip()
    if settings.scored:
        return f"We audited the given scores of a classifier with {tool} on {judged(records)}."
    if settings.weights:
        return (
            f"We audited an already trained classifier ({settings.network}, weights {file_name(settings.weights)}) "
            f"with {tool}."
        )
    return f"We audited the classifier with {tool} on {judged(records)}."


def _trained(records: RunRecords, settings: Settings) -> str:
    if settings.scored:
        return (
            "The classifier itself was not trained and not run here; that its scores are of held-out subjects is taken "
            f"from whoever made them.{_controls(records, settings)}"
        )
    if settings.weights:
        return f"It was not trained here; {_judged_by(records, settings)}.{_controls(records, settings)}"
    arms = [arm["name"] for arm in records.audit["arms"]]
    compared = f" Input representations ({', '.join(arms)}) were compared on the same folds." if len(arms) > 1 else ""
    return (
        f"A network of type {settings.network} was trained {_budget(settings)}; control classifiers, trained on other "
        f"questions, had the same architecture, folds and budget.{_own_training(settings)}{compared}"
    )


def _judged_by(records: RunRecords, settings: Settings) -> str:
    """Say by whom a network that was trained elsewhere is judged."""
    if len(settings.weights) > 1:
        return (
            f"each of {judged(records)} was scored by the one of {len(settings.weights)} networks that had not seen it"
        )
    return f"it was judged by {judged(records)} that, as stated, it had not seen"


def _controls(records: RunRecords, settings: Settings) -> str:
    """Say which networks were trained here beside a target that was not."""
    if records.training.empty:
        return " No network was trained in the audit."
    others = records.subjects["subject"].nunique() - judged_subjects(records)["subject"].nunique()
    helped = f", with {count(others, 'other subject')} in every training set" if others else ""
    return (
        f" Only control classifiers were trained in the audit ({settings.network}, from initial weights), "
        f"{_budget(settings)}{helped}.{_own_training(settings)}"
    )


def _budget(settings: Settings) -> str:
    """Say how what was trained here was trained."""
    epochs, batch, rate, seeds = (
        settings.at("target", "training", key) for key in ("epochs", "batch_size", "learning_rate", "seeds")
    )
    own = settings.at("target", "seeds")
    of_target = f", {own} of the target" if isinstance(own, int) else ""
    each = count(seeds, "network") if isinstance(seeds, int) else f"networks {seeds}"
    return (
        f"by {settings.at('folds', 'n')}-fold cross-validation, grouped by subject and stratified by class and "
        f"origin, for at most {epochs} epochs (batch size {batch}, learning rate {rate}, {each} per fold{of_target})"
    )


def _own_training(settings: Settings) -> str:
    """Say what was trained otherwise than by the default loop."""
    usual = {"loss": "balanced_bce", "optimiser": "adamw", "schedule": "one_cycle", "augment": "none", "fit": None}
    training = settings.at("target", "training")
    stated = training if isinstance(training, Mapping) else {}
    changed = {name: stated[name] for name in usual if name in stated and stated[name] != usual[name]}
    if not changed:
        return ""
    parts = [f"{name} {file_name(value)}" for name, value in changed.items()]
    return f" Networks were trained with {', '.join(parts)}."


def _contrasts(records: RunRecords) -> str:
    if not contrasts(records):
        return ""
    return (
        "Every class was held against the rest in a contrast of its own, the healthy against all patients, by the log "
        "odds of the class; origins were compared inside actual classes only, Holm's procedure ran over the tests of "
        "all contrasts together, and the worst verdict is reported."
    )
