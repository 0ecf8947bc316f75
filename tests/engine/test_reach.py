"""The verdicts that an audit can reach, said before anything is trained."""

from __future__ import annotations

from dataclasses import replace

import pytest

from biasaudit.engine.reach import reach_lines


@pytest.fixture
def told(situation):
    """What is said of sixty subjects, some of whose properties are changed."""

    def tell(origin, *, extra="", masked=False, dimensions=2, **cohort):
        own = situation(extra, masked=masked)
        samples = tuple(
            replace(sample, origins={"site": origin(sample.positive, row)})
            for row, sample in enumerate(own.cohort.samples)
        )
        return reach_lines(replace(own, cohort=replace(own.cohort, samples=samples, dimensions=dimensions, **cohort)))

    return tell


def crossed(positive, row):
    return "ab"[row // 2 % 2]


def aliased(positive, row):
    return "ab"[positive]


def nested(positive, row):
    return f"{'ab'[positive]}{row % 4}"


ALL = "this design can reach ORIGIN, MIXED, PATHOLOGY or UNDETERMINED"
PROBES = "some 20-40 healthy images of the patients' source (`cohort.probes`)"
MASKS = "a pathology mask of every patient (`cohort.mask`)"
BOTH = "images of both classes from one origin"


def test_a_crossed_design_can_reach_all(told):
    assert told(crossed) == [f"site: {ALL}"]


@pytest.mark.parametrize("origin", [aliased, nested])
def test_without_anything_declared_nothing_can_be_said_and_the_line_says_what_would_help(told, origin):
    assert told(origin) == [
        "site: this design can reach UNDETERMINED; "
        f"ORIGIN, MIXED or PATHOLOGY would take {PROBES} or {MASKS} or {BOTH}; "
        "MIXED would take a declared disease field (`cohort.field`)"
    ]


def test_volumes_can_convict_by_transfer_and_need_more_to_be_cleared(told):
    (line,) = told(aliased, dimensions=3)
    assert line == (
        f"site: this design can reach ORIGIN, MIXED or UNDETERMINED; PATHOLOGY would take {PROBES} or {MASKS} or {BOTH}"
    )


def test_masks_reach_all(told):
    assert told(aliased, masked=True) == [f"site: {ALL}"]


def test_probes_reach_all_if_they_are_healthy_and_of_the_patients_source(told, situation):
    healthy = next(sample for sample in situation().cohort.samples if not sample.positive)
    probes = [replace(healthy, subject=f"p{n}", origins={"site": "b"}) for n in range(20)]
    assert told(aliased, probes=tuple(probes)) == [f"site: {ALL}"]
    assert "can reach UNDETERMINED;" in told(aliased, probes=tuple(probes[:2]))[0]  # too few to tell anything
    unlike = tuple(replace(probe, origins={"site": "a"}) for probe in probes)
    assert "can reach UNDETERMINED;" in told(aliased, probes=unlike)[0]
    ill = next(sample for sample in situation(masked=False).cohort.samples if sample.positive)
    others = tuple(replace(ill, subject=f"p{n}", origins={"site": "a"}) for n in range(20))
    assert "can reach ORIGIN, MIXED or UNDETERMINED; PATHOLOGY would take" in told(aliased, probes=others)[0]


def test_one_origin_needs_a_second(told):
    assert told(lambda positive, row: "a") == [
        "site: this design can reach UNDETERMINED; ORIGIN, MIXED or PATHOLOGY would take images of both classes from a "
        "second origin"
    ]


def test_checks_that_are_not_asked_reach_nothing(told):
    assert told(crossed, extra="checks: [D1, G1]\n") == [
        "site: this design can reach UNDETERMINED; ORIGIN, MIXED or PATHOLOGY would take `checks: default`"
    ]
    assert "(PATHOLOGY provisionally, since no spike-in" in told(crossed, extra="checks: [D1, G1, U1]\n")[0]


def test_features_have_no_pixels_to_edit(told):
    (line,) = told(aliased, features=("a", "b"))
    assert line == (f"site: this design can reach UNDETERMINED; ORIGIN, MIXED or PATHOLOGY would take {BOTH}")


def test_too_few_permutations_for_so_many_tests_are_said(told):
    few = (
        "statistics: {n_permutations: 99, n_bootstraps: 99, scope: SCOPE}\narms: [intensity, silhouette, background]\n"
    )
    assert told(crossed, extra=few.replace("SCOPE", "verdict")) == [f"site: {ALL}"]
    assert told(crossed, masked=True, extra=few.replace("SCOPE", "audit"))[1] == (
        "nothing can flag: 9 tests or more are corrected together (statistics.scope: audit), and no p-value can be "
        "below 0.01; set n_permutations and n_bootstraps to 179 or more"
    )


def test_too_few_subjects_for_so_many_tests_are_said(told):
    for scope, said in (("verdict", "site: nothing can flag: 2 tests"), ("audit", "nothing can flag: 4 tests")):
        line = told(
            lambda positive, row: "ab"[positive or row == 0],
            extra=f"arms: [intensity, silhouette]\nstatistics: {{scope: {scope}}}\n",
        )[1]
        assert line.startswith(said)
        assert line.endswith("bring more subjects of each class and origin, or fewer arms and origin factors")
