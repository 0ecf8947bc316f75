"""What U1 says of many origins beside its test: whether folds agree, and where that is not asked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from checks.asking import judge

from biasaudit.checks.taught import agreement_details, prevalence_details


def many_origins(evidence, effect):
    """Six origins; those of odd number are moved by `effect` in every fold."""
    codes = np.arange(evidence.positive.size) // 2 % 6
    return replace(evidence, origin=np.array(list("abcdef"))[codes], logit=evidence.logit + effect * (codes % 2))


def fixed(evidence):
    return np.empty((evidence.positive.size, 0))


def test_folds_that_answer_to_many_origins_alike_are_said_to_agree(planted, protocol):
    evidence = planted(n=600)
    alike = judge("U1", many_origins(evidence, 1.5), protocol)[0].details
    assert alike["agreed_p"] < 0.05
    assert 0.1 < alike["agreed_low"] < alike["agreed"] < 0.6
    apart = judge("U1", many_origins(evidence, 0.0), protocol)[0].details
    assert apart["agreed_p"] > 0.05
    assert apart["agreed_low"] == 0


def test_one_network_for_all_folds_agrees_with_itself_and_is_not_asked(planted, protocol):
    evidence = many_origins(planted(n=600), 1.5)
    for one_network in (True, False):
        given = replace(evidence, one_network=one_network)
        assert bool(agreement_details(given, fixed(given), protocol)) != one_network


def test_two_origins_are_not_asked(planted, protocol):
    evidence = planted(n=200)
    assert agreement_details(evidence, fixed(evidence), protocol) == prevalence_details(None) == {}
