from __future__ import annotations

from dataclasses import replace

import pytest
from markupsafe import Markup

from biasaudit.report.own_words import in_own_words, knows_class, masks_given
from biasaudit.report.pictures import Picture
from biasaudit.report.render import html_page
from biasaudit.run_folder.reading import load_run

PAGE = "<p>Voxelwise maps: 3 voxels, voxelwise.</p><script>voxel</script><img src='data:voxel,/a'>"


@pytest.fixture
def records(make_run):
    run = load_run(make_run(regime="nested", n=24, maps=False))

    def build(shape=(8, 8, 8), *, features=(), notes=(), regime="aliased", masked=True):
        audit = {
            **run.audit,
            "cohort": {**run.audit["cohort"], "grid": {"shape": list(shape), "affine": None}},
            "design": {**run.audit["design"], "regime": regime},
            "settings": {**run.audit["settings"], "cohort": {"features": list(features)}},
            "notes": list(notes),
        }
        subjects = run.subjects.assign(mask_voxels="7" if masked else "0")
        return replace(run, audit=audit, subjects=subjects)

    return build


def test_volumes_have_voxels(records):
    assert in_own_words(PAGE, records()) == PAGE


def test_pictures_have_pixels_and_features_are_features(records):
    own = "<p>Pixelwise maps: 3 pixels, pixelwise.</p><script>voxel</script><img src='data:voxel,/a'>"
    assert in_own_words(PAGE, records((8, 8))) == own
    told = in_own_words(PAGE, records((8, 1), features=["a"]))
    assert told.startswith("<p>Featurewise maps: 3 features, featurewise.</p>")
    known = in_own_words("Nothing is known beside the pixels that differs between images.", records(features=["a"]))
    assert known == "Nothing is known beside the features that differs."


def test_names_that_users_gave_stay_as_they_are(records):
    run = records((8, 8))
    run.audit["cohort"] |= {"origins": {"site": {"Voxel Labs & Co": 3, "voxel": 2}}}
    page = "<td>Voxel Labs &amp; Co</td><a href='tables/voxelwise.tsv'>3 voxels</a>"
    assert in_own_words(page, run) == "<td>Voxel Labs &amp; Co</td><a href='tables/voxelwise.tsv'>3 pixels</a>"


def test_a_frame_is_called_a_frame_and_its_overlap_says_nothing(records):
    text = (
        "The label is predictable from what lies outside the anatomy alone; "
        "alignment: median overlap of the foregrounds 1.00, correlation with the cohort mean 0.66"
    )
    framed = records((8, 8), notes=["foreground of 9 images: the central 75 %; the background is the outer frame"])
    assert in_own_words(text, framed) == (
        "The label is predictable from the outer frame of the pictures alone; "
        "alignment: correlation with the cohort mean 0.66"
    )
    assert in_own_words(text, records((8, 8))) == text


def test_units_know_the_pathology_only_where_it_is_marked(records):
    assert knows_class(records()) == "pathology"
    assert knows_class(records(masked=False)) == "class (= origin)"
    assert knows_class(records(masked=False, regime="crossed")) == "class"
    assert not masks_given(records(masked=False))


def test_the_page_of_features_speaks_of_no_image(make_run):
    """Nothing of them is a lesion, a region or an image as it is."""
    run = load_run(make_run(regime="crossed", n=24))
    shown = in_own_words(html_page(run, {}), run)
    assert "bias audit of an image classifier" in shown
    settings = {**run.audit["settings"], "cohort": {"features": ["a"]}}
    scores = run.scores[run.scores["variant"] == "original"]
    table = replace(run, audit={**run.audit, "settings": settings}, scores=scores)
    picture = Picture(Markup('<img src="data:,">'), "", "intensity")
    told = in_own_words(html_page(table, {"scores": [picture], "relevance": [picture]}), table)
    assert "bias audit of a classifier of features" in told
    assert "Relevance by feature" in told
    for word in (
        "an image comes from",
        "Hollow",
        "image as it is",
        "Regions differ",
        "on the lesion",
        "its images came",
    ):
        assert word not in told
