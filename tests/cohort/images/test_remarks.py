from __future__ import annotations

from dataclasses import replace

import numpy as np
from PIL import Image

from biasaudit.cohort.images.inspection import inspect_files
from biasaudit.cohort.images.remarks import remark_notes
from biasaudit.protocol import GridSettings


def test_remarks_are_one_line_of_each_kind_with_the_origins_they_go_with(volume, cohort, sample):
    four = cohort(*(sample(volume(f"{n}.nii"), origins={"origin": "ab"[n % 2]}) for n in range(4)))
    facts = inspect_files(four, GridSettings(), {}).facts
    assert remark_notes(four, facts) == []
    odd = {path: replace(fact, remarks=("odd",) if path[-5] in "02" else ()) for path, fact in facts.items()}
    assert remark_notes(four, odd) == ["odd: 2 files (0.nii, 2.nii); by origin: a 2 of 2, b 0 of 2"]
    assert [note.anonymous for note in remark_notes(four, odd)] == ["odd: 2 files; by origin: a 2 of 2, b 0 of 2"]
    all_odd = {path: replace(fact, remarks=("odd",)) for path, fact in facts.items()}
    assert remark_notes(four, all_odd) == ["odd: 4 files (0.nii, 1.nii, 2.nii and 1 more)"]


def test_pictures_of_several_depths_are_told(tmp_path, cohort, sample):
    grey = np.arange(400, dtype=np.uint8).reshape(20, 20)
    Image.fromarray(grey).save(tmp_path / "8.png")
    Image.fromarray(grey.astype(np.uint16) * 257).save(tmp_path / "16.png")
    both = cohort(sample(str(tmp_path / "8.png")), sample(str(tmp_path / "16.png")), dimensions=2)
    found = inspect_files(both, GridSettings(), {})
    assert (
        "pictures of several depths, each scaled by the largest value of its own: 8 bits (1), 16 bits (1)"
        in found.notes
    )
    one = cohort(sample(str(tmp_path / "8.png")), dimensions=2)
    assert not any("depths" in note for note in inspect_files(one, GridSettings(), {}).notes)
