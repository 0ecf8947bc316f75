from __future__ import annotations

import json

import numpy as np
import pytest

from biasaudit.errors import UsageError
from biasaudit.report.explanations import write_explained_page


def record(subject: str, **changes) -> dict:
    return {
        "Subject": subject,
        "Label": "ms",
        "Origins": {"site": "a"},
        "Method": "integrated_gradients",
        "Evidence": True,
        "Baseline": "origin balanced",
        "ClassExplained": "ms",
        "Sign": "positive (red) supports ms, negative (blue) opposes it",
        "Units": "logits per voxel of the audit grid",
        "Margin": 1.25,
        "CompletenessError": 0.02,
        "CompletenessAccepted": 0.05,
        "ColourLimit": 0.5,
        "Network": "cnn",
        "Run": "study",
        "Arm": "intensity",
        "Fold": 2,
        "Files": [f"maps/{subject}_space-audit_relevance.nii.gz"],
        "Key": subject,
        **changes,
    }


@pytest.fixture
def stored(tmp_path):
    def write(*records: dict):
        chance = np.random.default_rng(0)
        layers = {
            f"{own['Key']}__picture__{layer}": chance.normal(size=(8, 9)).astype(np.float32)
            for own in records
            for layer in ("anatomy", "relevance")
        }
        (tmp_path / "explain.json").write_text(json.dumps(records))
        np.savez_compressed(tmp_path / "slices.npz", **layers)
        return tmp_path

    return write


def test_the_page_stands_alone_and_escapes_names(stored):
    page = write_explained_page(stored(record("<b>one</b>"), record("two"))).read_text()
    assert "&lt;b&gt;one" in page
    assert "<b>one" not in page
    assert page.count("data:image/webp;base64") == page.count("<img ") == 2
    assert "held out by fold" in page
    assert "For display only" not in page
    assert "read their values as a ranking" not in page


def test_what_is_no_evidence_or_incomplete_says_so(stored):
    page = write_explained_page(stored(record("one", Evidence=False, CompletenessError=0.4), record("two"))).read_text()
    assert "For display only" in page
    assert "1 of 2 maps miss the change" in page


def test_a_sensitivity_is_no_share_and_has_no_completeness(stored):
    sign = "a sensitivity, not a share of the answer: red where a higher value would raise it"
    own = {"CompleteByConstruction": False, "CompletenessError": 3.0, "Sign": sign, "Ends": ["lowers", "raises"]}
    page = write_explained_page(stored(record("one", **own))).read_text()
    assert "A sensitivity, not a share of the answer" in page
    assert "supports" not in page
    assert "completeness" not in page
    assert "maps miss the change" not in page


def test_a_small_margin_keeps_its_sign(stored):
    assert "margin −0.05" in write_explained_page(stored(record("one", Margin=-0.0513))).read_text()


def test_maps_that_the_report_withholds_say_so_on_top(stored):
    assert "withholds" not in write_explained_page(stored(record("one"))).read_text()
    page = write_explained_page(stored(record("one", Caution="The report withholds <these>."))).read_text()
    assert page.index("The report withholds &lt;these&gt;.") < page.index("<img")


def test_the_same_page_every_time(stored):
    folder = stored(record("one"))
    assert write_explained_page(folder).read_bytes() == write_explained_page(folder).read_bytes()


def test_every_map_has_its_words_and_classes_have_rows_of_their_own(stored):
    records = [record(f"s{number}", Label=("ms", "")[number % 2], Margin=number - 0.5) for number in range(8)]
    page = write_explained_page(stored(*records)).read_text()
    assert page.count("<img ") == 8
    assert "<bdi>s3</bdi> from <bdi>a</bdi>, margin +2.5, held out by fold 2" in page
    assert page.count("<bdi>label not given</bdi>, for <bdi>ms</bdi>") == 1
    assert page.count("Full colour: ±0.5.") == 1


def test_a_folder_without_explanations_is_refused(tmp_path):
    with pytest.raises(UsageError, match="holds no explanations"):
        write_explained_page(tmp_path)
