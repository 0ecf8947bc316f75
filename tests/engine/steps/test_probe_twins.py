"""Which probes show a subject of the audit."""

from __future__ import annotations

from engine.folders import folders

from biasaudit.engine.arguments.data import ProbeTwinsArguments
from biasaudit.engine.jobs.json_files import read_json
from biasaudit.engine.steps.probe_twins import probe_twins
from biasaudit.protocol import Protocol


def test_a_subject_rendered_at_another_site_is_found_among_the_probes_and_no_other(rendered, tmp_path, read_blocks):
    volumes, sites = rendered
    audited, probes = range(24), range(22, len(volumes))  # the first two are audited images themselves
    thresholds = Protocol.model_validate({"cohort": {"reader": "phantom"}}).leakage
    arguments = ProbeTwinsArguments(
        tuple(sites[row] for row in audited),
        tuple(sites[row] for row in probes),
        thresholds.height,
        thresholds.correlation,
    )
    places = {name: tmp_path / name for name in ("audited", "probes")}
    for place in places.values():
        place.mkdir()
    read = folders(
        read=read_blocks(places["audited"], [volumes[row] for row in audited]),
        probes=read_blocks(places["probes"], [volumes[row] for row in probes]),
    )
    probe_twins(arguments, read, tmp_path)
    found = {record["probe"]: record["row"] for record in read_json(tmp_path / "twins.json")}
    assert found == {0: 22, 1: 23, 2: 0, 3: 1, 4: 2, 5: 3}
