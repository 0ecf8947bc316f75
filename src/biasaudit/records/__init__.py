"""The small frozen records that travel between the layers.

Protocol -> Cohort -> Job -> Evidence -> Finding -> Verdict -> report. A record is never changed after it is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, NotRequired, TypedDict, get_args

import numpy as np
import numpy.typing as npt

__all__ = [
    "REGIME_ORDER",
    "STATUSES",
    "VERDICT_ORDER",
    "ArmEvidence",
    "BoolArray",
    "Cohort",
    "Comparison",
    "ComparisonRecord",
    "DoseResponse",
    "EstimateRecord",
    "Finding",
    "FindingRecord",
    "FloatArray",
    "Grid",
    "Maps",
    "OriginControl",
    "Regime",
    "Reliance",
    "RelianceRecord",
    "Sample",
    "SignatureTransfer",
    "Status",
    "Twin",
    "Verdict",
    "VerdictWord",
    "Volume",
]

FloatArray = npt.NDArray[np.floating[Any]]
BoolArray = npt.NDArray[np.bool_]

Status = Literal["clear", "concern", "inconclusive", "not_applicable", "error"]
STATUSES: tuple[Status, ...] = get_args(Status)
VerdictWord = Literal["PATHOLOGY", "UNDETERMINED", "MIXED", "ORIGIN"]
VERDICT_ORDER: tuple[VerdictWord, ...] = get_args(VerdictWord)
"""Every verdict, from best to worst."""

Regime = Literal["single", "aliased", "nested", "crossed"]
"""How classes and origins lie: one origin in all, one per class, several per class, some that hold both classes."""

REGIME_ORDER: tuple[Regime, ...] = get_args(Regime)
"""Every regime, from the one that allows least to the one that allows most."""


class EstimateRecord(TypedDict, total=False):
    """A number with its interval; null where it could not be estimated."""

    estimate: float | None
    low: float | None
    high: float | None


# `from` and `class` are words of the language, so that these keys cannot be written as fields of a class.
_From = TypedDict("_From", {"from": str | None}, total=False)
_Class = TypedDict("_Class", {"class": NotRequired[str | None]})


class RelianceRecord(EstimateRecord, _From, total=False):
    """Share of the response that is owed to the signature, the check it is from, and those that agree."""

    corroborated_by: list[str]


class FindingRecord(_Class):
    """The outcome of one check for one origin factor, class and layer."""

    code: str
    status: Status
    factor: NotRequired[str | None]
    contrast: NotRequired[str | None]
    layer: NotRequired[str | None]
    input: NotRequired[str | None]
    statistic: NotRequired[float | None]
    low: NotRequired[float | None]
    high: NotRequired[float | None]
    p_value: NotRequired[float | None]
    n: NotRequired[int]
    threshold: NotRequired[float | None]
    reason: NotRequired[str]
    remedy: NotRequired[str]
    details: NotRequired[dict[str, Any]]


class ComparisonRecord(TypedDict):
    """A paired difference of two arms, first minus second."""

    arms: list[str]
    quantity: str
    difference: float | None
    low: float | None
    high: float | None
    p_value: float | None
    contrast: NotRequired[str | None]


@dataclass(frozen=True)
class Sample:
    """One image of one subject, and what the table says about it.

    Attributes
    ----------
    subject : str
        Identifier; several samples may share it and then never part between folds.
    images : tuple of str
        Absolute paths, one per channel; empty for a simulated sample.
    label : str
        Class name; empty where unknown (prediction on new images).
    positive : bool
        Whether the label is a pathology class.
    origins : mapping
        Origin factor -> origin, after pooling of small origins.
    mask, brain_mask : str or None
        Absolute path of the pathology mask and of the brain (foreground) mask.
    has_mask : bool
        Whether the pathology is marked: a path, or a simulated lesion. Always False in the negative class.
    tissue : tuple of str
        Absolute paths of user-supplied GM, WM, CSF probability maps (three 3-D files or one 4-D file), or empty; a
        fourth file is a map of lesions.
    maps : tuple of str
        Absolute paths of other maps that the user made of the image, such as log-Jacobians, or empty.
    covariates : mapping
        Name -> number or text; None where missing.
    split : str
        What the user says of an already trained network's split; empty if nothing.
    simulation : mapping
        What a simulated reader needs to render the sample again; empty for files.
    where : str
        ``table.tsv:12``, for messages.
    scores : tuple of float
        Held-out logits that the user gives instead of a network: one, or one per class; empty if none.
    features : tuple of float
        Numbers of a feature table, in place of images; empty if there are images.
    """

    subject: str
    images: tuple[str, ...]
    label: str
    positive: bool
    origins: Mapping[str, str]
    mask: str | None = None
    brain_mask: str | None = None
    has_mask: bool = False
    tissue: tuple[str, ...] = ()
    covariates: Mapping[str, float | str | None] = field(default_factory=dict)
    split: str = ""
    simulation: Mapping[str, Any] = field(default_factory=dict)
    where: str = ""
    scores: tuple[float, ...] = ()
    features: tuple[float, ...] = ()
    maps: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, for job arguments."""
        return asdict(self)

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Sample:
        """Inverse of `to_dict`."""
        tuples = {name: tuple(record.get(name, ())) for name in ("images", "tissue", "scores", "features", "maps")}
        return cls(**{**record, **tuples})


