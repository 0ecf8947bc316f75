"""Every module has a test: one of its own name in the folder that mirrors its own, or the one that is named here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import pytest
from imports import PACKAGE, ROOT, defines_something, file_of, imported, registered_kinds

TESTS = ROOT / "tests"

COVERED: Mapping[str, tuple[str, ...]] = {
    "": ("functional/test_cli_resume.py",),
    "attributions.captum_layers": ("attributions/test_captum_methods.py",),
    "attributions.captum_rules": (
        "attributions/test_captum_methods.py",
        "attributions.captum_methods",
    ),
    "attributions.captum_table": ("attributions/test_captum_methods.py",),
    "attributions.method": ("attributions/test_expected_gradients.py",),
    "attributions.reach": ("attributions/test_occlusion.py",),
    "attributions.rescale": (
        "attributions/test_planted_patch.py",
        "attributions.deep_lift",
    ),
    "calibration.arguments": (
        "functional/test_cli_calibrate.py",
        "cli.entry",
        "cli.simulated",
        "calibration.run",
    ),
    "calibration.board": ("calibration/test_calibration_rates.py",),
    "calibration.cohort": (
        "functional/test_cli_calibrate.py",
        "cli.entry",
        "cli.simulated",
        "calibration.run",
        "calibration.arguments",
    ),
    "calibration.cohort_table": ("calibration/test_calibration_rates.py",),
    "calibration.grid": ("calibration/test_calibration_grid.py",),
    "calibration.rates": ("calibration/test_calibration_rates.py",),
    "calibration.run": (
        "functional/test_cli_calibrate.py",
        "cli.entry",
        "cli.simulated",
    ),
    "calibration.scoreboard": ("calibration/test_calibration_rates.py",),
    "calibration.summary": ("calibration/test_calibration_rates.py",),
    "checks.layers": (
        "checks/test_check_contract.py",
        "checks.concepts",
    ),
    "checks.origin_score": (
        "checks/test_check_contract.py",
        "checks.map_agreement",
    ),
    "checks.premises": (
        "checks/test_metadata.py",
        "checks.metadata",
    ),
    "cli.components": ("test_docs.py", "cli.entry"),
    "cli.drafts": ("functional/test_cli_init.py", "cli.entry"),
    "cli.endings": ("functional/test_cli_resume.py", "cli.entry", "cli.runs"),
    "cli.entry": ("test_docs.py",),
    "cli.folders": ("functional/test_cli_compare.py", "cli.entry"),
    "cli.images": ("functional/test_cli_explain.py", "cli.entry"),
    "cli.options": ("functional/test_cli_run.py", "cli.entry", "cli.runs"),
    "cli.runs": ("functional/test_cli_run.py", "cli.entry"),
    "cli.simulated": ("functional/test_cli_calibrate.py", "cli.entry"),
    "cohort.images.array_files": ("cohort/images/test_colour.py", "cohort.images.formats"),
    "cohort.images.volume_files": ("cohort/images/test_geometry.py", "cohort.images.formats"),
    "cohort.readers.bids_notes": ("cohort/readers/test_bids_choice.py", "cohort.readers.bids"),
    "cohort.readers.bids_rows": (
        "cohort/readers/test_bids.py",
        "cohort.readers.bids",
    ),
    "cohort.readers.new_images": ("cohort/readers/test_probes.py",),
    "cohort.readers.phantom": ("cohort/simulation/test_phantom.py",),
    "cohort.readers.reader": (
        "contracts/test_contract_reader.py",
        "registry",
    ),
    "protocol.limits": (
        "protocol/test_nonsense.py",
        "protocol.cohort",
    ),
    "comparison.arms": (
        "functional/test_cli_compare.py",
        "cli.entry",
        "cli.folders",
        "comparison.runs",
    ),
    "comparison.record": (
        "functional/test_cli_compare.py",
        "cli.entry",
        "cli.folders",
        "comparison.runs",
    ),
    "comparison.runs": (
        "functional/test_cli_compare.py",
        "cli.entry",
        "cli.folders",
    ),
    "comparison.stored_arm": (
        "functional/test_cli_compare.py",
        "cli.entry",
        "cli.folders",
        "comparison.runs",
    ),
    "drafting.first_look": (
        "drafting/test_initialise.py",
        "drafting.initialise",
    ),
    "drafting.profile": (
        "drafting/test_initialise.py",
        "drafting.initialise",
    ),
    "drafting.profile_bids": ("drafting/test_initialise.py",),
    "drafting.profile_table": (
        "drafting/test_initialise.py",
        "drafting.initialise",
    ),
    "drafting.proposal": (
        "drafting/test_initialise.py",
        "drafting.initialise",
    ),
    "drafting.protocol_text": ("drafting/test_initialise.py",),
    "edits.planting.blur": (
        "edits/planting/test_signature.py",
        "edits.planting.signature",
    ),
    "edits.planting.border": (
        "edits/planting/test_signature.py",
        "edits.planting.signature",
    ),
    "edits.planting.chance": ("edits/planting/test_signature.py",),
    "edits.planting.diffuse": ("edits/planting/test_disease.py",),
    "edits.planting.field": (
        "edits/planting/test_disease.py",
        "edits.planting.focal",
    ),
    "edits.planting.focal": ("edits/planting/test_disease.py",),
    "edits.planting.resampling": (
        "edits/planting/test_signature.py",
        "edits.planting.signature",
    ),
    "edits.planting.ringing": (
        "edits/planting/test_signature.py",
        "edits.planting.signature",
    ),
    "edits.planting.scale": (
        "edits/planting/test_signature.py",
        "edits.planting.signature",
        "edits.planting.tone",
    ),
    "edits.planting.shading": (
        "edits/planting/test_signature.py",
        "edits.planting.signature",
    ),
    "edits.planting.tone": (
        "edits/planting/test_signature.py",
        "edits.planting.signature",
    ),
    "edits.planting.zoom": (
        "edits/planting/test_signature.py",
        "edits.planting.signature",
    ),
    "protocol.phantom": ("cohort/simulation/test_phantom_nulls.py",),
    "protocol.spike_in": ("edits/planting/test_ladder.py",),
    "engine.arguments.data": ("engine/steps/test_metadata.py",),
    "engine.arguments.edits": ("engine/steps/test_spike_in.py",),
    "engine.arguments.hidden_layers": ("engine/steps/test_learned.py",),
    "engine.arguments.inputs": ("engine/steps/test_survey.py",),
    "engine.arguments.maps": ("engine/steps/test_faithfulness.py",),
    "engine.arguments.networks": ("engine/steps/test_layer_gradients.py",),
    "engine.evidence.erased": ("engine/evidence/test_kind.py",),
    "engine.evidence.features": ("engine/evidence/test_kind.py",),
    "engine.evidence.gradients": ("engine/evidence/test_kind.py",),
    "engine.evidence.judgements": (
        "engine/evidence/test_assembly.py",
        "engine.plan",
    ),
    "engine.evidence.learned": (
        "engine/steps/test_learned.py",
        "engine.plan",
    ),
    "engine.evidence.map_choices": ("engine/steps/test_faithfulness.py",),
    "engine.evidence.networks": (
        "engine/evidence/test_assembly.py",
        "engine.plan",
    ),
    "engine.evidence.reading": (
        "engine/evidence/test_dose_response.py",
        "engine.evidence.dose_response",
    ),
    "engine.evidence.reduced": ("engine/evidence/test_kind.py",),
    "engine.evidence.regions": ("engine/evidence/test_kind.py",),
    "engine.evidence.request": ("engine/evidence/test_assembly.py",),
    "engine.evidence.scores": ("engine/evidence/test_kind.py",),
    "engine.evidence.severity": ("engine/evidence/test_masks.py",),
    "engine.evidence.transfer": ("engine/evidence/test_kind.py",),
    "engine.evidence.truth": (
        "engine/evidence/test_maps.py",
        "engine.plan",
    ),
    "engine.evidence.untrained": ("engine/evidence/test_kind.py",),
    "engine.explain.explanation": (
        "functional/test_cli_explain.py",
        "cli.entry",
        "cli.images",
        "engine.explain.network",
    ),
    "engine.explain.network": (
        "functional/test_cli_explain.py",
        "cli.entry",
        "cli.images",
    ),
    "engine.explain.request": (
        "functional/test_cli_explain.py",
        "cli.entry",
        "cli.images",
    ),
    "engine.explain.run": (
        "functional/test_cli_explain.py",
        "cli.entry",
        "cli.images",
    ),
    "engine.jobs.book": (
        "engine/jobs/test_interrupts.py",
        "engine.plan",
    ),
    "engine.jobs.dask_worker": ("engine/jobs/test_dask_run.py",),
    "engine.jobs.job": ("engine/jobs/test_dispatch.py",),
    "engine.jobs.json_files": ("engine/jobs/test_store.py",),
    "engine.jobs.threads": (
        "engine/jobs/test_dispatch.py",
        "engine.jobs.run",
    ),
    "engine.predict": (
        "functional/test_cli_classes.py",
        "cli.entry",
        "cli.images",
    ),
    "engine.results.arms": (
        "functional/test_cli_run.py",
        "cli.entry",
        "cli.runs",
        "engine.audit",
        "engine.results.audit_record",
    ),
    "engine.results.audit_record": (
        "functional/test_cli_run.py",
        "cli.entry",
        "cli.runs",
        "engine.audit",
    ),
    "engine.results.design": (
        "functional/test_cli_run.py",
        "cli.entry",
        "cli.runs",
        "engine.audit",
        "engine.results.audit_record",
    ),
    "engine.results.held_out_scores": (
        "functional/test_cli_run.py",
        "cli.entry",
        "cli.runs",
        "engine.audit",
        "engine.results.audit_record",
        "engine.results.maps",
    ),
    "engine.results.learned": (
        "functional/test_cli_run.py",
        "cli.entry",
        "cli.runs",
        "engine.audit",
        "engine.results.audit_record",
    ),
    "engine.results.maps": (
        "functional/test_cli_run.py",
        "cli.entry",
        "cli.runs",
        "engine.audit",
        "engine.results.audit_record",
    ),
    "engine.results.models": (
        "functional/test_cli_run.py",
        "cli.entry",
        "cli.runs",
        "engine.audit",
        "engine.results.audit_record",
    ),
    "engine.results.run": ("engine/test_audit.py",),
    "engine.results.tables": (
        "functional/test_cli_run.py",
        "cli.entry",
        "cli.runs",
        "engine.audit",
        "engine.results.audit_record",
    ),
    "engine.results.verdicts": ("engine/test_audit.py",),
    "engine.results.voxelwise_maps": (
        "functional/test_cli_run.py",
        "cli.entry",
        "cli.runs",
        "engine.audit",
        "engine.results.audit_record",
    ),
    "engine.situation.harmonising": ("engine/validation/test_harmonisable.py",),
    "engine.situation.limits": (
        "engine/evidence/test_dose_response.py",
        "engine.evidence.dose_response",
    ),
    "engine.situation.outline": ("engine/evidence/test_retraining.py",),
    "engine.situation.rows": ("engine/test_remedies.py",),
    "engine.situation.situation": ("engine/situation/test_contrasts.py",),
    "engine.steps.adopt": (
        "functional/test_cli_run.py",
        "cli.entry",
        "cli.simulated",
        "calibration.run",
        "engine.jobs.dispatch",
        "engine.jobs.run",
    ),
    "engine.steps.blank_survey": (
        "functional/test_cli_run.py",
        "cli.entry",
        "cli.simulated",
        "calibration.run",
        "engine.jobs.dispatch",
        "engine.jobs.run",
    ),
    "engine.steps.given_scores": (
        "functional/test_cli_run.py",
        "cli.entry",
        "cli.simulated",
        "calibration.run",
        "engine.jobs.dispatch",
        "engine.jobs.run",
    ),
    "engine.steps.harmonise": (
        "functional/test_cli_run.py",
        "cli.entry",
        "cli.simulated",
        "calibration.run",
        "engine.jobs.dispatch",
        "engine.jobs.run",
    ),
    "engine.steps.judge": (
        "functional/test_cli_run.py",
        "cli.entry",
        "cli.simulated",
        "calibration.run",
        "engine.jobs.dispatch",
        "engine.jobs.run",
    ),
    "engine.steps.log_odds": ("engine/situation/test_contrasts.py",),
    "engine.steps.read": (
        "functional/test_cli_run.py",
        "cli.entry",
        "cli.simulated",
        "calibration.run",
        "engine.jobs.dispatch",
        "engine.jobs.run",
    ),
    "engine.steps.represent": ("engine/evidence/test_masks.py",),
    "engine.steps.stored_volumes": (
        "functional/test_cli_run.py",
        "cli.entry",
        "cli.images",
        "engine.explain.network",
        "engine.steps.represent",
    ),
    "engine.steps.truth": ("engine/steps/test_score.py",),
    "engine.steps.untrained": ("engine/steps/test_layer_gradients.py",),
    "engine.user_code.functions": (
        "functional/test_cli_own_network.py",
        "engine.validation.situate",
        "engine.user_code.preprocessing",
    ),
    "engine.user_code.network": (
        "functional/test_cli_own_network.py",
        "cli.entry",
        "cli.images",
        "engine.explain.network",
    ),
    "engine.user_code.convention": (
        "engine/validation/test_behaviour.py",
        "engine.validation.behaviour",
    ),
    "engine.user_code.network_description": ("engine/user_code/test_training.py",),
    "engine.user_code.preprocessing": (
        "functional/test_cli_own_input.py",
        "cli.entry",
        "cli.images",
        "engine.explain.run",
    ),
    "engine.validation.inputs_possible": (
        "engine/validation/test_harmonisable.py",
        "engine.validation.situate",
    ),
    "engine.validation.names": (
        "functional/test_cli_bad_input.py",
        "cli.entry",
        "cli.runs",
        "engine.validation.situate",
    ),
    "engine.validation.ready_made": (
        "functional/test_cli_own_network.py",
        "engine.validation.situate",
    ),
    "engine.validation.situate": ("engine/validation/test_harmonisable.py",),
    "engine.validation.trial": (
        "functional/test_cli_bad_input_network.py",
        "cli.entry",
        "cli.runs",
        "engine.validation.situate",
    ),
    "networks.mlp": ("contracts/test_contract_network.py",),
    "records.cohort": ("cohort/images/test_lesion_maps.py",),
    "records.evidence": ("checks/test_leakage.py",),
    "records.spike_in": ("checks/test_spike_in.py",),
    "records.recipe": ("engine/evidence/test_inputs.py",),
    "report.marks": (
        "report/test_grids_cohort.py",
        "report.grids_cohort",
    ),
    "report.methods_tests": ("report/test_methods.py", "report.methods"),
    "report.methods_training": ("report/test_methods.py", "report.methods"),
    "report.model_index": ("report/test_modelcard.py",),
    "report.passages": ("report/test_methods.py", "report.methods"),
    "report.pictures": ("report/test_image_grids.py",),
    "report.render": ("report/test_preprocessing.py",),
    "report.views": (
        "report/test_image_grids.py",
        "report.pictures",
        "report.charts",
    ),
    "representations.features": ("contracts/test_contract_representation.py",),
    "representations.representation": ("contracts/test_contract_representation.py",),
    "stats.map_columns": ("stats/test_voxelwise.py",),
    "stats.truth": ("oracles/test_oracle_truth.py",),
    "engine.validation.probes": (
        "functional/test_cli_probe.py",
        "cli.entry",
        "cli.runs",
        "engine.audit",
        "engine.validation.situate",
    ),
    "verdict.case": ("verdict/test_rules.py",),
    "verdict.words": ("verdict/test_rules.py", "verdict.rules"),
}
"""Module -> the test file that covers it, and the modules through which the test reaches it if it does not import it.

