"""What can be reached is what `decide` says of random outcomes of the same checks, and nothing is left out."""

import numpy as np
import pytest

from biasaudit.protocol import Protocol
from biasaudit.records import Finding, Flag, Share
from biasaudit.verdict import Design, decide
from biasaudit.verdict.reach import Reach, Witness, reach

PROTOCOL = Protocol.model_validate({"cohort": {"reader": "phantom"}})
G1, G3, A2, U1 = Witness("G1"), Witness("G3"), Witness("A2"), Witness("U1")
HEALTHY, U4, P1 = Witness("U1", healthy=True), Witness("U4"), Witness("P1", healthy=True)
FIELD = [Witness("U13", bound=True), Witness("U14", bound=True)]

ORIGIN, MIXED, PATHOLOGY = "ORIGIN", "MIXED", "PATHOLOGY"
OPEN = "UNDETERMINED"
CROSSED, ALIASED = Design("crossed", False, False), Design("aliased", False, False)

TABLE = [
    ("crossed", CROSSED, [G1, G3, U1], (ORIGIN, MIXED, PATHOLOGY, OPEN)),
    ("crossed, severity unknown", CROSSED, [G1, G3, Witness("U1", may_flag=False)], (PATHOLOGY, OPEN)),
    ("aliased, nothing", ALIASED, [G1, G3, A2], (OPEN,)),
    ("nested, nothing", Design("nested", False, False), [G1, G3, A2, HEALTHY], (OPEN,)),
    ("aliased, probes", ALIASED, [G1, A2, P1], (ORIGIN, MIXED, PATHOLOGY, OPEN)),
    ("aliased, ill probes", ALIASED, [G1, Witness("P1", bound=True)], (ORIGIN, MIXED, OPEN)),
    ("aliased, few sources probed", ALIASED, [G1, Witness("P1", bound=True, most=0.4)], (MIXED, OPEN)),
    ("aliased, masks", Design("aliased", True, False), [G1, G3, A2, U4], (ORIGIN, MIXED, PATHOLOGY, OPEN)),
    ("aliased, masks, no A2", Design("aliased", True, False), [G1, G3, U4], (OPEN,)),
    ("aliased, complete masks, no A2", Design("aliased", True, True), [G1, G3, U4], (ORIGIN, MIXED, OPEN)),
    ("aliased, a field", ALIASED, [G1, *FIELD], (MIXED, OPEN)),
    ("aliased, transfer", ALIASED, [G1, Witness("U5", bound=True)], (ORIGIN, MIXED, OPEN)),
    ("single", Design("single", True, True), [G1, G3, A2, U4, U1], (OPEN,)),
    ("competence not asked", CROSSED, [U1], (OPEN,)),
]  # fmt: skip


@pytest.mark.parametrize(("case", "design", "witnesses", "words"), TABLE, ids=[row[0] for row in TABLE])
def test_what_can_be_reached(case, design, witnesses, words):
    assert reach(design, witnesses, PROTOCOL).words == words


def random_finding(witness: Witness, chance: np.random.Generator) -> Finding:
    """What a check may find in earnest, of any size and certainty."""
    if witness.code in ("G1", "G3"):
        return Finding(witness.code, str(chance.choice(["clear", "inconclusive"])), "so it is")
    if witness.code == "A2":
        return Finding("A2", str(chance.choice(["clear", "concern", "inconclusive"])), "x", 0.8, input="background")
    share = witness.most * chance.random()
    low, high = max(0.0, share - chance.random() / 2), min(1.0, share + chance.random() / 2)
    stated = Share(low=low) if witness.bound else Share(share, low, high)
    flag = Flag(witness.may_flag, bool(chance.random() < 0.5), witness.healthy, None, stated)
    status = str(chance.choice(["clear", "concern", "inconclusive"]))
    p_value = float(chance.choice([0.001, 0.5]))
    high_or_none = None if witness.bound else high
    return Finding(witness.code, status, "x", share, low, high_or_none, p_value, flag=flag, n=20, class_name=None)


@pytest.mark.parametrize(("case", "design", "witnesses", "words"), TABLE, ids=[row[0] for row in TABLE])
def test_no_outcome_of_these_checks_gives_another_verdict(case, design, witnesses, words):
    chance = np.random.default_rng(0)
    for _ in range(150):
        findings = [random_finding(witness, chance) for witness in witnesses]
        assert decide(findings, design, "site", PROTOCOL).word in words


def test_without_the_spike_in_a_pathology_is_provisional():
    design = Design("crossed", False, False)
    assert not reach(design, [G1, G3, U1], PROTOCOL).provisional
    assert reach(design, [G1, U1], PROTOCOL) == Reach((ORIGIN, MIXED, PATHOLOGY, OPEN), provisional=True)
    assert not reach(ALIASED, [G1, P1], PROTOCOL).provisional
