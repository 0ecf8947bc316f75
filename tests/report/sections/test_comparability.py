from __future__ import annotations

import json

from biasaudit.report.sections.comparability import ComparabilitySection
from biasaudit.run_folder.reading import load_run


def with_balance(run, balance):
    audit = json.loads((run / "audit.json").read_text())
    finding = dict(audit["arms"][0]["findings"][0]) | {"code": "D4", "class": "healthy", "status": "concern"}
    finding["details"] = {"balance": balance, "sensitivity": "an unmeasured difference would have to be strong"}
    audit["arms"][0]["findings"].append(finding)
    (run / "audit.json").write_text(json.dumps(audit))
    return ComparabilitySection().content(load_run(run))


def test_one_row_per_covariate(make_run):
    age = {"covariate": "age", "between": ["a", "b"], "difference": -0.31, "variance_ratio": 1.2, "missing": [0.0, 0.1]}
    room = {**age, "covariate": "room", "difference": None, "variance_ratio": None}
    content = with_balance(make_run(n=24), [age, room])
    first, second = content["rows"]
    assert (first["difference"], first["size"], first["missing"]) == ("−0.31", "large", "0\u202f% / 10\u202f%")
    assert (second["difference"], second["ratio"]) == ("no overlap", "–")
    assert "unmeasured" in content["notes"][0]


def test_nothing_known_no_section(make_run):
    assert with_balance(make_run(n=24), []) is None
