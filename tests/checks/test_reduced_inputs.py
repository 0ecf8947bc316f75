"""A2: is the label predictable from inputs that do not show the marked pathology?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from checks.asking import judge

from biasaudit.reliance import corroboration


def test_a2_separates_predictable_inputs_from_silent_ones(planted, protocol):
    evidence = planted(n=900, reduced={}, reduced_skipped={"background": "empty outside the brain"})
    noise = np.random.default_rng(3).normal(size=(2, 900))
    reduced = {"silhouette": noise[0] + 1.5 * evidence.positive, "erased": noise[1]}
    findings = {f.input: f for f in judge("A2", replace(evidence, reduced=reduced), protocol)}
    assert findings["silhouette"].status == "concern"
    assert findings["erased"].status == "clear"
    assert findings["background"].status == "not_applicable"


def test_shuffled_intensities_take_no_power_from_the_others_and_corroborate_nothing(planted, protocol):
    evidence = planted(n=400, masks=False)
    noise = np.random.default_rng(3).normal(size=(2, 400))
    reduced = {"silhouette": noise[0] + 0.2 * evidence.positive, "shuffled": noise[1] + 2 * evidence.positive}
    alone, both = (
        {f.input: f for f in judge("A2", replace(evidence, reduced=own), protocol)}
        for own in ({"silhouette": reduced["silhouette"]}, reduced)
    )
    assert both["silhouette"] == alone["silhouette"]
    assert both["shuffled"].status == "concern"
    assert not both["shuffled"].remedy
    assert corroboration([both["shuffled"]]) == ()
    assert corroboration([replace(both["shuffled"], input="silhouette")]) == ("A2",)


def test_a2_is_not_lulled_by_offsets_between_folds(planted, protocol):
    evidence = planted(n=400)
    generator = np.random.default_rng(3)
    scores = 1.5 * evidence.positive + generator.normal(size=400) + 40 * generator.normal(size=5)[evidence.fold]
    (finding,) = judge("A2", replace(evidence, reduced={"background": scores}), protocol)
    assert finding.status == "concern"
    assert finding.statistic > 0.75