A component counts as reached where the test asks the registry for all components of its kind.
"""


def modules() -> list[str]:
    """Every module that holds a function or class; one that only passes names on has nothing to test."""
    return [_name(path) for path in sorted(PACKAGE.rglob("*.py")) if defines_something(path)]


def _name(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def mirrored(module: str) -> Path:
    *folders, name = module.split(".")
    return TESTS.joinpath(*folders, f"test_{name.strip('_')}.py")


def reached_by(test: Path) -> set[str]:
    """Return the modules that a test file or a conftest.py on its way imports."""
    folders = [folder for folder in test.parents if folder.is_relative_to(TESTS)]
    conftests = (folder / "conftest.py" for folder in folders)
    return set().union(*(imported(path) for path in (test, *conftests) if path.is_file()))


def asks_for_all_of_its_kind(test: Path, module: str) -> bool:
    text = test.read_text("utf-8")
    return any(re.search(rf'\bnames\("{kind}"\)', text) for kind in registered_kinds(_path(module)))


def brings_in(importer: Path, module: str) -> bool:
    """Say whether a module imports another, or gets components of its kind from the registry."""
    text = importer.read_text("utf-8")
    kinds = registered_kinds(_path(module))
    return module in imported(importer) or any(re.search(rf'\bget\("{kind}", ', text) for kind in kinds)


def _path(module: str) -> Path:
    path = file_of(module)
    assert path is not None, f"there is no module {module}"
    return path


def fault(module: str, covered: Mapping[str, tuple[str, ...]] = COVERED) -> str | None:
    """Say what is wrong with the tests of one module, if anything is."""
    own = mirrored(module)
    place = own.relative_to(TESTS)
    if own.is_file():
        return f"it has a test of its own, {place}; leave it out of COVERED" if module in covered else None
    if module not in covered:
        return f"it has no test: write {place}, or name in COVERED what covers it"
    name, *through = covered[module]
    test = TESTS / name
    if not test.is_file():
        return f"COVERED names {name}, which does not exist"
    for step in through:
        if file_of(step) is None:
            return f"COVERED names {step}, which is no module"
    first, *later = (*through, module)
    if first not in reached_by(test) and not asks_for_all_of_its_kind(test, first):
        return f"COVERED says that {name} reaches it, but {first} is not imported there"
    for importer, step in pairwise((first, *later)):
        if not brings_in(_path(importer), step):
            return f"COVERED says that {importer} imports {step}, but it does not"
    return None


@pytest.mark.parametrize("module", modules())
def test_a_module_has_its_test(module: str) -> None:
    assert fault(module) is None


def test_nothing_is_named_that_does_not_exist() -> None:
    assert sorted(set(COVERED) - set(modules())) == []


def test_a_gap_would_be_seen() -> None:
    lone = "engine.jobs.threads"
    assert "it has no test: write engine/jobs/test_threads.py" in str(fault(lone, {}))
    assert "does not exist" in str(fault(lone, {lone: ("nowhere/test_threads.py",)}))
    assert "threads is not imported there" in str(fault(lone, {lone: ("test_seeds.py",)}))
    assert "run is not imported there" in str(fault(lone, {lone: ("test_seeds.py", "engine.jobs.run")}))
    assert "seeds imports engine.jobs.threads, but" in str(fault(lone, {lone: ("test_seeds.py", "seeds")}))
    assert "no.where, which is no module" in str(fault(lone, {lone: ("test_seeds.py", "no.where")}))
    assert "leave it out of COVERED" in str(fault("seeds", {"seeds": ("test_seeds.py",)}))
