"""What may be wrong with BIDS datasets."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from catalogue.case import Case, sound, write_protocol

DERIVED = "derivatives/prep"


def _dataset(folder: Path, names: Sequence[str]) -> Path:
    """Eight subjects with images of these names, such as ``run-1_T1w`` and ``derivatives/prep|desc-brain_T1w``."""
    sound(folder)
    root = folder / "ds"
    lines = ["participant_id\tdiagnosis\tsite"]
    for number in range(8):
        data = np.asarray(nib.load(folder / f"{number}.nii").dataobj)  # type: ignore[attr-defined]
        lines.append(f"sub-{number}\t{'ms' if number % 2 else 'healthy'}\t{'ab'[number % 4 // 2]}")
        for name in names:
            above, _, file = name.rpartition("|")
            path = root / above / f"sub-{number}" / "anat" / f"sub-{number}_{file}.nii"
            path.parent.mkdir(parents=True, exist_ok=True)
            nib.save(nib.Nifti1Image(data + len(file), np.diag([4.0, 4, 4, 1])), path)
    (root / "participants.tsv").write_text("\n".join(lines) + "\n")
    return root


def _case(
    names: Sequence[str],
    *says: str,
    spoil: Callable[[Path], object] = lambda root: None,
    code: int = 3,
    **keys: Any,
) -> Case:
    def make(folder: Path) -> None:
        spoil(_dataset(folder, names))
        label = {"column": "diagnosis", "positive": "ms"}
        known = {"reader": "bids", "roots": ["ds"], "label": label, "origins": ["site"], "min_origin_size": 1}
        write_protocol(folder)
        protocol = (folder / "protocol.yaml").read_text()
        (folder / "protocol.yaml").write_text(json.dumps({**_without_cohort(protocol), "cohort": known | keys}))

    return Case(make, says, code=code)


def _without_cohort(text: str) -> dict[str, Any]:
    from ruamel.yaml import YAML

    return {name: value for name, value in YAML(typ="safe").load(text).items() if name != "cohort"}


def _linked(*places: str) -> Callable[[Path], None]:
    def spoil(root: Path) -> None:
        for place in places:
            path = root / place
            path.unlink(missing_ok=True)
            path.symlink_to("../../.git/annex/objects/aa/x")

    return spoil


def _sidecars(name: str, values: Sequence[Any]) -> Callable[[Path], None]:
    def spoil(root: Path) -> None:
        for number in range(8):
            content = json.dumps({name: values[number % 4 // 2]})
            (root / f"sub-{number}" / "anat" / f"sub-{number}_T1w.json").write_text(content)

    return spoil


def _rewritten(change: Callable[[str], str]) -> Callable[[Path], object]:
    return lambda root: (root / "participants.tsv").write_text(change((root / "participants.tsv").read_text()))


T1W, MNI = ["T1w"], {"space": "MNI"}
CASES: dict[str, Case] = {
    "no such suffix": _case(T1W, "ds: no FLAIR images", "suffixes present: T1w", suffix=["FLAIR"]),
    "no such space": _case(T1W, "ds: no T1w in space MNI images", "spaces present: none", **MNI),
    "two resolutions": _case(
        [f"{DERIVED}|space-MNI_res-{n}_T1w" for n in "12"], "(res 1, 2)", "cohort.entities", "{res: 1}", **MNI
    ),
    "two descriptions": _case(
        [f"{DERIVED}|space-MNI_desc-{d}_T1w" for d in ("a", "b")], "(desc a, b)", "{desc: a}", **MNI
    ),
    "two spaces": _case(["T1w", "space-MNI_T1w"], "(space none, MNI)", "set `space` to the one to take"),
    "two echoes": _case(["echo-1_T1w", "echo-2_T1w"], "(echo 1, 2)", "{echo: 1}"),
    "two reconstructions": _case(["rec-a_T1w", "rec-b_T1w"], "(rec a, b)", "{rec: a}"),
    "two inversions": _case(["inv-1_T1w", "inv-2_T1w"], "(inv 1, 2)", "{inv: 1}"),
    "an entity that no image has": _case(["res-1_T1w"], "ds: no T1w images", entities={"res": 5}),
    "phase beside magnitude": _case(
        ["part-mag_T1w", "part-phase_T1w"], "8 phase, real or imaginary images (`part-`) are left out", code=0
    ),
    "phase alone": _case(["part-phase_T1w"], "ds: no T1w images"),
    "two acquisitions": _case(["acq-a_T1w", "acq-b_T1w"], "differ in acq (a, b)", "cohort.entities", code=0),
    "runs of one channel": _case(
        ["T1w", "run-1_FLAIR", "run-2_FLAIR"], "all channels (T1w and FLAIR)", "{run: 1}", suffix=["T1w", "FLAIR"]
    ),
    "a channel of some": _case(
        ["T1w", "FLAIR"],
        "left out because a channel is missing: sub-3_T1w.nii (without FLAIR)",
        spoil=lambda root: (root / "sub-3/anat/sub-3_FLAIR.nii").unlink(),
        suffix=["T1w", "FLAIR"],
        code=0,
    ),
    "an image that was not fetched": _case(
        T1W, "sub-2_T1w.nii: a link whose content is not here", "datalad get", spoil=_linked("sub-2/anat/sub-2_T1w.nii")
    ),
    "no image was fetched": _case(
        T1W,
        "a link whose content is not here (8 files",
        "datalad get",
        spoil=_linked(*(f"sub-{n}/anat/sub-{n}_T1w.nii" for n in range(8))),
    ),
    "a table that was not fetched": _case(
        T1W, "ds/participants.tsv: a link whose content is not here", "datalad get", spoil=_linked("participants.tsv")
    ),
    "sidecars that were not fetched": _case(
        T1W,
        "sub-0_T1w.json: a link whose content is not here (8 files",
        "datalad get",
        spoil=_linked(*(f"sub-{n}/anat/sub-{n}_T1w.json" for n in range(8))),
    ),
    "a description that was not fetched": _case(
        T1W, "ds/dataset_description.json: a link whose", "datalad", spoil=_linked("dataset_description.json")
    ),
    "a broken sidecar": _case(
        T1W, "ds/T1w.json: not a readable JSON file", "correct", spoil=lambda root: (root / "T1w.json").write_text("{")
    ),
    "no table": _case(T1W, "ds: no participants.tsv", spoil=lambda root: (root / "participants.tsv").unlink()),
    "a participant twice": _case(
        T1W, "participants.tsv:10", "repeats participant '3'", spoil=_rewritten(lambda text: text + "sub-3\tms\ta\n")
    ),
    "a subject without a row": _case(
        T1W, "no row for sub-7", "add the row", spoil=_rewritten(lambda text: text.replace("sub-7\tms\tb\n", ""))
    ),
    "a row without images": _case(
        T1W, "1 participants without T1w: sub-x", spoil=_rewritten(lambda text: text + "sub-x\tms\ta\n"), code=0
    ),
    "no such dataset": _case(T1W, "nowhere: no such folder", roots=["nowhere"]),
    "3 and 3.0 tesla": _case(
        T1W,
        "MagneticFieldStrength: '3' and '3.0' are one number and one origin",
        spoil=_sidecars("MagneticFieldStrength", [3, 3.0]),
        origins=["site", "MagneticFieldStrength"],
        code=0,
    ),
    "Siemens and SIEMENS": _case(
        T1W,
        "'SIEMENS' (4), 'Siemens' (4) differ in case",
        spoil=_sidecars("Manufacturer", ["SIEMENS", "Siemens"]),
        origins=["Manufacturer"],
        code=0,
    ),
    "an origin that no sidecar has": _case(
        T1W,
        "'manufacturer' is neither a column",
        "did you mean",
        spoil=_sidecars("Manufacturer", ["a", "b"]),
        origins=["manufacturer"],
    ),
}