@dataclass(frozen=True)
class Cohort:
    """The subjects of an audit.

    Attributes
    ----------
    samples : tuple of Sample
        In table order.
    classes : tuple of str
        Class names, the negative (healthy) one first, then one or more of pathology.
    factors : tuple of str
        Origin factors, the primary one first.
    dimensions : int
        2 or 3.
    channels : int
        Image channels per sample.
    notes : tuple of str
        What the reader saw, pooled, dropped or assumed; printed in the report.
    features : tuple of str
        Names of the columns of a feature table; empty if there are images.
    """

    samples: tuple[Sample, ...]
    classes: tuple[str, ...]
    factors: tuple[str, ...]
    dimensions: int
    channels: int
    notes: tuple[str, ...] = ()
    features: tuple[str, ...] = ()


@dataclass(frozen=True)
class Grid:
    """The common voxel grid of an audit.

    Attributes
    ----------
    shape : tuple of int
        Voxels (or pixels) per axis; length 2 or 3.
    affine : tuple of tuples of float, or None
        Voxel to millimetre, 4 x 4; None for pictures.
    """

    shape: tuple[int, ...]
    affine: tuple[tuple[float, ...], ...] | None = None

    @property
    def dimensions(self) -> int:
        """2 or 3."""
        return len(self.shape)

    @property
    def spacing(self) -> tuple[float, ...]:
        """Voxel size in millimetres per axis; 1.0 for pictures."""
        if self.affine is None:
            return (1.0,) * len(self.shape)
        matrix = np.asarray(self.affine)[:3, :3]
        return tuple(float(size) for size in np.sqrt((matrix**2).sum(0)))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, for job arguments."""
        return asdict(self)

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Grid:
        """Inverse of `to_dict`."""
        affine = record["affine"]
        return cls(tuple(record["shape"]), affine and tuple(tuple(float(v) for v in row) for row in affine))


@dataclass(frozen=True)
class Volume:
    """One sample's arrays on the common grid.

    Attributes
    ----------
    image : float32 (channels, *shape)
        Raw intensities after resampling.
    foreground : bool (*shape)
        Brain mask; for pictures without one, the central field of view.
    mask : bool (*shape)
        Pathology mask; all False where none is given.
    tissue : float32 (3 or 4, *shape) or None
        User-supplied GM, WM, CSF and, if given, lesion probability maps in [0, 1].
    maps : float32 (maps, *shape) or None
        Other maps that the user supplied.
    """

    image: FloatArray
    foreground: BoolArray
    mask: BoolArray
    tissue: FloatArray | None = None
    maps: FloatArray | None = None


@dataclass(frozen=True)
class Finding:
    """The outcome of one check for one origin factor, class and layer (contract: ``audit.json``).

    Attributes
    ----------
    code : str
        Stable code of the check: ``U4``.
    status : Status
        ``clear`` asked and nothing found, with power; ``concern``; ``inconclusive`` asked, cannot tell;
        ``not_applicable`` this design or input does not allow the question; ``error`` the computation failed.
    statistic, low, high : float or None
        Estimate and its interval.
    p_value : float or None
        Never 0.
    threshold : float or None
        What the statistic or its bound was held against.
    n : int
        Subjects behind the finding.
    factor, class_name, layer, input : str or None
        Origin factor, class inside which the question was asked, network layer, reduced input.
    contrast : str or None
        With more than two classes: the class that was held against the rest.
    reason : str
        Why this status, in plain words.
    remedy : str
        What to do about it; may be empty.
    details : mapping
        Further named numbers.
    """

    code: str
    status: Status
    reason: str
    statistic: float | None = None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    threshold: float | None = None
    n: int = 0
    factor: str | None = None
    class_name: str | None = None
    layer: str | None = None
    input: str | None = None
    remedy: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    contrast: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as ``audit.json`` holds it; a number that is not finite becomes null."""
        return {
            "code": self.code,
            "factor": self.factor,
            "contrast": self.contrast,
            "class": self.class_name,
            "layer": self.layer,
            "input": self.input,
            "status": self.status,
            "statistic": _number(self.statistic),
            "low": _number(self.low),
            "high": _number(self.high),
            "p_value": _number(self.p_value),
            "n": self.n,
            "threshold": _number(self.threshold),
            "reason": self.reason,
            "remedy": self.remedy,
            "details": {key: _plain(value) for key, value in self.details.items()},
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Finding:
        """Inverse of `to_dict`."""
        fields = dict(record)
        return cls(class_name=fields.pop("class"), **fields)


@dataclass(frozen=True)
class OriginControl:
    """Held-out answers of the origin classifier trained inside one class (A1).

    Attributes
    ----------
    rows : int (m,)
        Which rows of the evidence they belong to.
    origins : tuple of str
        Origins told apart, one per column of `scores`.
    scores : float (m, k)
        Held-out logits.
    """

    rows: npt.NDArray[np.intp]
    origins: tuple[str, ...]
    scores: FloatArray


@dataclass(frozen=True)
class MapProbes:
    """What happened when some attribution maps were put to the test (G2).

    Attributes
    ----------
    places : int (p,)
        Which rows of the maps.
    randomised : float (d, p, voxels)
        Maps of the same network with the entries of every parameter in random order, `d` orders.
    deletion, insertion : float (p, 2)
        How far the margin moved the way the map says when its most relevant voxels are replaced by the baseline, or
        put into it, and the mean of the same regions elsewhere; logits.
    """

    places: npt.NDArray[np.intp]
    randomised: FloatArray
    deletion: FloatArray
    insertion: FloatArray


@dataclass(frozen=True)
class Maps:
    """Signed attribution maps of held-out subjects, inside the common foreground.

    Attributes
    ----------
    rows : int (m,)
        Which rows of the evidence they belong to.
    target : float (m, voxels)
        Relevance for the target's margin, summed over channels.
    origin : float (k, m, voxels) or None
        Relevance in the within-class origin classifier, for the same contrasts in every subject: the second origin
        against the first, or with more than two each of the largest against all others. NaN rows where the subject's
        class has no such classifier or fewer contrasts.
    origins : mapping of class to origins
        Which origin each contrast of that class is about, in the order of `origin`.
    mask : bool (m, voxels)
        The subject's own pathology mask.
    foreground : bool (m, voxels)
        The subject's own brain mask.
    completeness_error : float (m,)
        ``|sum of relevance - margin change| / max(|margin change|, floor)``.
    inside : bool (*shape) or None
        The common foreground on the grid; its True voxels are the columns of the maps.
    regions : int (voxels,) or None
        Region of each voxel, from 1; 0 is none.
    target_replicate, origin_replicate : float, shapes of `target` and `origin`, or None
        The same by networks that were asked the same question: trained from another seed, or on other folds.
    probes : MapProbes or None
    """

    rows: npt.NDArray[np.intp]
    target: FloatArray
    origin: FloatArray | None
    mask: BoolArray
    foreground: BoolArray
    completeness_error: FloatArray
    inside: BoolArray | None = None
    regions: npt.NDArray[np.intp] | None = None
    target_replicate: FloatArray | None = None
    origin_replicate: FloatArray | None = None
    origins: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    probes: MapProbes | None = None


@dataclass(frozen=True)
class SignatureTransfer:
    """What the networks say of images that carry the other side's signature (U5).

    Attributes
    ----------
    edited, sham : float (n,)
        Held-out margins with the other side's signature, and with that of the other half of the own side.
    statistics : float (3, n, k)
        Low-level statistics of the images as they are, edited and sham.
    """

    edited: FloatArray
    sham: FloatArray
    statistics: FloatArray


@dataclass(frozen=True)
class UnseenOrigin:
    """Scores of one origin's subjects by networks that never saw it, and by others that did (U10).

    Attributes
    ----------
    rows : int (m,)
        Which rows of the evidence they belong to; each was held out by both networks of its fold.
    unseen, reference : float (m,)
        Held-out margins; both networks of a fold were trained on as many subjects of each class.
    training_size : tuple of int
        Images that the networks of each fold were trained on.
    """

    rows: npt.NDArray[np.intp]
    unseen: FloatArray
    reference: FloatArray
    training_size: tuple[int, ...]


@dataclass(frozen=True)
class DoseResponse:
    """Scores by networks retrained at several associations of class and origin (U11).

    Attributes
    ----------
    rows : int (m,)
        Which rows of the evidence they belong to: as many of each class on each side in every fold.
    side : bool (m,)
        Whether the subject's origin is on the side that the positive class went with.
    scores : float (m, levels)
        Held-out margins.
    levels : tuple of float
        Associations (phi) of class and side in the training sets.
    training_size : int
        Images in each of them.
    sides : tuple of tuple of str
        Origins of the negative and of the positive class's side.
    """

    rows: npt.NDArray[np.intp]
    side: BoolArray
    scores: FloatArray
    levels: tuple[float, ...]
    training_size: int
    sides: tuple[tuple[str, ...], tuple[str, ...]]


@dataclass(frozen=True)
class Twin:
    """Two images that are alike as only images of one subject are (D3).

    Attributes
    ----------
    first, second : int
        Rows of the evidence.
    correlation : float
        Of the downsampled images without what their origins share.
    height : float
        The same in robust standard deviations above the usual correlation of two subjects.
    same_file : bool
        Whether the files are the same byte for byte.
    """

    first: int
    second: int
    correlation: float
    height: float
    same_file: bool = False


@dataclass(frozen=True)
class SpikeTrial:
    """Scores by networks retrained after an edit was made to some of the images (G3).

    Attributes
    ----------
    edited : bool (n,)
        Whether the subject's own image carries the edit.
    without, with_edit : float (n,)
        Held-out margins of the image without and with it.
    """

    edited: BoolArray
    without: FloatArray
    with_edit: FloatArray


@dataclass(frozen=True)
class SpikeIn:
    """The edit assigned by the label, which must be found, and at random, which must not (G3)."""

    planted: SpikeTrial
    sham: SpikeTrial


@dataclass(frozen=True)
class ArmEvidence:
    """All that the checks of one arm and one origin factor may look at; rows are subjects, in cohort order.

    Attributes
    ----------
    arm : str
        Name of the arm; empty for the checks of the design.
    factor : str
        Origin factor.
    regime : str
        ``crossed``, ``nested``, ``aliased`` or ``single`` (one origin in all).
    classes : tuple of str
        ``(negative, positive)``; of a contrast ``(not ms, ms)``.
    subject : str (n,)
    positive : bool (n,)
    origin : str (n,)
    fold : int (n,)
        The fold that held the subject out.
    severity : float (n,)
        Pathology mask volume in millilitres (pixels for pictures); NaN where no mask.
    covariates : mapping of str to float (n,)
        Numeric covariates, NaN where missing.
    masks_given : bool
        Every positive subject has a pathology mask (else interventions on masks do not apply).
    mask_is_complete : bool
        The user declares that no pathology lies outside the masks.
    logit : float (n,)
        Held-out margin of the target classifier.
    logit_erased : float (n,) or None
        Held-out margin after erasure: own mask in the positive class, an exchanged mask (sham) in the negative.
    features : mapping of layer name to float (n, d)
        Pooled hidden features of the held-out subjects; comparable within a fold only.
    untrained : mapping of layer name to float (n, d)
        The same features of the network before training.
    gradients : mapping of layer name to float (n, d)
        Derivative of the held-out margin to a shift of each feature's channel.
    origin_controls : mapping of class name to OriginControl
    reduced : mapping of input name to float (n,)
        Held-out margins of networks retrained on a reduced input (A2).
    reduced_skipped : mapping of input name to str
        Reduced inputs that this cohort does not allow, and why.
    maps : Maps or None
    transfer : SignatureTransfer or None
    unseen : mapping of origin to UnseenOrigin
    dose : DoseResponse or None
    spike : SpikeIn or None
    categories : mapping of str to str (n,)
        Covariates in words, such as sex; empty where missing.
    metadata : mapping of column to object (n,)
        Header and sidecar fields as numbers and words, None where missing (D2).
    quality : mapping of measure to float (n,)
        Image quality on the audit's grid, NaN where a measure has no meaning (A3).
    twins : tuple of Twin or None
        Candidates for images of one subject, more alike than 4 robust standard deviations (D3).
    retraining_skipped : mapping of check code to str
        Retrainings that this cohort does not allow, and why.
    seed : int
        Master seed.
    contrast : str or None
        With more than two classes the one held against the rest; then `inside`, `label`, `patient` and `erasable` are
        given too.
    inside : tuple of str
        Classes whose origin classifiers and hidden features are asked about here; empty: both of two.
    label : str (n,) or None
        The actual class, since the rest holds several; subjects of different ones are never compared for origin.
    patient : bool (n,) or None
        Whether the subject has pathology; of two classes the positive one.
    erasable : bool (n,) or None
        Whether the subject is healthy or its class has masks, so that erasure leaves nothing marked behind.
    """

    arm: str
    factor: str
    regime: str
    classes: tuple[str, str]
    subject: npt.NDArray[np.str_]
    positive: BoolArray
    origin: npt.NDArray[np.str_]
    fold: npt.NDArray[np.intp]
    severity: FloatArray
    covariates: Mapping[str, FloatArray]
    masks_given: bool
    mask_is_complete: bool
    seed: int
    logit: FloatArray = field(default_factory=lambda: np.empty(0))
    logit_erased: FloatArray | None = None
    features: Mapping[str, FloatArray] = field(default_factory=dict)
    untrained: Mapping[str, FloatArray] = field(default_factory=dict)
    gradients: Mapping[str, FloatArray] = field(default_factory=dict)
    origin_controls: Mapping[str, OriginControl] = field(default_factory=dict)
    reduced: Mapping[str, FloatArray] = field(default_factory=dict)
    reduced_skipped: Mapping[str, str] = field(default_factory=dict)
    maps: Maps | None = None
    transfer: SignatureTransfer | None = None
    unseen: Mapping[str, UnseenOrigin] = field(default_factory=dict)
    dose: DoseResponse | None = None
    spike: SpikeIn | None = None
    categories: Mapping[str, npt.NDArray[np.str_]] = field(default_factory=dict)
    metadata: Mapping[str, npt.NDArray[np.object_]] = field(default_factory=dict)
    quality: Mapping[str, FloatArray] = field(default_factory=dict)
    twins: tuple[Twin, ...] | None = None
    retraining_skipped: Mapping[str, str] = field(default_factory=dict)
    contrast: str | None = None
    inside: tuple[str, ...] = ()
    label: npt.NDArray[np.str_] | None = None
    patient: BoolArray | None = None
    erasable: BoolArray | None = None


@dataclass(frozen=True)
class Reliance:
    """Estimated share of the network's response that is owed to the signature.

    Attributes
    ----------
    estimate, low, high : float or None
        In [0, 1]; None where this design allows no estimate.
    source : str or None
        Code of the check it comes from.
    corroborated_by : tuple of str
        Codes of the checks that point the same way.
    """

    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    source: str | None = None
    corroborated_by: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As ``audit.json`` holds it."""
        return {
            "estimate": _number(self.estimate),
            "low": _number(self.low),
            "high": _number(self.high),
            "from": self.source,
            "corroborated_by": list(self.corroborated_by),
        }


@dataclass(frozen=True)
class Verdict:
    """The answer for one arm and one origin factor, with more than two classes for one contrast.

    Attributes
    ----------
    word : VerdictWord
    reason : str
        Two plain sentences.
    factor : str
    reliance : Reliance
    provisional : bool
        True while something that the claim needs is still open (G3, calibration).
    settle : str
        The data that would settle an undetermined verdict, or what remains unexcluded.
    contrast : str or None
        The class held against the rest; None with two classes.
    """

    word: VerdictWord
    reason: str
    factor: str
    reliance: Reliance
    provisional: bool = True
    settle: str = ""
    contrast: str | None = None


@dataclass(frozen=True)
class Comparison:
    """A paired difference between two arms (first minus second), same subjects and folds."""

    arms: tuple[str, str]
    quantity: str
    difference: float
    low: float
    high: float
    p_value: float
    contrast: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """As ``audit.json`` holds it."""
        return {
            "arms": list(self.arms),
            "quantity": self.quantity,
            "contrast": self.contrast,
            "difference": _number(self.difference),
            "low": _number(self.low),
            "high": _number(self.high),
            "p_value": _number(self.p_value),
        }


def _number(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else float(value)


def _plain(value: Any) -> Any:
    if isinstance(value, float | np.floating):
        return _number(float(value))
    return value.item() if isinstance(value, np.generic) else value
