"""Size and time of a report: multiply the tables and pictures of a finished run, and let `biasaudit report` draw it.

``python benchmarks/report_size.py RUN OUT --subjects 500 --arms 5 [--origins 60] [--classes 3]`` writes the folder
OUT, which nobody audited: subjects, origins, classes and arms are copies of those of RUN under other names. With
``--look`` Chromium opens the page: how high it is on a wide screen and on a phone, all cards closed, and on how many
sheets of A4 its summary prints. ``python benchmarks/report_size.py RUN --look`` draws and opens that of RUN itself.
"""

from __future__ import annotations

import argparse
import copy
import json
import re
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, cycle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from biasaudit.run_folder.place import mark

_ARM_TABLES = ("scores", "relevance", "training", "embedding", "units", "findings", "truth")
_SUBJECT_TABLES = ("subjects", "scores", "relevance", "embedding", "image_quality")
_PICTURES = (("maps", "overlays"), ("maps", "differences"), ("maps", "inputs"), ("learned", "gallery"))


@dataclass(frozen=True)
class Wanted:
    """How much of everything the made-up run has; 0 origins or classes leave those of the run."""

    subjects: int
    arms: int
    origins: int
    classes: int


def main() -> None:
    """Write the made-up run, draw its report, and print bytes and seconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("out", type=Path, nargs="?")
    parser.add_argument("--subjects", type=int, default=500)
    parser.add_argument("--arms", type=int, default=5)
    parser.add_argument("--origins", type=int, default=0)
    parser.add_argument("--classes", type=int, default=0)
    parser.add_argument("--look", action="store_true")
    asked = parser.parse_args()
    out = asked.out or asked.run
    if asked.out:
        write_run(asked.run, out, Wanted(asked.subjects, asked.arms, asked.origins, asked.classes))
    print(measured(out))
    if asked.look:
        print(looked_at(out / "report.html"))


def measured(out: Path) -> str:
    """Draw the report by the command, and say how large it is and how long that took."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, "-m", "biasaudit", "report", str(out)], check=True)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    page, files = (out / "report.html").stat().st_size, sum(f.stat().st_size for f in (out / "figures").glob("*"))
    return f"page {page:,} bytes, figures {files:,} bytes, {wall:.1f} s wall, {cpu:.1f} s of the processor"


