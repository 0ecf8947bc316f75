"""Probes: read as the cohort is, placed among its classes and origins, and refused where they tell nothing."""

from __future__ import annotations

import pytest

from biasaudit.cohort.readers.bids import BidsReader
from biasaudit.cohort.readers.new_images import manifest_settings
from biasaudit.cohort.readers.probes import probe_notes, read_probes, without_probes
from biasaudit.cohort.readers.table import TableReader
from biasaudit.errors import DataError
from biasaudit.protocol import BidsCohort, PhantomCohort, TableCohort

HEADER = "subject\timage\tlabel\torigin"
ROWS = [f"s{k}\t{k}.png\t{'ms' if k % 2 else 'healthy'}\t{'lyon' if k % 2 else 'london'}" for k in range(8)]
PROBES = ["p1\tp1.png\thealthy\tlyon", "p2\tp2.png\thealthy\tlyon"]


@pytest.fixture
def asked(table):
    """Read a cohort and its probes."""

    def read(probes, rows=ROWS, **settings):
        known = {"label": {"positive": "ms"}, "origins": ["origin"], "min_origin_size": 1}
        given = {"table": table([HEADER, *rows]), **known, **settings}
        cohort_settings = TableCohort.model_validate({"reader": "table", "probes": probes, **given})
        cohort = TableReader().read(without_probes(cohort_settings))
        return cohort, read_probes(cohort_settings, cohort)

    return read


def faults(asked, *arguments, **settings):
    with pytest.raises(DataError) as caught:
        asked(*arguments, **settings)
    return [str(fault) for fault in caught.value.faults]


def test_a_table_of_probes_is_read_with_the_columns_of_the_cohort(asked, table):
    cohort, probes = asked({"table": table([HEADER, *PROBES], "probes.tsv")})
    assert len(cohort.samples) == 8
    assert [(sample.subject, sample.label, sample.positive) for sample in probes] == [
        ("p1", "healthy", False),
        ("p2", "healthy", False),
    ]
    assert probes[0].origins == {"origin": "lyon"}
    assert not probes[0].has_mask


def test_a_filter_takes_its_rows_out_of_the_cohort(asked):
    rows = [*ROWS, *PROBES]
    cohort, probes = asked({"where": "origin == 'lyon' and label == 'healthy'"}, rows, select="subject != 's0'")
    assert [sample.subject for sample in cohort.samples] == [f"s{k}" for k in range(1, 8)]
    assert [sample.subject for sample in probes] == ["p1", "p2"]


def test_small_origins_of_probes_are_pooled_as_those_of_the_cohort(asked, table):
    rows = [*ROWS, "s8\t8.png\tms\tnice", "s9\t9.png\tms\tparis"]
    probes = table([HEADER, "p1\tp1.png\thealthy\tnice"], "probes.tsv")
    cohort, (probe,) = asked({"table": probes}, rows, min_origin_size=2)
    assert probe.origins["origin"] == cohort.samples[-1].origins["origin"] != "nice"


def test_a_class_that_joins_several_labels_takes_any_other_label(asked, table):
    rows = [row.replace("healthy", "control" if "s0" in row else "healthy") for row in ROWS]
    cohort, (probe,) = asked({"table": table([HEADER, "p1\tp.png\thealthy\tlyon"], "probes.tsv")}, rows)
    assert cohort.classes == ("not ms", "ms")
    assert probe.label == "not ms"


def test_probes_without_a_label_need_a_largest_prevalence(asked, table):
    path = table([HEADER, "p1\tp1.png\t\tlyon"], "probes.tsv")
    _, (probe,) = asked({"table": path, "max_prevalence": 0.3})
    assert (probe.label, probe.positive) == ("", False)
    (fault,) = faults(asked, {"table": path})
    assert "probes.tsv:2: probe without a label" in fault
    assert "max_prevalence" in fault


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("s1\tnew.png\thealthy\tlyon", "probe 's1' is a subject of the cohort"),
        ("p1\t1.png\thealthy\tlyon", "probe 'p1' shows an image of the cohort"),
        ("p1\tp1.png\tnmo\tlyon", "which the cohort does not have"),
        ("p1\tp1.png\thealthy\t", "probe without an origin in column 'origin'"),
        (
            "p1\tp1.png\thealthy\tLyon",
            "no probe comes from an origin of the cohort: origin is Lyon; did you mean 'lyon'?",
        ),
    ],
)
def test_what_tells_nothing_is_refused_in_one_line_with_its_place(asked, table, row, expected):
    (fault,) = faults(asked, {"table": table([HEADER, row], "probes.tsv")})
    assert "probes.tsv:2: " in fault
    assert expected in fault


