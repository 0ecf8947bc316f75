"""The user's own preprocessing as an arm: audited, explained, predicted; and every way in which it can be wrong."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from stacks import whole_stack

FUNCTIONS = '''
import numpy as np


def ranked(image, spacing, foreground):
    """Ranks inside the foreground, and the edges of the image."""
    made = np.zeros((2, *image.shape[1:]))
    inside = image[0][foreground]
    made[0][foreground] = inside.argsort().argsort() / max(1, inside.size - 1) - 0.5
    made[1] = np.hypot(*np.gradient(image[0], *spacing))
    image[:] = 0  # what it does to its own copy is its own business
    return made


def plain(image):
    return image[0] - image.mean()


def fails(image):
    raise RuntimeError("no licence\\nat all")


def random(image):
    return image + np.random.default_rng().normal(size=image.shape)


def smaller(image):
    return image[:, ::2]


def empty(image):
    return np.full(image.shape, np.nan)


def huge(image):
    return 1e6 * image


def flat(image):
    return np.zeros_like(image)


def words(image):
    return "image"


def nothing(image):
    return None


def asks(image, template):
    return image


def sometimes(image):
    """Another number of channels for bright images."""
    return np.concatenate([image, image]) if image.mean() > 1.06 else image


number = 3
'''
PROTOCOL = """\
cohort:
  reader: table
  table: table.tsv
  label: {column: label, positive: ill, negative: well}
  origins: [site]
  min_origin_size: 2
