"""Whether features can be harmonised between origins, and what is lost by it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from biasaudit.engine.situation.contrasts import contrasts_of
from biasaudit.engine.situation.harmonising import COMBAT, kept_columns
from biasaudit.errors import Fault, ProtocolError, suggestion
from biasaudit.protocol import Protocol
from biasaudit.records import Cohort, Regime
from biasaudit.representations.combat import combat_installed
from biasaudit.stats.design import regime

__all__ = ["can_harmonise", "harmonise_notes", "require_harmonisable"]

_TIED = {
    "single": "there is one {factor}, so nothing to harmonise",
    "nested": "label and {factor} are nested (no {factor} holds both classes): to remove what tells one {factor} from "
    "another removes the diagnosis as well, and with the diagnosis held fixed the model is singular",
    "aliased": "label and {factor} are aliased (one {factor} for each class): to remove the difference between the two "
    "removes the diagnosis, and with the diagnosis held fixed the model is singular",
}
_LEAVE = "leave that arm out"


def can_harmonise(cohort: Cohort) -> bool:
    """Whether `combat` can be tried as a remedy: a table of features, and an origin that holds both classes."""
    return len(cohort.features) > 1 and _regimes(cohort) == {"crossed"} and combat_installed()


def require_harmonisable(protocol: Protocol, cohort: Cohort, folds: Sequence[int]) -> None:
    """Refuse to harmonise where that is impossible or would erase the diagnosis.

    Parameters
    ----------
    protocol : Protocol
    cohort : Cohort
    folds : sequence of int
        Which fold holds a sample out; -1 for none.

    Raises
    ------
    ProtocolError
        Every reason at once.
    """
    asked = [number for number, arm in enumerate(protocol.arms) if arm.representation == COMBAT]
    if not asked:
        if protocol.combat.keep:
            raise ProtocolError([Fault("combat.keep", "no arm is harmonised", f"add {COMBAT} to `arms`")])
        return
    place = f"arms.{asked[0]}"
    faults = list(_impossible(place, protocol, cohort))
    if not faults:
        faults = [*_covariate_faults(protocol, cohort), *_training_faults(place, protocol, cohort, folds)]
    if not faults:
        faults = list(_singular(place, protocol, cohort, folds))
    if faults:
        raise ProtocolError(faults)


def harmonise_notes(protocol: Protocol, cohort: Cohort) -> tuple[str, ...]:
    """Say what is removed, from what it is learnt, and what is lost with it."""
    if all(arm.representation != COMBAT for arm in protocol.arms):
        return ()
    factor, keep = cohort.factors[0], protocol.combat.keep
    notes = [
        f"{COMBAT}: {factor} is removed from the features by ComBat, learnt from the training subjects of each fold "
        f"and applied to those it holds out; kept: {', '.join(keep) if keep else 'no covariate'}; the class is not, "
        "as that of a held-out subject is the question"
    ]
    one_class = sorted(_origins_of_one_class(cohort))
    if one_class:
        notes.append(
            f"{COMBAT} moves {len(one_class)} {factor}(s) of one class ({', '.join(one_class[:5])}) to the common "
            "mean: part of the diagnosis is lost with the origin"
        )
    return tuple(notes)


def _impossible(place: str, protocol: Protocol, cohort: Cohort) -> Iterator[Fault]:
    if not cohort.features:
        yield Fault(place, f"{COMBAT} harmonises tables of features, and there are images", "name harmonised")
        return
    if protocol.target.weights or any(sample.scores for sample in cohort.samples):
        yield Fault(place, f"{COMBAT} is learnt anew in every fold, and so must be the target", _LEAVE)
    if len(cohort.features) < 2:
        yield Fault(place, f"{COMBAT} compares features with each other, and there is one", _LEAVE)
    for own in sorted(_regimes(cohort) & set(_TIED)):
        message = f"{COMBAT} is refused: {_TIED[own].format(factor=cohort.factors[0])}"
        yield Fault(place, message, f"{_LEAVE}, or add subjects of both classes from the same {cohort.factors[0]}")
    if not combat_installed():
        yield Fault(place, f"{COMBAT} needs the package pycombat", "pip install 'biasaudit[combat]'")


def _covariate_faults(protocol: Protocol, cohort: Cohort) -> Iterator[Fault]:
    known = {name for sample in cohort.samples for name in sample.covariates}
    for name in protocol.combat.keep:
        if name not in known:
            remedy = suggestion(name, known) if known else "add it to `cohort.covariates`"
            yield Fault("combat.keep", f"{name!r} is not among `cohort.covariates`", remedy)
            continue
        for sample in cohort.samples:
            if sample.covariates.get(name) is None:
                message = f"the covariate {name!r} that {COMBAT} keeps is missing"
                yield Fault(sample.where, message, "fill it in, or leave it out of `combat.keep`")


def _training_faults(place: str, protocol: Protocol, cohort: Cohort, folds: Sequence[int]) -> Iterator[Fault]:
    """Every origin and every level of a category must have been seen in training."""
    needed, factor = protocol.combat.min_training, cohort.factors[0]
    origin, fold_of = _origins(cohort), np.array(folds)
    for fold in sorted(set(fold_of[fold_of >= 0].tolist())):
        training = fold_of != fold
        for name in np.unique(origin).tolist():
            count = int(training[origin == name].sum())
            if count < needed:
                message = f"fold {fold + 1} trains on {count} of the {factor} {name!r}, and {COMBAT} needs {needed}"
                yield Fault(place, message, "pool small origins by `cohort.min_origin_size`, or lower `folds.n`")


def _singular(place: str, protocol: Protocol, cohort: Cohort, folds: Sequence[int]) -> Iterator[Fault]:
    """Covariates that the origins or each other give away, and features without any spread inside origins."""
    origin, kept = _origins(cohort), kept_columns(cohort.samples, protocol.combat.keep)
    indicator = (origin[:, None] == np.unique(origin)).astype(np.float64)
    design = np.hstack([indicator, kept])
    features = np.array([sample.features for sample in cohort.samples])
    fold_of = np.array(folds)
    for fold in sorted(set(fold_of[fold_of >= 0].tolist())):
        training = fold_of != fold
        if np.linalg.matrix_rank(design[training]) < design.shape[1]:
            message = f"in fold {fold + 1} the covariates follow from {cohort.factors[0]} or from each other: singular"
            yield Fault("combat.keep", message, "leave out the one that does not vary inside the origins")
            return
        means = np.linalg.lstsq(indicator[training], features[training], rcond=None)[0]
        spread = np.abs(features[training] - indicator[training] @ means).max(axis=0)
        for name in np.array(cohort.features)[spread < 1e-9].tolist():
            message = f"in fold {fold + 1} the feature {name!r} does not vary inside any {cohort.factors[0]}"
            yield Fault(place, message, "leave it out of `cohort.features`")
            return


def _regimes(cohort: Cohort) -> set[Regime]:
    """How class and primary factor go together, for every contrast."""
    several = len(cohort.classes) > 2
    label = np.array([sample.label for sample in cohort.samples]) if several else None
    return {regime(np.array(each.positive), _origins(cohort), label) for each in contrasts_of(cohort)}


def _origins_of_one_class(cohort: Cohort) -> set[str]:
    positive, origin = np.array([sample.positive for sample in cohort.samples]), _origins(cohort)
    return {str(name) for name in np.unique(origin) if len(set(positive[origin == name].tolist())) == 1}


def _origins(cohort: Cohort) -> np.ndarray:
    return np.array([sample.origins[cohort.factors[0]] for sample in cohort.samples])