def test_all_faults_at_once(asked, table):
    rows = ["s1\tnew.png\thealthy\tlyon", "p1\tp1.png\t\tlyon", "p2\tp2.png\thealthy\t"]
    assert len(faults(asked, {"table": table([HEADER, *rows], "probes.tsv")})) == 3


def test_a_filter_that_cannot_be_read_is_named_as_such(asked):
    (fault,) = faults(asked, {"where": "place == 'lyon'"})
    assert "no column 'place'" in fault


def test_readers_without_files_take_no_probes():
    phantom = PhantomCohort.model_validate({"reader": "phantom", "probes": {"table": "p.tsv"}})
    with pytest.raises(DataError, match="takes no probes"):
        without_probes(phantom)


def test_probes_need_images_and_roots_need_bids(table):
    known = {"reader": "table", "table": table([HEADER, *ROWS]), "label": {"positive": "ms"}, "origins": ["origin"]}
    with pytest.raises(DataError, match="belongs to the reader bids"):
        without_probes(TableCohort.model_validate({**known, "probes": {"roots": "more"}}))
    with pytest.raises(DataError, match="has none"):
        without_probes(TableCohort.model_validate({**known, "score": "s", "probes": {"table": "p.tsv"}}))


def test_notes_count_the_probes_and_name_a_third_source(asked, table):
    path = table([HEADER, *PROBES, "p3\tp3.png\thealthy\trome"], "probes.tsv")
    cohort, probes = asked({"table": path})
    counted, foreign = probe_notes(type(cohort)(**{**vars(cohort), "probes": probes}))
    assert counted == "3 probes, never trained on and only scored: 2 healthy from lyon, 1 healthy from rome"
    assert foreign.startswith("probes from rome say nothing")


def test_roots_of_probes_are_read_as_the_datasets_of_the_cohort(tmp_path):
    people = {"one": ["01\thc", "02\tms"], "more": ["11\thc"]}
    for name, rows in people.items():
        (tmp_path / name).mkdir()
        lines = ["participant_id\tlabel\tsite", *(f"sub-{row}\tb" for row in rows)]
        (tmp_path / name / "participants.tsv").write_text("\n".join(lines) + "\n")
        for row in rows:
            subject = f"sub-{row[:2]}"
            (tmp_path / name / subject / "anat").mkdir(parents=True)
            (tmp_path / name / subject / "anat" / f"{subject}_T1w.nii.gz").touch()
    settings = BidsCohort.model_validate(
        {
            "reader": "bids",
            "roots": [tmp_path / "one"],
            "label": {"positive": "ms"},
            "origins": ["site"],
            "min_origin_size": 1,
            "probes": {"roots": str(tmp_path / "more")},
        }
    )
    cohort = BidsReader().read(without_probes(settings))
    (probe,) = read_probes(settings, cohort)
    assert (probe.subject, probe.label, probe.origins) == ("sub-11", "hc", {"site": "b"})


def test_new_images_of_a_bids_cohort_have_one_column_for_each_channel(tmp_path):
    bids = BidsCohort.model_validate(
        {"reader": "bids", "roots": ["a"], "suffix": ["T1w", "FLAIR"], "label": {"positive": "ms"}}
    )
    settings = manifest_settings(bids, tmp_path / "more.tsv")
    assert settings.image == ["image_T1w", "image_FLAIR"]
    assert settings.origins == ["dataset"]


def test_a_later_table_corrects_an_earlier_one(asked, table):
    first = table([HEADER, *PROBES], "probes.tsv")
    later = table([HEADER, "p2\tp2.png\tms\tlondon"], "more.tsv")
    _, probes = asked({"table": [str(first), str(later)]})
    assert [(each.subject, each.label, each.origins["origin"]) for each in probes] == [
        ("p1", "healthy", "lyon"),
        ("p2", "ms", "london"),
    ]


def test_every_table_is_held_against_the_origins_of_the_cohort(asked, table):
    first = table([HEADER, *PROBES], "probes.tsv")
    later = table([HEADER, "p3\tp3.png\thealthy\tLyon"], "more.tsv")
    (fault,) = faults(asked, {"table": [str(first), str(later)]})
    assert "more.tsv:2: no probe comes from an origin of the cohort" in fault