arms: [intensity, "own.py:ranked"]
folds: {n: 2}
target: {training: {epochs: 1}}
checks: [G1, U1, U4, U5]
statistics: {n_permutations: 99, n_bootstraps: 99}
learned: {enabled: false}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Aliased pictures with a bright spot in patients, which is marked."""
    rows = ["subject\timage\tmask\tlabel\tsite"]
    for index in range(16):
        chance = np.random.default_rng(index)
        image, mask = chance.normal(1.0, 0.1, (16, 16)), np.zeros((16, 16), dtype=np.uint8)
        ill = index % 2
        if ill:
            image[6:9, 6:9] += 2
            mask[6:9, 6:9] = 1
            np.save(tmp_path / f"{index}-mask.npy", mask)
        np.save(tmp_path / f"{index}.npy", image)
        marked = f"{index}-mask.npy" if ill else ""
        rows.append(f"s{index}\t{index}.npy\t{marked}\t{'ill' if ill else 'well'}\t{'ab'[ill]}")
    (tmp_path / "table.tsv").write_text("\n".join(rows) + "\n")
    (tmp_path / "protocol.yaml").write_text(PROTOCOL)
    (tmp_path / "own.py").write_text(FUNCTIONS)
    return tmp_path


def jobs(out: Path, name: str) -> set[Path]:
    return {path.parent for path in (out / "jobs").glob(f"*/{name}")}


def test_audited_erased_transferred_explained_and_predicted(biasaudit_here, folder):
    out = folder / "out"
    done = biasaudit_here("run", folder / "protocol.yaml", "-o", out, "--engine", "local")
    assert done.returncode == 0, done.stderr
    audit = json.loads((out / "audit.json").read_text())
    assert [(arm["name"], arm["representation"]) for arm in audit["arms"]] == [
        ("intensity", "intensity"),
        ("ranked", "own.py:ranked"),
    ]
    made = {path: whole_stack(path / "original.npz") for path in jobs(out, "original.npz")}
    (own,) = [path for path, array in made.items() if array.shape[1] == 2]
    erased = whole_stack(own / "erased.npz")
    assert np.abs(erased - made[own])[:, :, 5:10, 5:10].max() > 0.1
    # Ranks are those of the erased image, not the ranks of the whole with a hole filled in.
    assert np.abs(erased - made[own])[1, 0, 3, 3] > 0
    codes = {finding["code"]: finding["status"] for finding in audit["arms"][1]["findings"]}
    assert codes["U4"] != "not_applicable"
    assert codes["U5"] != "not_applicable"
    scores = pd.read_csv(out / "tables" / "scores.tsv", sep="\t")
    held = scores[(scores.arm == "ranked") & (scores.question == "target") & (scores.variant == "original")]
    predicted = biasaudit_here("predict", out, folder / "table.tsv", "--arm", "ranked", "-o", folder / "scores.tsv")
    assert predicted.returncode == 0, predicted.stderr
    new = pd.read_csv(folder / "scores.tsv", sep="\t")
    merged = held.merge(new, on="subject")
    np.testing.assert_allclose(merged["logit_x"], merged["logit_y"], atol=1e-4)
    explained = biasaudit_here("explain", out, "--arm", "ranked", "--subject", "s1", "-o", folder / "maps")
    assert explained.returncode == 0, explained.stderr


def test_the_code_is_part_of_the_jobs_and_the_folder_of_no_random_number(biasaudit_here, folder, tmp_path_factory):
    protocol = (folder / "protocol.yaml").read_text().replace("[intensity, ", "[").replace("U1, U4, U5", "U1")
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    logits = []
    for place in (folder, elsewhere):
        for path in folder.glob("*.*"):
            (place / path.name).write_bytes(path.read_bytes())
        (place / "protocol.yaml").write_text(protocol)
        done = biasaudit_here("run", place / "protocol.yaml", "-o", place / "out", "--engine", "local")
        assert done.returncode == 0, done.stderr
        logits.append(pd.read_csv(place / "out" / "tables" / "scores.tsv", sep="\t")["logit"])
    np.testing.assert_array_equal(*logits)
    before = jobs(folder / "out", "original.npz")
    (folder / "own.py").write_text(FUNCTIONS.replace("- 0.5", "- 0.4"))
    assert biasaudit_here("run", folder / "protocol.yaml", "-o", folder / "out", "--engine", "local").returncode == 0
    assert len(jobs(folder / "out", "original.npz")) == 2 * len(before)


REFUSED = {
    "own.py:rankd": "arms.0: {folder}/own.py has no function or class 'rankd'",
    "other.py:ranked": "arms.0: no such file {folder}/other.py",
    "nowhere:ranked": "arms.0: cannot import 'nowhere'",
    "own.py:number": "arms.0: {folder}/own.py has no function or class 'number'",
    "own.py:fails": "own.py:fails failed: RuntimeError: no licence",
    "own.py:random": "own.py:random returned another result for the same image; draw no random numbers",
    "own.py:smaller": "own.py:smaller returned shape 1 x 8 x 16, expected 16 x 16 or channels x 16 x 16",
    "own.py:empty": "own.py:empty returned NaN or infinity in 256 of 256 values",
    "own.py:huge": "own.py:huge returned values up to 1.3",
    "own.py:flat": "own.py:flat returned 0 everywhere for the first image",
    "own.py:words": "own.py:words returned a str, expected an array of numbers",
    "own.py:nothing": "own.py:nothing returned ",
    "own.py:asks": "own.py:asks asks for template; it is offered image, spacing, foreground",
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_in_one_line(biasaudit_here, folder, name):
    (folder / "protocol.yaml").write_text(PROTOCOL.replace('[intensity, "own.py:ranked"]', f'["{name}"]'))
    done = biasaudit_here("validate", folder / "protocol.yaml")
    assert done.returncode == 3
    assert REFUSED[name].format(folder=folder) in done.stderr
    assert "Traceback" not in done.stderr
    assert re.fullmatch(r"\S+protocol.yaml:\d+: [^\n]*\n", done.stderr)


def test_another_number_of_channels_later_is_named_with_its_image(biasaudit_here, folder):
    (folder / "protocol.yaml").write_text(PROTOCOL.replace('[intensity, "own.py:ranked"]', '["own.py:sometimes"]'))
    done = biasaudit_here("run", folder / "protocol.yaml", "-o", folder / "out", "--engine", "local")
    assert done.returncode == 4
    assert "returned 2 channels, but 1 for the first image (image 2 of the cohort, original)" in done.stderr
