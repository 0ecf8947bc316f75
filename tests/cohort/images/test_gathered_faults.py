from biasaudit.cohort.images.gathered_faults import one_line_each
from biasaudit.errors import Fault

PATHS = [f"/data/{n}.png" for n in range(5)]


def test_more_than_three_of_a_kind_are_one_line():
    faults = [Fault(f"t.tsv:{n + 2}", f"{path}: odd", "mend it") for n, path in enumerate(PATHS)]
    (one,) = one_line_each(faults, PATHS)
    assert str(one) == "t.tsv:2: /data/0.png: odd (5 files: 0.png, 1.png, 2.png and 2 more); mend it"
    assert one_line_each(faults[:3], PATHS) == faults[:3]


def test_what_differs_stays_apart():
    faults = [Fault(f"t.tsv:{n}", f"{path}: {n}", "mend it") for n, path in enumerate(PATHS)]
    faults += [Fault("t.tsv", "here: odd", "mend it") for _ in range(4)]
    assert one_line_each(faults, PATHS) == faults
