"""The ladder: a disease that is learned but not too easily, then clean and planted copies in a fixed order."""

from __future__ import annotations

import math

import pytest

from biasaudit.calibration.own.copies import FAMILIES
from biasaudit.calibration.own.ladder import LEARNED, Outcome, chosen_diseases, next_round

KINDS = ("tone", "blur", "glyph", "noise")


def climbed(network, rounds=8, kinds=KINDS):
    """Audit by a rule in place of networks: `network(copy)` gives the AUC and the reliance."""
    done, copies = {}, []
    for _ in range(rounds):
        batch = next_round(done, kinds)
        copies += batch
        done |= {copy.name: Outcome(*network(copy)) for copy in batch}
    return done, copies


def learns_at(strength):
    return lambda copy: (min(1.0, 0.5 + 0.45 * copy.disease / strength), 0.0)


@pytest.mark.parametrize("hard", [0.25, 0.5, 1.0, 2.0, 4.0])
def test_a_disease_is_as_strong_as_the_network_needs_it(hard):
    done, copies = climbed(learns_at(hard))
    chosen = chosen_diseases(done)
    assert set(chosen) == {"focal", "diffuse"}
    for strength in chosen.values():
        assert LEARNED[0] <= learns_at(hard)(type("Copy", (), {"disease": strength}))[0] <= LEARNED[1]
    clean = [copy for copy in copies if copy.role == "clean"]
    assert {copy.disease for copy in clean} == set(chosen.values())


def test_a_disease_that_is_never_learned_ends_the_search():
    done, copies = climbed(lambda copy: (0.6, 0.0))
    assert chosen_diseases(done) == {}
    assert next_round(done, KINDS) == []
    assert len(copies) == len({copy.name for copy in copies}) <= 12


def test_one_look_is_enough():
    done, copies = climbed(lambda copy: (0.95 if copy.look == "focal" else math.nan, 0.0))
    assert set(chosen_diseases(done)) == {"focal"}
    assert {copy.look for copy in copies if copy.role != "disease"} == {"focal"}


def test_a_disease_that_is_always_too_easy_is_taken_at_its_hardest():
    done, copies = climbed(lambda copy: (1.0, 0.0))
    assert set(chosen_diseases(done).values()) == {0.125}
    assert sum(copy.role == "disease" for copy in copies) == 6


def test_between_too_hard_and_too_easy_the_weakest_that_is_learned_is_taken():
    done, copies = climbed(lambda copy: (1.0 if copy.disease >= 1 else 0.6, 0.0))
    assert set(chosen_diseases(done).values()) == {1.0}
    assert sum(copy.role == "disease" for copy in copies) == 4


def test_every_family_is_among_the_clean_copies():
    _, copies = climbed(lambda copy: (0.95, 0.0))
    clean = [copy for copy in copies if copy.role == "clean"]
    assert len(clean) >= 20
    assert {copy.family for copy in clean} == set(FAMILIES)
    assert {(copy.family, copy.look) for copy in clean} == {
        (f, look) for f in FAMILIES for look in ("focal", "diffuse")
    }


def test_a_signature_grows_until_it_is_taken_up():
    _, copies = climbed(lambda copy: (0.95, 0.6 if copy.kind == "tone" or copy.strength > 3 else 0.1))
    steps = {kind: [c.strength for c in copies if c.kind == kind][:2] for kind in KINDS}
    assert steps["tone"] == [2.0, 2.0]  # taken up at once; the next time it is its turn, another copy
    assert steps["blur"] == steps["noise"] == [2.0, 4.0]
    assert steps["glyph"] == [1.0, 1.0]  # opaque: it can be no stronger
    assert [c.confounding for c in copies if c.kind == "glyph"][:2] == [0.8, 0.95]


def test_names_are_never_given_twice_and_rounds_do_not_depend_on_how_they_are_run():
    network = lambda copy: (0.95, 0.3)  # noqa: E731
    done, copies = climbed(network, rounds=12)
    assert len({copy.name for copy in copies}) == len(copies)
    assert climbed(network, rounds=12)[1] == copies
    kept = {name: done[name] for name in list(done)[:2]}
    assert next_round(kept, KINDS) == next_round(dict(reversed(kept.items())), KINDS)


def test_any_first_part_of_a_round_holds_clean_and_planted_copies():
    done, _ = climbed(lambda copy: (0.95, 0.3), rounds=1)
    assert [copy.role for copy in next_round(done, KINDS)[:2]] == ["clean", "planted"]
