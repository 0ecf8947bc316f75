"""Random BIDS trees: entities, sessions, versions, derivatives, sidecars, links to nothing, odd tables and names."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import cohort_around
import nibabel as nib
import numpy as np
from ruamel.yaml import YAML

Chance = np.random.Generator
SUFFIXES = ("T1w", "T1w", "T1w", "FLAIR", "T2w", "T2starw", "MP2RAGE")
VERSIONS = {
    "run": ("1", "2", "01", "02"),
    "acq": ("a", "b", "highres"),
    "rec": ("dis", "norm"),
    "echo": ("1", "2"),
    "inv": ("1", "2"),
    "part": ("mag", "phase", "real", "imag"),
    "space": ("MNI", "T1w", "MNI152NLin2009cAsym"),
    "res": ("1", "2", "02"),
    "desc": ("preproc", "brain"),
    "ce": ("gad", "none"),
}
ENDINGS = (".nii.gz", ".nii", ".NII.GZ", ".Nii", ".nii.gz", ".nii.gz")
VALUES = (3, 3.0, "3T", "3 T", 2.89362, 1.5, "Siemens", "SIEMENS", "siemens ", "GE", None, [], {}, True, "", "n/a", "é")
CELLS = ("ms", "healthy", "a", "b", "n/a", "", "NA", "3", "3.0", "sub-1", "é", '"', "1e5")


def make(chance: Chance, folder: Path) -> Sequence[str]:
    """Write one or two datasets and a protocol that may fit them."""
    roots = [f"ds{number}" for number in range(1 if chance.random() < 0.7 else 2)]
    drawn = [SUFFIXES[i] for i in chance.integers(len(SUFFIXES), size=chance.integers(1, 3))]
    suffixes = list(dict.fromkeys(drawn))
    made = [_dataset(chance, folder / root, suffixes) for root in roots]
    _protocol(chance, folder, roots, suffixes if chance.random() < 0.9 else ["T1w"])
    (folder / "parts.json").write_text(json.dumps([part for parts in made for part in parts]))
    return [*_flagged(roots), "--out", "p.yaml"] if chance.random() < 0.15 else ("validate", "protocol.yaml")


def wrong(folder: Path, code: int, text: str) -> str | None:
    """Say whether phase images were taken as images without being asked for, or a library spoke."""
    phase = json.loads((folder / "parts.json").read_text())
    asked = "part" in (folder / "protocol.yaml").read_text()
    if code == 0 and phase and not asked and "sound" in text and "`part-`" not in text:
        return f"nothing said of {phase[0]}"
    return cohort_around.line_of_a_library(text)


def _flagged(roots: Sequence[str]) -> list[str]:
    return ["init", *(word for root in roots for word in ("--bids", root))]


def _dataset(chance: Chance, root: Path, suffixes: Sequence[str]) -> list[str]:
    """Names of the phase images of the first suffix that were written into the dataset itself."""
    root.mkdir()
    entities = [name for name in VERSIONS if chance.random() < 0.1]
    ending, sessions = str(chance.choice(ENDINGS)), ["", "", *(["a", "b"] if chance.random() < 0.2 else [])]
    content = nib.Nifti1Image(1 + np.arange(60, dtype=np.float32).reshape(3, 4, 5), np.eye(4)).to_bytes()
    rows, phase = [], []
    for number in range(1, int(chance.integers(5, 9))):
        subject = f"sub-{number:02d}"
        rows.append([subject, "ms" if number % 2 else "healthy", "ab"[number // 2 % 2]])
        for name in _names(chance, subject, sessions, entities, suffixes):
            place = root / _place(name, chance)
            place.parent.mkdir(parents=True, exist_ok=True)
            path = place.with_name(f"{name}{ending}")
            _write(chance, path, content[:-1] + bytes([number]))
            if (
                "_part-" in name
                and "part-mag" not in name
                and name.endswith(suffixes[0])
                and "derivatives" not in path.parts
            ):
                phase.append(name)
            if chance.random() < 0.2:
                _sidecar(chance, place.with_name(f"{name}.json"))
    _extras(chance, root, rows, suffixes)
    return phase


def _is_phase(path: Path, suffix: str) -> bool:
    stem = path.name.split(".")[0]
    raw = path.parent.name == "anat" and "derivatives" not in path.parts
    return raw and "_part-" in stem and "_part-mag" not in stem and stem.endswith(f"_{suffix}")


def _names(
    chance: Chance, subject: str, sessions: Sequence[str], entities: Sequence[str], suffixes: Sequence[str]
) -> Iterator[str]:
    for session in dict.fromkeys(sessions):
        for suffix in suffixes:
            for _ in range(int(chance.integers(1, 4)) if entities else 1):
                chosen = [(name, str(chance.choice(VERSIONS[name]))) for name in entities if chance.random() < 0.8]
                parts = [subject, *([f"ses-{session}"] if session else []), *(f"{k}-{v}" for k, v in chosen), suffix]
                yield "_".join(parts)


def _place(name: str, chance: Chance) -> Path:
    subject, session = name.split("_")[0], next((p for p in name.split("_") if p.startswith("ses-")), "")
    above = ("derivatives", "prep") if "space-" in name or "desc-" in name else ()
    kind = "anat" if chance.random() < 0.97 else str(chance.choice(["func", "ANAT", ""]))
    return Path(*above, subject, session, kind, name)


def _write(chance: Chance, path: Path, content: bytes) -> None:
    if path.exists() or path.is_symlink():
        return
    if chance.random() < 0.01:
        path.symlink_to("../../.git/annex/objects/aa/x.nii.gz")
    elif chance.random() < 0.01:
        path.write_bytes((b"", b"/annex/objects/x", content[:99])[chance.integers(3)])
    else:
        path.write_bytes(content)


def _sidecar(chance: Chance, path: Path) -> None:
    names = ("Manufacturer", "MagneticFieldStrength", "EchoTime", "PatientName", "site", "diagnosis")
    fields = {names[i]: VALUES[chance.integers(len(VALUES))] for i in chance.integers(len(names), size=3)}
    if path.is_symlink():
        return
    if chance.random() < 0.02:
        path.unlink(missing_ok=True)
        path.symlink_to(".git/annex/objects/y.json")
        return
    odd = ("", "{", "[]", "null", '{"a": NaN}', "/annex/objects/z", "<html>")
    path.write_text(odd[chance.integers(len(odd))] if chance.random() < 0.02 else json.dumps(fields))


def _extras(chance: Chance, root: Path, rows: Sequence[list[str]], suffixes: Sequence[str]) -> None:
    """Table of participants, description, shared sidecar, masks, and links in a circle, or some of it."""
    lines = ["participant_id\tdiagnosis\tsite", *("\t".join(_spoilt(chance, row)) for row in rows)]
    table = root / "participants.tsv"
    if chance.random() < 0.03:
        table.symlink_to(".git/annex/objects/p.tsv")
    elif chance.random() < 0.97:
        end = "\r\n" if chance.random() < 0.1 else "\n"
        table.write_bytes((end.join(lines) + end).encode("utf-8-sig" if chance.random() < 0.1 else "utf-8"))
    if chance.random() < 0.7:
        (root / "dataset_description.json").write_text(json.dumps({"Name": VALUES[chance.integers(len(VALUES))]}))
    if chance.random() < 0.3:
        _sidecar(chance, root / f"{suffixes[0]}.json")
    if chance.random() < 0.05:
        (root / "sub-01").mkdir(exist_ok=True)
        os.symlink("..", root / "sub-01" / "loop")
    if chance.random() < 0.1:
        (root / "sub-99").mkdir()


def _spoilt(chance: Chance, row: list[str]) -> list[str]:
    if chance.random() < 0.99:
        return row
    return [str(chance.choice(CELLS)) if chance.random() < 0.4 else cell for cell in row][: chance.integers(1, 5)]


def _protocol(chance: Chance, folder: Path, roots: Sequence[str], suffixes: Sequence[str]) -> None:
    cohort: dict[str, object] = {
        "reader": "bids",
        "roots": list(roots),
        "suffix": list(suffixes),
        "label": {"column": "diagnosis", "positive": "ms"},
        "origins": [str(chance.choice(["site", "site", "site", "site", "dataset", "Manufacturer"]))],
        "min_origin_size": 1,
    }
    if chance.random() < 0.15:
        cohort["space"] = str(chance.choice(VERSIONS["space"]))
    if chance.random() < 0.3:
        names = chance.choice(list(VERSIONS), size=chance.integers(1, 3), replace=False)
        cohort["entities"] = {str(name): str(chance.choice(VERSIONS[str(name)])) for name in names}
    content = {"cohort": cohort, "folds": {"n": 2}, "target": {"network": "cnn", "network_arguments": {"widths": [4]}}}
    with (folder / "protocol.yaml").open("w", encoding="utf-8") as file:
        YAML(typ="safe").dump(content, file)
