"""Step `blank_survey`: say of a cohort without images, in the form of a survey, that nothing was seen."""

from __future__ import annotations

from pathlib import Path

from biasaudit.engine.arguments.inputs import BlankSurveyArguments
from biasaudit.engine.jobs.job import Folders
from biasaudit.engine.jobs.json_files import write_json
from biasaudit.registry import register

__all__ = ["blank_survey"]


@register("step", "blank_survey")
def blank_survey(arguments: BlankSurveyArguments, needs: Folders, folder: Path) -> None:
    """Write a survey of no images.

    Parameters
    ----------
    arguments : BlankSurveyArguments
    needs : Folders
        Nothing.
    folder : Path
        Gets ``survey.json``, as the step `survey` writes it.
    """
    blank = {name: [0] * arguments.images for name in ("mask_voxels", "foreground_voxels", "background_share")}
    unknown = {name: [None] * arguments.images for name in ("dice", "correlation")}
    write_json(folder / "survey.json", {**blank, **unknown, "background": False, "outliers": [], "notes": []})
