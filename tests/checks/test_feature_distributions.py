"""U3: are the hidden features of one class distributed differently between origins?"""

from __future__ import annotations

from checks.asking import judge


def test_u3_names_the_layer_that_differs_and_never_clears(planted, furnished, protocol):
    findings = {(f.class_name, f.layer): f for f in judge("U3", furnished(planted(n=200)), protocol)}
    assert findings["healthy", "block1"].status == "concern"
    assert findings["healthy", "block2"].status == "inconclusive"
    quiet = judge("U3", furnished(planted(n=200), strength=0.0), protocol)
    assert {f.status for f in quiet} == {"inconclusive"}