def looked_at(report: Path) -> str:
    """Open the page in the Chromium of this machine, and say how much there is to scroll and to print."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        heights = []
        for width in (1200, 390):
            page = browser.new_page(viewport={"width": width, "height": 900})
            page.goto(report.resolve().as_uri())
            heights.append(f"{page.evaluate('document.documentElement.scrollHeight')} pixels at {width}")
            printed = len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4")))
        browser.close()
    return f"{', '.join(heights)}; summary on {printed} sheets"


def write_run(run: Path, out: Path, wanted: Wanted) -> None:
    """Multiply a finished run.

    Parameters
    ----------
    run : Path
        Finished run folder.
    out : Path
        New folder.
    wanted : Wanted
    """
    audit = json.loads((run / "audit.json").read_text("utf-8"))
    arms = _arm_names([arm["name"] for arm in audit["arms"]], wanted.arms)
    tables = {path.stem: pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False) for path in _tables(run)}
    factor = next(iter(audit["cohort"]["origins"]))
    people = _people(tables["subjects"], factor, wanted)
    for name in _SUBJECT_TABLES:
        if name in tables:
            tables[name] = _of_people(tables[name], people, factor)
    tables |= {name: _of_arms(tables[name], arms) for name in _ARM_TABLES if name in tables}
    classes = list(people["label"].unique())
    if len(classes) > 2:
        tables["scores"] = pd.concat([tables["scores"].assign(contrast=name) for name in classes])
    (out / "tables").mkdir(parents=True)
    for name, table in tables.items():
        table.to_csv(out / "tables" / f"{name}.tsv", sep="\t", index=False)
    for folder, name in _PICTURES:
        _multiply_pictures(run / folder / name, out / folder / name, arms)
    _multiply_thumbnails(run / "maps" / "thumbnails", out / "maps" / "thumbnails", people)
    content = _audit(audit, people, arms, factor)
    (out / "audit.json").write_text(json.dumps(content), "utf-8")
    shutil.copy(run / "protocol.yaml", out / "protocol.yaml")
    mark(out, "run")


def _tables(run: Path) -> list[Path]:
    return sorted((run / "tables").glob("*.tsv"))


def _arm_names(names: Sequence[str], count: int) -> dict[str, str]:
    """Name of every arm wanted -> arm of the run that it is a copy of."""
    return {
        names[place] if place < len(names) else f"{names[place % len(names)]}-{place // len(names) + 1}": names[
            place % len(names)
        ]
        for place in range(count)
    }


def _people(subjects: pd.DataFrame, factor: str, wanted: Wanted) -> pd.DataFrame:
    """Every subject wanted: `old`, whose copy it is, its name, class and origin."""
    old = subjects.iloc[np.arange(wanted.subjects) % len(subjects)].reset_index(drop=True)
    number = np.arange(wanted.subjects)
    labels = _relabelled(list(old["label"]), wanted.classes)
    origins = [f"site-{place % wanted.origins + 1:02d}" for place in number] if wanted.origins else list(old[factor])
    names = [f"sub-{place + 1:04d}" for place in number]
    return pd.DataFrame({"old": old["subject"], "subject": names, "label": labels, factor: origins})


def _relabelled(labels: list[str], classes: int) -> list[str]:
    """Split the last class into as many as are wanted."""
    known = list(dict.fromkeys(labels))
    parts = [known[-1], *(f"{known[-1]} {number + 2}" for number in range(classes - len(known)))]
    turn = cycle(parts)
    return [next(turn) if label == known[-1] else label for label in labels]


def _of_people(table: pd.DataFrame, people: pd.DataFrame, factor: str) -> pd.DataFrame:
    """Repeat the rows of a table for the copies of its subjects."""
    known = table.rename(columns={"subject": "old"})
    kept = [name for name in known if name not in ("label", "origin", factor)]
    merged = people.merge(known[kept], on="old", how="inner").drop(columns="old")
    merged = merged.assign(origin=merged[factor]) if "origin" in table else merged
    return merged[list(table)]


def _of_arms(table: pd.DataFrame, arms: Mapping[str, str]) -> pd.DataFrame:
    return pd.concat([table[table["arm"] == old].assign(arm=new) for new, old in arms.items()])


def _multiply_pictures(source: Path, target: Path, arms: Mapping[str, str]) -> None:
    """Copy a table of pictures and their slices for every arm, under keys of their own."""
    if not source.with_suffix(".tsv").is_file():
        return
    table = pd.read_csv(source.with_suffix(".tsv"), sep="\t", dtype=str, keep_default_na=False)
    rows: list[dict[str, Any]] = []
    slices: dict[str, np.ndarray] = {}
    with np.load(source.with_suffix(".npz")) as stored:
        for place, (new, old) in enumerate(arms.items()):
            for record in table[table["arm"] == old].to_dict("records"):
                key = f"copy{place}-{record['key']}"
                rows.append({str(name): value for name, value in record.items()} | {"key": key, "arm": new})
                own = [name for name in stored.files if name.partition("__")[0] == record["key"]]
                slices |= {key + name.removeprefix(str(record["key"])): stored[name] for name in own}
    target.parent.mkdir(exist_ok=True)
    pd.DataFrame(rows, columns=table.columns).to_csv(target.with_suffix(".tsv"), sep="\t", index=False)
    np.savez_compressed(target.with_suffix(".npz"), **slices)  # type: ignore[arg-type]


def _multiply_thumbnails(source: Path, target: Path, people: pd.DataFrame) -> None:
    """Give every subject the thumbnail of the one that it is a copy of."""
    if not source.with_suffix(".tsv").is_file():
        return
    table = pd.read_csv(source.with_suffix(".tsv"), sep="\t", dtype=str, keep_default_na=False)
    first = table.drop_duplicates("subject").set_index("subject")
    known = people[people["old"].isin(first.index)]
    rows = first.loc[known["old"]].assign(subject=list(known["subject"]), label=list(known["label"]))
    rows = rows.assign(origin=list(known.iloc[:, -1]))
    with np.load(source.with_suffix(".npz")) as stored:
        images = {name: stored[name] for name in stored.files}
    order = rows["place"].astype(int).to_numpy()
    np.savez_compressed(target.with_suffix(".npz"), **{name: images[name][order] for name in images})  # type: ignore[arg-type]
    rows.assign(place=range(len(rows)))[list(table)].to_csv(target.with_suffix(".tsv"), sep="\t", index=False)


def _audit(audit: dict[str, Any], people: pd.DataFrame, arms: Mapping[str, str], factor: str) -> dict[str, Any]:
    content = copy.deepcopy(audit)
    classes = {str(name): int(amount) for name, amount in people["label"].value_counts(sort=False).items()}
    counts = {str(name): int(amount) for name, amount in people[factor].value_counts().items()}
    content["cohort"] |= {"n": len(people), "images": len(people), "classes": classes}
    content["cohort"]["origins"][factor] = counts
    by_name = {arm["name"]: arm for arm in audit["arms"]}
    content["arms"] = [
        _arm(by_name[old], new, place == 0, list(classes)) for place, (new, old) in enumerate(arms.items())
    ]
    content["comparisons"] = list(_comparisons(audit, list(arms), list(classes)))
    return content


def _arm(arm: Mapping[str, Any], name: str, primary: bool, classes: Sequence[str]) -> dict[str, Any]:
    """Copy an arm; of more than two classes with its verdicts and findings for every contrast."""
    made = {**copy.deepcopy(dict(arm)), "name": name, "primary": primary}
    if len(classes) > 2:
        made["contrast"] = classes[-1]
        for part in ("verdicts", "findings"):
            made[part] = [{**record, "contrast": contrast} for contrast in classes for record in arm[part]]
    return made


def _comparisons(audit: Mapping[str, Any], arms: Sequence[str], classes: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield what the first two arms of the run were compared on, for every pair."""
    if not audit["comparisons"]:
        return
    first = audit["comparisons"][0]["arms"]
    own = [record for record in audit["comparisons"] if record["arms"] == first]
    for pair in combinations(arms, 2):
        for record in own:
            for contrast in classes if len(classes) > 2 else (None,):
                yield {**record, "arms": list(pair), "contrast": contrast}


if __name__ == "__main__":
    main()
