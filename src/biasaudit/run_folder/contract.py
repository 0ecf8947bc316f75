"""Define the contents of a run folder: the names of its files, the columns of its tables, the keys of ``audit.json``.

Who writes a run and who reads one look here, so that a file or a column is named once. Keys that a run of an older
version may lack are `NotRequired`, or belong to a record with ``total=False``. What findings, reliance and comparisons
look like there stands beside them in `biasaudit.records`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypedDict

if TYPE_CHECKING:  # the command line reads a run without waiting for numpy, which the records need
    from biasaudit.records import (
        ComparisonRecord,
        EstimateRecord,
        FindingRecord,
        Regime,
        RelianceRecord,
        VerdictWord,
    )

__all__ = [
    "AUDIT",
    "COMPARISONS",
    "COVARIATE_PREFIX",
    "DIFFERENCES",
    "DIFFERENCE_PICTURES",
    "EMBEDDING",
    "FEATURE_RELEVANCE",
    "FILES",
    "FINDINGS",
    "GALLERY",
    "GALLERY_PICTURES",
    "IMAGE_QUALITY",
    "INPUT_PICTURES",
    "INPUT_SLICES",
    "MODELS",
    "MODEL_CARD",
    "MODEL_INDEX",
    "MOST_THUMBNAILS",
    "OVERLAYS",
    "OVERLAY_PICTURES",
    "PAIR_PICTURES",
    "PENDING",
    "PREPROCESSING",
    "PROTOCOL",
    "READ_BY_THE_REPORT",
    "RELEVANCE",
    "REPORT",
    "SCHEMA_VERSION",
    "SCORES",
    "SUBJECTS",
    "THUMBNAILS",
    "THUMBNAIL_PICTURES",
    "TRAINING",
    "TRUTH",
    "UNITS",
    "VIEWER",
    "VIEWER_PAGE",
    "ArmRecord",
    "AucRecord",
    "AuditRecord",
    "CheckRecord",
    "CohortRecord",
    "DesignRecord",
    "ErrorRatesRecord",
    "FactorDesign",
    "GridRecord",
    "IndependentRecord",
    "ProvenanceRecord",
    "RemedyRecord",
    "Table",
    "TargetRecord",
    "TruthRecord",
    "VerdictRecord",
]

SCHEMA_VERSION = "1.0"
"""Of ``audit.json``; a reader takes every version with the same number before the point."""

AUDIT = "audit.json"
"""Written last, after the report: its presence says that the run is complete."""
PENDING = "audit.pending.json"
"""What ``audit.json`` is called until the report is drawn."""
REPORT = "report.html"
VIEWER_PAGE = "viewer.html"
"""Beside the report, where it was asked for."""
MODEL_CARD = "modelcard.md"

PROTOCOL = "protocol.yaml"
MODELS = "models"
MODEL_INDEX = "models/index.json"
OVERLAY_PICTURES = "maps/overlays.npz"
PAIR_PICTURES = "maps/pairs.npz"
DIFFERENCE_PICTURES = "maps/differences.npz"
GALLERY_PICTURES = "learned/gallery.npz"
THUMBNAIL_PICTURES = "maps/thumbnails.npz"
MOST_THUMBNAILS = 600
"""Of larger cohorts every class at every origin is sampled."""
INPUT_PICTURES = "maps/inputs.npz"
COVARIATE_PREFIX = "covariate_"
"""Begins the columns of `SUBJECTS` that hold covariates."""


@dataclass(frozen=True)
class Table:
    """A table of the run folder, as tab-separated text.

    Attributes
    ----------
    path : str
        Relative to the run folder.
    columns : tuple of str
        All that this version writes, but for those whose names or number depend on the cohort.
    required : tuple of str
        Without these the report cannot be made; older runs lack others.
    numbers : tuple of str
        Those that the report reads as numbers.
    compared : tuple of str
        Without these two runs cannot be compared.
    """

    path: str
    columns: tuple[str, ...]
    required: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    compared: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """File name without folder and ending."""
        return PurePosixPath(self.path).stem


SUBJECTS = Table(
    "tables/subjects.tsv",
    columns=("subject", "label", "positive", "fold", "mask_voxels", "severity", "overlap", "correlation"),
    required=("subject", "label"),
    numbers=("severity",),
    compared=("subject", "label", "positive", "fold", "mask_voxels", "severity"),
)
"""One row per image; also one column per origin factor, and one per covariate that begins with `COVARIATE_PREFIX`."""

SCORES = Table(
    "tables/scores.tsv",
    columns=("arm", "question", "factor", "class", "input", "variant", "subject", "fold", "logit"),
    required=("arm", "question", "input", "variant", "subject", "logit"),
    numbers=("logit",),
    compared=("arm", "question", "input", "variant", "subject", "logit"),
)
"""One row per held-out score; `contrast` with more than two classes, `logit_1` and so on with several outputs."""

FINDINGS = Table(
    "tables/findings.tsv",
    columns=(
        *("arm", "code", "factor", "contrast", "class", "layer", "input", "status", "statistic", "low", "high"),
        *("p_value", "n", "threshold", "reason", "remedy", "details"),
        *("level", "threshold_on", "alpha", "statistic_name"),
    ),
)
COMPARISONS = Table(
    "tables/comparisons.tsv",
    columns=("arms", "quantity", "contrast", "difference", "low", "high", "p_value", "level"),
)
TRUTH = Table("tables/truth.tsv", columns=("arm", "factor", "omega", "r", "gap", "auc_one_site"))
FILES = Table("tables/files.tsv", columns=("path", "sha256", "hashed"), required=("path", "sha256"))
"""One row per input file; `hashed` is when its whole content was last read."""
RELEVANCE = Table(
    "tables/relevance.tsv",
    columns=("arm", "subject", "label", "region", "share", "signed_share", "volume_share"),
    required=("arm", "label", "region", "share"),
    numbers=("share", "signed_share"),
    compared=("arm", "subject", "label", "region", "share", "volume_share"),
)
FEATURE_RELEVANCE = Table(
    "tables/feature_relevance.tsv",
    columns=("arm", "label", "feature", "relevance", "share"),
)
TRAINING = Table(
    "tables/training.tsv",
    columns=("arm", "question", "class", "input", "fold", "seed", "epoch", "training_loss", "validation_loss"),
    required=("arm", "question", "class", "input", "fold", "epoch", "training_loss", "validation_loss"),
    numbers=("epoch", "training_loss", "validation_loss"),
)
PREPROCESSING = Table(
    "tables/preprocessing.tsv",
    columns=("factor", "origin", "quantity", "value", "images"),
    required=("factor", "origin", "quantity", "value", "images"),
    numbers=("images",),
)
IMAGE_QUALITY = Table(
    "tables/image_quality.tsv",
    columns=("subject", "label", "origin", "measure", "value"),
    required=("subject", "label", "origin", "measure", "value"),
    numbers=("value",),
)
UNITS = Table(
    "tables/units.tsv",
    columns=("arm", "layer", "unit", "origin_share", "pathology_share", "held"),
    required=("arm", "layer", "unit", "origin_share", "pathology_share", "held"),
    numbers=("unit", "origin_share", "pathology_share"),
)
EMBEDDING = Table(
    "tables/embedding.tsv",
    columns=("arm", "fold", "subject", "label", "origin", "component_1", "component_2", "share_1", "share_2"),
    required=("arm", "fold", "label", "origin", "component_1", "component_2", "share_1", "share_2"),
    numbers=("fold", "component_1", "component_2", "share_1", "share_2"),
)
GALLERY = Table(
    "learned/gallery.tsv",
    columns=(
        *("key", "arm", "layer", "unit", "label", "origin_share", "pathology_share", "channel", "before", "after"),
        *("highest_subject", "most", "least"),
    ),
    required=("key", "arm", "layer", "unit", "label", "origin_share", "pathology_share"),
    numbers=("unit", "origin_share", "pathology_share"),
)
OVERLAYS = Table(
    "maps/overlays.tsv",
    columns=("key", "arm", "subject", "label", "origin", "logit", "role", "limit", "cut"),
    required=("key", "arm", "subject", "label", "origin", "logit", "role", "limit"),
    numbers=("logit", "limit"),
)
"""One row per subject and arm. Where there is a column `cut`, all arms show the same subjects cut at that voxel."""

THUMBNAILS = Table(
    "maps/thumbnails.tsv",
    columns=("place", "subject", "label", "origin", "score", "correlation", "marks"),
    required=("place", "subject", "label", "origin"),
    numbers=("place", "score", "correlation"),
)
"""One row per thumbnail; `place` is its place along the first axis of the array."""

INPUT_SLICES = Table(
    "maps/inputs.tsv",
    columns=("key", "arm", "subject", "label", "origin", "channel", "low", "high"),
    required=("key", "arm", "subject", "label", "origin", "channel", "low", "high"),
    numbers=("low", "high"),
)
DIFFERENCES = Table(
    "maps/differences.tsv",
    columns=("key", "arm", "compared", "p_value", "significant_voxels", "critical"),
    required=("key", "arm", "compared", "p_value", "significant_voxels", "critical"),
    numbers=("p_value", "significant_voxels", "critical"),
)

VIEWER = Table(
    "maps/viewer.tsv",
    columns=("key", "shown", "arm", "subject", "label", "origin", "role", "logit", "layer", "limit", "file"),
    required=("key", "shown", "arm", "subject", "label", "origin", "role", "logit", "layer", "limit", "file"),
    numbers=("logit", "limit"),
)
"""One row per volume below ``maps/viewer/``; `shown` is ``subject``, ``mean`` (of a class) or ``left out``."""

READ_BY_THE_REPORT: tuple[Table, ...] = (
    *(SUBJECTS, SCORES, RELEVANCE, TRAINING, UNITS, EMBEDDING, GALLERY, PREPROCESSING, IMAGE_QUALITY),
    *(OVERLAYS, DIFFERENCES, FILES, THUMBNAILS, INPUT_SLICES, VIEWER),
)


class VerdictRecord(TypedDict):
    """The answer for one arm, one origin factor and, with more than two classes, one contrast.

    `tests` says over how many Holm's correction ran, `scope` whose: of this arm and factor, or of the whole audit.
    """

    verdict: VerdictWord
    factor: NotRequired[str]
    contrast: NotRequired[str | None]
    reason: NotRequired[str | None]
    settle: NotRequired[str | None]
    provisional: NotRequired[bool]
    flagged: NotRequired[list[str]]
    scope: NotRequired[Literal["verdict", "audit"]]
    tests: NotRequired[int]
    reliance: NotRequired[RelianceRecord]


class ErrorRatesRecord(TypedDict, total=False):
    """What calibration measured for the cell that is nearest to an audit; null where nothing was measured.

    ``own``, ``found``, ``found_n`` and ``found_low`` are there where copies of the audit's own images were audited,
    ``pictures`` where copies of other real pictures were; ``outside`` lists why the rates may not hold for an audit.
    """

    cell: str | None
    false_flag: float | None
    false_clear: float | None
    undetermined: float | None
    false_flag_n: int
    false_clear_n: int
    undetermined_n: int
    false_flag_high: float | None
    false_clear_high: float | None
    undetermined_high: float | None
    pictures: bool
    own: bool
    found: float | None
    found_n: int
    found_low: float | None
    within_calibration: bool
    outside: list[str]
    text: str


class IndependentRecord(TypedDict, total=False):
    """AUC of a target where one origin factor tells nothing of the class.

    `inside_origins` is that over pairs of one origin; `level` is the coverage of the interval; `how` is weights, one
    origin, probes, or empty where there is none; `text` says on whom it was measured, or why there is none and what
    would give it.
    """

    factor: str
    auc: float | None
    auc_low: float | None
    auc_high: float | None
    level: float | None
    inside_origins: float | None
    how: str
    text: str


class AucRecord(TypedDict, total=False):
    """AUC of a target between two sides, with its interval and the coverage of that.

    `independent` is the AUC to publish: that of the factor which leaves least, or none if some factor has none.
    """

    auc: float | None
    auc_low: float | None
    auc_high: float | None
    level: float | None
    independent: IndependentRecord
    independent_by_factor: list[IndependentRecord]


class TargetRecord(AucRecord, total=False):
    """How well the target does, in the contrast of the headline; every contrast with more than two classes."""

    balanced_accuracy: float
    contrasts: dict[str, AucRecord]


class TruthRecord(TypedDict, total=False):
    """What was planted in a simulated cohort: R* (`omega`), sensitivity, class gap, AUC at one site, over all sites."""

    omega: float | None
    r: float | None
    gap: float
    auc_one_site: float
    auc_independent: float


class ArmRecord(TypedDict):
    """One arm: its worst verdict, every verdict, estimates and findings."""

    name: str
    verdict: VerdictWord
    representation: NotRequired[str]
    training: NotRequired[Literal["all", "balanced"]]
    primary: NotRequired[bool]
    contrast: NotRequired[str | None]
    reason: NotRequired[str | None]
    provisional: NotRequired[bool]
    flagged: NotRequired[list[str]]
    error_rates: NotRequired[ErrorRatesRecord]
    target: NotRequired[TargetRecord]
    reliance: NotRequired[RelianceRecord]
    lesion_gain: NotRequired[EstimateRecord | None]
    origin_auc: NotRequired[EstimateRecord | None]
    truth: NotRequired[dict[str, TruthRecord] | None]
    verdicts: NotRequired[list[VerdictRecord]]
    findings: NotRequired[list[FindingRecord]]


class GridRecord(TypedDict):
    """The common voxel grid."""

    shape: list[int]
    affine: list[list[float]] | None


class CohortRecord(TypedDict):
    """How many subjects there are, by class and by origin; which images were read in colour, one for each column.

    `pooled` says by factor under which name an origin of the table counts, where that is another.
    """

    n: int
    classes: dict[str, int]
    origins: dict[str, dict[str, int]]
    images: NotRequired[int]
    dimensions: NotRequired[int]
    grid: NotRequired[GridRecord]
    colour: NotRequired[list[bool]]
    colour_hidden: NotRequired[bool]
    pooled: NotRequired[dict[str, dict[str, str]]]


class FactorDesign(TypedDict, total=False):
    """How classes and origins lie for one factor, and with more than two classes for every contrast."""

    regime: Regime
    cramers_v: float | None
    table: dict[str, dict[str, int]]
    can_answer: list[str]
    cannot_answer: list[str]
    contrasts: dict[str, FactorDesign]


class DesignRecord(FactorDesign, total=False):
    """The design of the primary factor, that of every factor by name, and the findings about the design."""

    findings: list[FindingRecord]
    factors: dict[str, FactorDesign]


class RemedyRecord(TypedDict):
    """Something that may help, why it is said, and whether it was tried, can be tried, or takes other data."""

    action: str
    reason: str
    kind: NotRequired[Literal["tried", "untried", "data"]]


class CheckRecord(TypedDict, total=False):
    """What a check asks, in words, what its statistic is, and how well it discriminated in the calibration."""

    title: str
    question: str
    why: str
    kind: Literal["design", "available", "used", "gate"]
    weight: str
    statistic: str


class ProvenanceRecord(TypedDict, total=False):
    """Version, hashes and times."""

    version: str
    protocol_sha256: str
    data_sha256: str
    started: str
    finished: str


class AuditRecord(TypedDict):
    """Content of ``audit.json``; whoever reads one puts empty parts where an older run has none."""

    schema_version: str
    biasaudit: ProvenanceRecord
    cohort: CohortRecord
    design: DesignRecord
    arms: list[ArmRecord]
    comparisons: list[ComparisonRecord]
    checks: dict[str, CheckRecord]
    notes: list[str]
    limits: list[str]
    settings: Mapping[str, Any]
    environment: dict[str, str]
    name: NotRequired[str]
    remedies: NotRequired[list[RemedyRecord]]
