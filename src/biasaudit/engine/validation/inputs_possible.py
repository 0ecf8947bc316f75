"""Whether the inputs that the arms ask for can be made of the cohort."""

from __future__ import annotations

from biasaudit.engine.situation.rows import can_balance
from biasaudit.engine.user_code.preprocessing import kind_of_input
from biasaudit.errors import Fault, ProtocolError
from biasaudit.protocol import Protocol
from biasaudit.records import Cohort
from biasaudit.stats.subsampling import SMALLEST_CLASS

__all__ = ["mask_in_faults", "require_inputs_possible"]


def mask_in_faults(protocol: Protocol, cohort: Cohort) -> list[Fault]:
    """Make a fault of each class without masks where the protocol says that all classes have lesions."""
    if protocol.cohort.mask_in != "all":
        return []
    own = {name: [s for s in cohort.samples if s.label == name] for name in cohort.classes}
    remedy = "give their masks, or leave `mask_in` out if that class has no lesions"
    return [
        Fault(
            samples[0].where.rsplit(":", 1)[0],
            f"none of the {len(samples)} images of class {name!r} has a mask, which `cohort.mask_in: all` needs",
            remedy,
        )
        for name, samples in own.items()
        if samples and not any(sample.has_mask for sample in samples)
    ]


def require_inputs_possible(protocol: Protocol, cohort: Cohort) -> None:
    """Refuse arms whose input cannot be made of the cohort: tissue, maps, and balanced training rows.

    Raises
    ------
    ProtocolError
        The first of the reasons.
    """
    _require_tissue(protocol, cohort)
    _require_maps(protocol, cohort)
    _require_balance(protocol, cohort)


def _require_tissue(protocol: Protocol, cohort: Cohort) -> None:
    wanted = [name for name in _shown(protocol) if kind_of_input(name).needs_priors]
    if wanted and cohort.dimensions == 2 and not all(sample.tissue for sample in cohort.samples):
        message = f"arms: the {wanted[0]} representation needs 3-D images or your own maps"
        raise ProtocolError([Fault("protocol", message, "remove that arm")])


def _require_maps(protocol: Protocol, cohort: Cohort) -> None:
    wanted = [name for name in _shown(protocol) if kind_of_input(name).shows == "maps"]
    if wanted and not all(sample.maps for sample in cohort.samples):
        message = f"arms: the representation {wanted[0]} shows files of your own, and none are named"
        raise ProtocolError([Fault("protocol", message, "name them by `cohort.maps`, or remove that arm")])


def _shown(protocol: Protocol) -> list[str]:
    return [arm.representation for arm in protocol.arms]


def _require_balance(protocol: Protocol, cohort: Cohort) -> None:
    if all(arm.training == "all" for arm in protocol.arms):
        return
    if protocol.target.weights:
        message = "arms: a network trained elsewhere is not trained again"
        raise ProtocolError([Fault("protocol", message, "leave `training` out")])
    if not can_balance(cohort):
        message = (
            f"arms: balanced training needs a {cohort.factors[0]} with {SMALLEST_CLASS} subjects of each class: "
            "elsewhere the origin says what the class is, and no choice of rows can change that"
        )
        raise ProtocolError([Fault("protocol", message, "remove that arm")])
