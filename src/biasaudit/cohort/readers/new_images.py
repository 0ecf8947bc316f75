"""Settings by which a table of new images is read as the cohort of a finished audit was."""

from __future__ import annotations

from pathlib import Path

from biasaudit.protocol import BidsCohort, CohortSettings, LabelSettings, TableCohort

__all__ = ["manifest_settings"]


def manifest_settings(cohort: CohortSettings, table: Path, *, with_maps: bool = True) -> TableCohort:
    """Return the settings of the reader `table` for new images of a cohort.

    Parameters
    ----------
    cohort : CohortSettings
        Of the audit. Columns keep their names; where it read no table they are `subject`, `image` (one
        ``image_<suffix>`` each of several channels), `label` and the origins.
    table : Path
    with_maps : bool
        Whether the maps of the user's own are read as well.
    """
    maps = list(getattr(cohort, "maps", ())) if with_maps else []
    if isinstance(cohort, TableCohort):
        changed = {
            "table": table,
            "key": [],
            "select": None,
            "covariates": [],
            "maps": maps,
            "probes": None,
            "field": None,
        }
        return cohort.model_copy(update=changed)
    channels = len(cohort.suffix) if isinstance(cohort, BidsCohort) else 1
    images = ["image"] if channels == 1 else [f"image_{suffix}" for suffix in getattr(cohort, "suffix", ())]
    return TableCohort(
        reader="table",
        table=table,
        image=images,
        label=LabelSettings(column="label", positive=cohort.label.positive, negative=cohort.label.negative),
        origins=list(cohort.origins),
        maps=maps,
        foreground=cohort.foreground,
        colour=cohort.colour,
    )
