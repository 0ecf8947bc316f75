"""The section `cohort` of a protocol: where the images are, what they are labelled, where they come from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from biasaudit.protocol.limits import FileLimits
from biasaudit.protocol.section import Names, OrName, Section, Tables, as_list, as_text, as_values, each_once

__all__ = [
    "BidsCohort",
    "CohortSettings",
    "FieldSettings",
    "LabelSettings",
    "ProbeSettings",
    "TableCohort",
    "TwoClassLabelSettings",
]


DATASET = "dataset"
"""Name under which a BIDS dataset itself can be an origin, or the label where each dataset holds one class."""


def _as_paths(value: object) -> object:
    """Take one path for a list of one."""
    return [value] if isinstance(value, str | Path) else value


def _as_words(value: object) -> object:
    """Take a number or a name, or several, for a list of words; an entity of a file name is text."""
    values = value if isinstance(value, list) else [value]
    return [str(each) if isinstance(each, int | float) and not isinstance(each, bool) else each for each in values]


EMBEDDINGS = (".npz", ".parquet")
"""Endings by which an entry of `cohort.features` is a file and no column."""


def _files_as_paths(value: object) -> object:
    """Take what ends as a file of embeddings does for a path."""
    values = as_list(value)
    if not isinstance(values, list):
        return values
    return [Path(each) if isinstance(each, str) and each.lower().endswith(EMBEDDINGS) else each for each in values]


Features = Annotated[
    list[Path | str],
    BeforeValidator(_files_as_paths),
    Field(max_length=10_000),
    AfterValidator(each_once),
    OrName(),
]
"""Columns, or one file."""


class LabelSettings(Section):
    """Column and values of the label, which the target network predicts."""

    column: str = Field("label", description="column that holds the class")
    positive: Annotated[str | list[str], BeforeValidator(as_values)] = Field(
        description="value that means pathology; several values are one class each"
    )
    negative: Annotated[str | None, BeforeValidator(as_text)] = Field(
        None, description="value that means healthy; all other values if left out"
    )

    @property
    def positives(self) -> tuple[str, ...]:
        """Pathology classes, in the order of the protocol."""
        return (self.positive,) if isinstance(self.positive, str) else tuple(self.positive)

    @model_validator(mode="after")
    def _distinct_classes(self) -> LabelSettings:
        if self.negative in self.positives:
            raise ValueError(f"{self.negative!r} is both `positive` and `negative`")
        return self


class TwoClassLabelSettings(LabelSettings):
    """The label of a simulated cohort: one pathology."""

    positive: Annotated[str, BeforeValidator(as_text)] = Field(description="value that means pathology")


def _as_probes(value: object) -> object:
    """Refuse what is no mapping with an example of one."""
    if value is None or isinstance(value, Mapping | Section):
        return value
    raise ValueError("expected where the probes are, such as `{table: probes.tsv}` or `{where: \"site == 'lyon'\"}`")


class ProbeSettings(Section):
    """Where images are listed that are never trained on and only scored (P1)."""

    table: Annotated[list[Path], BeforeValidator(_as_paths), AfterValidator(each_once), OrName()] = Field(
        default_factory=list, description="manifest(s) with the columns of the cohort; relative to the protocol"
    )
    roots: Annotated[list[Path], BeforeValidator(_as_paths), AfterValidator(each_once), OrName()] = Field(
        default_factory=list, description="BIDS datasets, read as those of the cohort; relative to the protocol"
    )
    where: str | None = Field(
        None, description="row filter over the cohort's own rows: what it keeps is taken out of the cohort"
    )
    max_prevalence: float | None = Field(
        None, ge=0, lt=1, description="largest share of patients among probes without a label; needed if there are any"
    )

    @model_validator(mode="after")
    def _one_source(self) -> ProbeSettings:
        if not (self.table or self.roots or self.where):
            raise ValueError("say where the probes are: `table`, `roots` or `where`")
        return self


FIELD_RULES = ("centre", "foreground")


def _as_field(value: object) -> object:
    """Take a bare text for the name of a rule, or else for the path of a mask."""
    if not isinstance(value, str | Path):
        return value
    return {"rule" if str(value) in FIELD_RULES else "mask": value}


class FieldSettings(Section):
    """Where the disease can be: by a rule, one mask for all images, a mask for each, or regions of an atlas."""

    rule: Literal["centre", "foreground"] | None = Field(
        None, description="the central 75 % of every axis, or the foreground"
    )
    mask: Path | None = Field(None, description="one mask for all images, above 0 inside; relative to the protocol")
    column: str | None = Field(None, description="column of masks, one for each image (reader `table`)")
    atlas: Path | None = Field(None, description="label image; relative to the protocol")
    labels: Annotated[list[Annotated[int, Field(ge=1, lt=2**31)]], AfterValidator(each_once)] = Field(
        default_factory=list, description="regions of the atlas that make up the field"
    )

    @model_validator(mode="after")
    def _one_of_them(self) -> FieldSettings:
        given = [name for name in ("rule", "mask", "column", "atlas") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(
                "expected `centre`, `foreground`, a mask file, {column: ...} or {atlas: ..., labels: [...]}"
            )
        if bool(self.labels) != (self.atlas is not None):
            raise ValueError("`atlas` and `labels` go together: the regions of it in which the disease can be")
        return self


class CohortSettings(Section):
    """Keys of the section `cohort` that every reader knows.

    A reader derives its settings from this class: ``reader: Literal["its name"]``, and the keys that only it knows.
    Those of the readers that come with the tool stand below; any other reader keeps its own beside itself.
    """

    reader: str
    label: LabelSettings
    origins: Names = Field(min_length=1, description="where an image comes from, the primary factor first")
    covariates: Names = Field(default_factory=list, description="columns such as age and sex")
    select: str | None = Field(
        None, description="row filter: comparisons, `in`, and/or/not; parsed, never evaluated as code"
    )
    min_origin_size: int = Field(
        10, ge=1, le=1_000_000, description="smaller origins are pooled as 'other' and reported"
    )
    mask_in: Literal["all", "positive"] = Field(
        "positive",
        description="classes whose masks are pathology: all where the disease is a lesion in every class (benign and "
        "malignant, grades), else the positive ones",
    )
    mask_is_complete: bool = Field(False, description="true: all pathology is inside the masks")
    probes: Annotated[ProbeSettings | None, BeforeValidator(_as_probes)] = Field(
        None,
        description="images that are never trained on and only scored, such as healthy ones of the patients' source",
    )
    field: Annotated[FieldSettings | None, BeforeValidator(_as_field), OrName()] = Field(
        None,
        description="where the disease can be: `centre`, `foreground`, a mask file, `{column: field}` or "
        "`{atlas: FILE, labels: [3, 4]}`; what lies outside is then taken from other images (U13) or kept alone (U14)",
    )
    colour: Literal["auto", "grey"] = Field(
        "auto",
        description="auto: pictures in colour have three channels, red, green and blue; grey: all are read in grey, "
        "and signatures of colour stay unseen",
    )
    foreground: Literal["auto", "nonzero", "threshold", "centre"] = Field(
        "auto",
        description="where no brain mask is given: non-zero voxels of stripped images, a threshold, or the centre "
        "of a picture; auto chooses and says so",
    )
    limits: FileLimits = Field(default_factory=lambda: FileLimits.model_validate({}))

    @property
    def roles(self) -> tuple[tuple[str, str], ...]:
        """Column and role of what must not be one column: it would answer for itself."""
        named = [(self.label.column, "the label"), *((name, "an origin") for name in self.origins)]
        return (*named, *((name, "a covariate") for name in self.covariates))

    @model_validator(mode="after")
    def _one_role_each(self) -> CohortSettings:
        first: dict[str, str] = {}
        for column, role in self.roles:
            if first.setdefault(column, role) != role:
                raise ValueError(f"the column {column!r} is both {first[column]} and {role}; each needs its own")
        return self

    @property
    def has_images(self) -> bool:
        """Whether networks look at images; False where scores or features are given in their place."""
        return True

    @property
    def simulated(self) -> bool:
        """Whether the subjects are made up, so that the truth is known."""
        return False

    @property
    def truth_subjects(self) -> int:
        """Held-out subjects per fold whose truth is simulated; 0 where it is not known."""
        return 0


class TableCohort(CohortSettings):
    """Settings of the reader `table`: a CSV or TSV table with one row per image."""

    reader: Literal["table"]
    table: Tables = Field(
        description="manifest, or several whose rows belong together, the main one first; relative to the protocol"
    )
    key: Names = Field(
        default_factory=list,
        description="column(s) by which the rows of several tables belong together, such as subject and session; "
        "default: the subject's",
    )
    image: Names = Field(default_factory=lambda: ["image"], description="column(s) of image paths; several = channels")
    subject: str = Field("subject", description="column of subject identifiers")
    label: LabelSettings
    origins: Names = Field(min_length=1, description="columns that say where an image comes from, primary first")
    mask: str | None = Field(None, description="column of pathology masks; a column named `mask` is taken if present")
    brain_mask: str | None = Field(None, description="column of brain masks")
    tissue: Names = Field(default_factory=list, description="column(s) of GM, WM, CSF probability maps")
    maps: Names = Field(
        default_factory=list,
        description="column(s) of other maps of your own, such as log-Jacobians, for the arm `maps`",
    )
    split: str | None = Field(
        None, description="column that says how an already trained network split the subjects: train, val or test"
    )
    predictions: Path | None = Field(
        None, description="table of held-out scores, one row per subject; no network is trained or loaded for them"
    )
    score: Names = Field(
        default_factory=list, description="column(s) of held-out scores: of the pathology, or one per class"
    )
    features: Features = Field(
        default_factory=list,
        description="columns of numbers in place of images, or patterns such as lh_*_thickness; or one file of "
        "embeddings, .npz or .parquet",
    )
    score_scale: Literal["auto", "logits", "probabilities"] = Field(
        "auto", description="what the scores are; auto takes values within [0, 1] for probabilities and says so"
    )

    @property
    def roles(self) -> tuple[tuple[str, str], ...]:
        """Those of every reader, and what is in the table alone."""
        files = [(name, "an image") for name in ([] if self.scored or self.features else self.image)]
        return (*super().roles, (self.subject, "the subject"), *((name, "a score") for name in self.score), *files)

    @property
    def feature_names(self) -> list[str]:
        """Columns of the table that are features, or their patterns."""
        return [each for each in self.features if isinstance(each, str)]

    @property
    def embeddings(self) -> Path | None:
        """File of embeddings in place of columns."""
        return next((each for each in self.features if isinstance(each, Path)), None)

    @model_validator(mode="after")
    def _columns_or_one_file(self) -> TableCohort:
        if self.embeddings is not None and len(self.features) > 1:
            raise ValueError(
                "`features` names one file of embeddings, or columns of the table: not both, nor two files"
            )
        return self

    @property
    def tables(self) -> list[Path]:
        """All tables, the main one first."""
        return self.table if isinstance(self.table, list) else [self.table]

    @model_validator(mode="after")
    def _key_of_several(self) -> TableCohort:
        if self.key and not isinstance(self.table, list):
            raise ValueError("`key` joins several tables: name them in `table`, such as `[lh.tsv, rh.tsv]`")
        return self

    @property
    def scored(self) -> bool:
        """Whether held-out scores are given, so that no target is needed."""
        return self.predictions is not None or bool(self.score)

    @property
    def has_images(self) -> bool:
        """Whether neither scores nor features stand in for images."""
        return not self.scored and not self.features


class BidsCohort(CohortSettings):
    """Settings of the reader `bids`: one or more BIDS datasets."""

    reader: Literal["bids"]
    roots: Annotated[list[Path], BeforeValidator(as_list), AfterValidator(each_once), OrName()] = Field(
        min_length=1, description="dataset folders; relative to the protocol"
    )
    suffix: Names = Field(default_factory=lambda: ["T1w"], description="image suffix(es); several = channels")
    label: LabelSettings
    origins: Names = Field(
        default_factory=lambda: ["dataset"],
        min_length=1,
        description="participants.tsv columns, sidecar fields (Manufacturer, ...), or `dataset` (the root)",
    )
    mask_labels: Names = Field(
        default_factory=lambda: ["L", "lesion"], description="label entities of pathology masks in derivatives"
    )
    space: str | None = Field(None, description="space entity to choose where several are present")
    entities: dict[str, Annotated[list[str], BeforeValidator(_as_words), OrName()]] = Field(
        default_factory=dict,
        description="other entities to choose by where an image comes in several versions, such as `{res: 2, desc: "
        "preproc}`; a list takes each",
    )
    maps: Names = Field(
        default_factory=list,
        description="suffix(es) of other maps in derivatives, such as jacobian, for the arm `maps`",
    )

    @property
    def roles(self) -> tuple[tuple[str, str], ...]:
        """As of every reader, but each dataset may be one class."""
        return tuple(role for role in super().roles if role != (DATASET, "the label"))
