from __future__ import annotations

from types import SimpleNamespace

from biasaudit.cohort.images.lesion_maps import lesion_map_faults, with_common_maps
from biasaudit.records import Cohort, Sample


def sample(number: int, *, positive: bool, maps: int = 4) -> Sample:
    label = "ms" if positive else "healthy"
    tissue = tuple(f"{number}-{name}.nii" for name in ("gm", "wm", "csf", "lesion")[:maps])
    return Sample(
        f"s{number}", (f"{number}.nii",), label, positive, {"site": "a"}, tissue=tissue, where=f"t.tsv:{number}"
    )


def faults(*filled: bool) -> list[str]:
    """Faults of a cohort whose odd subjects are patients, some maps empty."""
    samples = tuple(sample(number, positive=number % 2 == 1) for number in range(len(filled)))
    facts = {s.tissue[-1]: SimpleNamespace(maximum=float(own)) for s, own in zip(samples, filled, strict=True)}
    cohort = Cohort(samples, ("healthy", "ms"), ("site",), 3, 1)
    return [str(fault) for fault in lesion_map_faults(cohort, facts)]


def test_a_map_that_is_empty_in_one_class_is_refused():
    (fault,) = faults(False, True, False, True)
    assert fault.startswith("t.tsv:0: the lesion map is empty in all 2 images of class 'healthy'")
    assert "run blind to the class" in fault


def test_one_healthy_subject_in_whom_a_tool_found_something_is_enough():
    assert faults(False, True, True, False) == []


def test_maps_without_any_lesion_tell_nothing():
    assert faults(False, False) == []


def test_maps_of_some_are_left_out_and_named():
    samples = [sample(0, positive=False, maps=3), sample(1, positive=True)]
    kept, notes = with_common_maps(samples)
    assert [len(own.tissue) for own in kept] == [3, 3]
    assert "lesion probability maps of 1 of 2 images are not used" in notes[0]


def test_maps_of_all_are_kept():
    samples = tuple(sample(number, positive=number > 0) for number in range(2))
    assert with_common_maps(samples) == (samples, [])
