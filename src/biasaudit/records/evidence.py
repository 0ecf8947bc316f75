"""Records of the evidence that checks judge: numbers of held-out subjects, and no figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from biasaudit.records.arrays import BoolArray, FloatArray
from biasaudit.records.finding import Regime
from biasaudit.records.spike_in import SpikeIn

__all__ = [
    "ArmEvidence",
    "DoseResponse",
    "FrameEdits",
    "MapProbes",
    "Maps",
    "OriginControl",
    "Probes",
    "SignatureTransfer",
    "Twin",
    "UnseenOrigin",
]


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
    """Results of the tests of faithfulness on some attribution maps (G2).

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
    """Scores of images that carry the other side's signature (U5).

    Attributes
    ----------
    edited, sham : float (n,)
        Held-out margins with the other side's signature, and with that of the other half of the own side.
    statistics : float (3, n, k)
        Low-level statistics of the images as they are, edited and sham.
    pictures : bool
        Whether the images have two dimensions.
    """

    edited: FloatArray
    sham: FloatArray
    statistics: FloatArray
    pictures: bool = False


@dataclass(frozen=True)
class Probes:
    """Scores of images that were never trained on and only scored (P1).

    Attributes
    ----------
    subject : str (k,)
    label : str (k,)
        Name of the class; empty where nobody knows it.
    positive : bool (k,)
        Side of the contrast; False where the label is not known.
    origin : str (k,)
    logit : float (k,)
        Margin, the mean over the networks of all folds.
    twin_of : str (k,)
        Subject of the audit whose image is as like this one as images of one subject are; empty if none.
    max_prevalence : float or None
        Largest share of patients among the unlabelled, as the user states it.
    by_fold : float (k, folds) or None
        Margin by the network of every fold.
    by_network : float (k, folds, seeds) or None
        Margins of the single networks, where every fold has several.
    """

    subject: npt.NDArray[np.str_]
    label: npt.NDArray[np.str_]
    positive: BoolArray
    origin: npt.NDArray[np.str_]
    logit: FloatArray
    twin_of: npt.NDArray[np.str_]
    max_prevalence: float | None = None
    by_fold: FloatArray | None = None
    by_network: FloatArray | None = None

    def kept(self, rows: BoolArray | npt.NDArray[np.intp]) -> Probes:
        """Return some of the probes, in the order of the rows."""
        names = ("subject", "label", "positive", "origin", "logit", "twin_of", "by_fold", "by_network")
        given = {name: getattr(self, name) for name in names}
        return replace(self, **{name: own[rows] for name, own in given.items() if own is not None})


@dataclass(frozen=True)
class FrameEdits:
    """Scores of images whose frame, all outside of the disease field, is another's or all that is left (U13, U14).

    Attributes
    ----------
    donors : int (n, 2, k)
        Which rows of the evidence gave their frame: of the other class, and as a sham of the own; -1 where the fold
        has none.
    transplanted : float (n, 2, k)
        Held-out margins with the frame of each donor; NaN where there is none.
    blanked : float (n, 2)
        Held-out margins of the own frame around a mean image: as that is, and in the tones of the frame.
    """

    donors: npt.NDArray[np.intp]
    transplanted: FloatArray
    blanked: FloatArray


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
class ArmEvidence:
    """All that the checks of one arm and one origin factor may look at; rows are subjects, in cohort order.

    Attributes
    ----------
    arm : str
        Name of the arm; empty for the checks of the design.
    factor : str
        Origin factor.
    regime : Regime
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
        Every subject with pathology has a mask of it (else interventions on masks do not apply).
    mask_is_complete : bool
        The user declares that no pathology lies outside the masks.
    logit : float (n,)
        Held-out margin of the target classifier.
    logit_erased : float (n,) or None
        Held-out margin after erasure: own mask in the positive class, an exchanged mask (sham) in the negative; where
        every class has masks, in everybody the own one with one of each other class.
    logit_by_seed, logit_erased_by_seed : float (n, seeds) or None
        The same margins of the single networks of the fold, whose mean they are, where every fold has several.
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
    probes : Probes or None
    frames : FrameEdits or None
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
    further : mapping of name to record
        Evidence of kinds that come with plug-ins, by the name that the kind gives it.
    seed : int
        Master seed.
    one_network : bool
        One network, made elsewhere, scored everybody.
    contrast : str or None
        With more than two classes the one held against the rest; then `inside`, `label`, `patient` and `erasable` are
        given too.
    inside : tuple of str
        Classes whose origin classifiers and hidden features are asked about here; empty: both of two.
    label : str (n,) or None
        The actual class, since the rest holds several; subjects of different ones are never compared for origin.
    patient : bool (n,) or None
        Whether the subject has pathology; None: of two classes the positive one. Everybody has where the disease is a
        lesion in every class.
    erasable : bool (n,) or None
        Whether the subject is healthy or its class has masks, so that erasure leaves nothing marked behind.
    """

    arm: str
    factor: str
    regime: Regime
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
    one_network: bool = False
    logit: FloatArray = field(default_factory=lambda: np.empty(0))
    logit_erased: FloatArray | None = None
    logit_by_seed: FloatArray | None = None
    logit_erased_by_seed: FloatArray | None = None
    features: Mapping[str, FloatArray] = field(default_factory=dict)
    untrained: Mapping[str, FloatArray] = field(default_factory=dict)
    gradients: Mapping[str, FloatArray] = field(default_factory=dict)
    origin_controls: Mapping[str, OriginControl] = field(default_factory=dict)
    reduced: Mapping[str, FloatArray] = field(default_factory=dict)
    reduced_skipped: Mapping[str, str] = field(default_factory=dict)
    maps: Maps | None = None
    transfer: SignatureTransfer | None = None
    probes: Probes | None = None
    frames: FrameEdits | None = None
    unseen: Mapping[str, UnseenOrigin] = field(default_factory=dict)
    dose: DoseResponse | None = None
    spike: SpikeIn | None = None
    categories: Mapping[str, npt.NDArray[np.str_]] = field(default_factory=dict)
    metadata: Mapping[str, npt.NDArray[np.object_]] = field(default_factory=dict)
    quality: Mapping[str, FloatArray] = field(default_factory=dict)
    twins: tuple[Twin, ...] | None = None
    retraining_skipped: Mapping[str, str] = field(default_factory=dict)
    further: Mapping[str, Any] = field(default_factory=dict)
    contrast: str | None = None
    inside: tuple[str, ...] = ()
    label: npt.NDArray[np.str_] | None = None
    patient: BoolArray | None = None
    erasable: BoolArray | None = None

    @property
    def network(self) -> npt.NDArray[np.intp]:
        """Number of the network that scored each subject: scores of different ones have unlike offsets."""
        return np.zeros_like(self.fold) if self.one_network else self.fold
