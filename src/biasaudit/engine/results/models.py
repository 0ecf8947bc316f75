"""Copies of the trained networks in a run folder."""

from __future__ import annotations

import shutil

from biasaudit.engine.jobs.json_files import write_json
from biasaudit.engine.results.run import Run
from biasaudit.engine.situation.situation import Question

__all__ = ["write_models"]


def write_models(run: Run) -> None:
    """Copy the trained targets of every arm, named for people; `predict` reads `models/index.json`."""
    folder = run.results / "models"
    folder.mkdir()
    index = []
    for arm in run.situation.protocol.arms:
        for fold, keys in enumerate(run.plan.models[Question("target", arm.recipe)]):
            for number, key in enumerate(keys):
                name = f"{arm.name}_fold-{fold + 1}_seed-{number + 1}"
                for suffix in (".safetensors", ".json"):
                    shutil.copyfile(run.store.folder(key) / f"model{suffix}", folder / f"{name}{suffix}")
                index.append({"arm": arm.name, "fold": fold + 1, "seed": number + 1, "weights": f"{name}.safetensors"})
    write_json(folder / "index.json", index)
