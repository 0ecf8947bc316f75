import json
from collections.abc import Callable
from pathlib import Path

import pytest

from biasaudit.errors import DataError, UsageError
from biasaudit.report.render import write_report
from biasaudit.run_folder.reading import class_by_origin, estimate_table, load_run, positive_class, score_table

Make = Callable[..., Path]


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder; give the output folder"):
        write_report(tmp_path / "nowhere")


def test_folder_without_audit(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no audit\.json in this folder.*resumes"):
        write_report(tmp_path)


@pytest.mark.parametrize("text", ['{"arms": [', "[]", "", "\x00\x01"])
def test_damaged_audit(tmp_path: Path, text: str) -> None:
    (tmp_path / "audit.json").write_text(text)
    with pytest.raises(DataError, match=r"audit\.json: .*repeat `biasaudit run`"):
        write_report(tmp_path)


def test_all_faults_of_an_audit_at_once(make_run: Make) -> None:
    run = make_run(n=24)
    audit = json.loads((run / "audit.json").read_text())
    audit["schema_version"] = "2.0"
    audit["arms"][0]["verdict"] = "ORIGN"
    audit["arms"][0]["findings"][1]["status"] = "claer"
    (run / "audit.json").write_text(json.dumps(audit))
    with pytest.raises(DataError) as caught:
        load_run(run)
    assert len(caught.value.faults) == 3
    assert "did you mean 'ORIGIN'?" in str(caught.value)
    assert "did you mean 'clear'?" in str(caught.value)


def test_damaged_number_names_its_line(make_run: Make) -> None:
    run = make_run(n=24)
    path = run / "tables" / "scores.tsv"
    lines = path.read_text().splitlines()
    lines[3] = lines[3].rsplit("\t", 1)[0] + "\tabc"
    path.write_text("\n".join(lines))
    with pytest.raises(DataError, match=r"scores\.tsv:4: logit is 'abc', not a number"):
        load_run(run)


def test_missing_column_is_named(make_run: Make) -> None:
    run = make_run(n=24)
    (run / "tables" / "relevance.tsv").write_text("arm\tlabel\tregion\nx\ty\tz\n")
    with pytest.raises(DataError, match=r"relevance\.tsv:1: no column 'share'"):
        load_run(run)


def test_damaged_arrays(make_run: Make) -> None:
    run = make_run(n=24)
    (run / "maps" / "overlays.npz").write_bytes(b"PK not a zip")
    with pytest.raises(DataError, match=r"overlays\.npz: not readable as arrays"):
        load_run(run)


def test_counts_by_class_and_origin(make_run: Make) -> None:
    records = load_run(make_run(regime="nested", n=60))
    counts = class_by_origin(records, "origin")
    assert list(counts.columns) == ["healthy", "ms"]
    assert counts.loc["ofsep-lyon"].tolist() == [0, 15]
    assert counts.to_numpy().sum() == 60
    assert counts.sum(axis=1).is_monotonic_decreasing


def test_counts_fall_back_on_the_design(make_run: Make) -> None:
    run = make_run(regime="nested", n=60)
    before = class_by_origin(load_run(run), "origin")
    (run / "tables" / "subjects.tsv").unlink()
    after = class_by_origin(load_run(run), "origin")
    assert after.to_dict() == before.to_dict()


def test_text_that_looks_missing_stays_text(make_run: Make) -> None:
    run = make_run(n=24)
    path = run / "tables" / "subjects.tsv"
    path.write_text(path.read_text().replace("ixi-guys", "NA"))
    assert class_by_origin(load_run(run), "origin").loc["NA"].sum() == 12


def test_scores_are_those_of_the_target_on_whole_images(make_run: Make) -> None:
    run = make_run(n=24)
    with (run / "tables" / "scores.tsv").open("a") as stream:
        stream.write("intensity\torigin\toriginal\toriginal\thealthy\tsub-ms001\t0\t9\n")
        stream.write("intensity\ttarget\tbackground\toriginal\t\tsub-ms001\t0\t9\n")
    scores = score_table(load_run(run), "origin")
    assert len(scores) == 48
    assert scores["logit"].max() < 9


def test_estimates_of_every_arm(make_run: Make) -> None:
    estimates = estimate_table(load_run(make_run(arms=("intensity", "tissue"), n=24)))
    assert set(estimates["quantity"]) == {"auc", "reliance", "truth", "lesion_gain", "origin_auc"}
    assert len(estimates) == 10


def test_positive_class(make_run: Make) -> None:
    run = make_run(n=24)
    assert positive_class(load_run(run)) == "ms"
    (run / "tables" / "subjects.tsv").unlink()
    assert positive_class(load_run(run)) == "ms"


def test_report_into_a_file_named_figures(make_run: Make) -> None:
    run = make_run(n=24)
    (run / "figures").write_text("")
    with pytest.raises(UsageError, match="not written by biasaudit, which would overwrite it"):
        write_report(run)
    assert (run / "figures").read_text() == ""
