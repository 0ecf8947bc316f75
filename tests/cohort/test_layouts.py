from __future__ import annotations

import shutil

import nibabel
import pytest

from biasaudit.cohort.layouts import LAYOUTS, write_layout
from biasaudit.engine.audit import Options, run_audit
from biasaudit.engine.validation.situate import situate
from biasaudit.errors import UsageError
from biasaudit.protocol import Protocol, load_protocol
from biasaudit.resources import protocols_folder

REGIME = {"ms": "nested", "tumour": "nested", "chest-xray": "crossed", "alzheimer": "crossed", "features": "crossed"}
# Coarse and brief: the layout is under test, not what the networks learn.
BRIEF = {
    "statistics": {"n_permutations": 99, "n_bootstraps": 99},
    "attribution": {"max_subjects": 4, "steps": 2, "max_steps": 2},
    "folds": {"n": 2},
}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Write every layout once, with its ready protocol beside it, as a user would."""
    root = tmp_path_factory.mktemp("layouts")
    for name in LAYOUTS:
        write_layout(name, root / name, {"n": 24, "spacing": 8.0})
        shutil.copy(protocols_folder() / f"{name}.yaml", root / name)
    return root


def brief(protocol: Protocol) -> Protocol:
    record = protocol.model_dump(mode="json")
    record["cohort"] |= {"min_origin_size": 4, "origins": record["cohort"]["origins"][:1]}
    record["target"]["training"].update(epochs=1, patience=1)
    if record["grid"]["spacing"]:
        record["grid"]["spacing"] = 8.0
    return Protocol.model_validate({**record, **BRIEF})


class TestReadyProtocol:
    @pytest.mark.parametrize("name", LAYOUTS)
    def test_it_accepts_its_layout_as_it_stands(self, name, written):
        situation, _ = situate(load_protocol(written / name / f"{name}.yaml"))
        assert len(situation.cohort.samples) == 24
        assert len(situation.cohort.classes) == 2
        assert all(sample.covariates["age"] for sample in situation.cohort.samples)

    @pytest.mark.parametrize("name", LAYOUTS)
    def test_it_runs(self, name, written, tmp_path):
        protocol = brief(load_protocol(written / name / f"{name}.yaml"))
        audit = run_audit(protocol, tmp_path / "out", Options())
        assert audit["design"]["regime"] == REGIME[name]
        assert [arm["name"] for arm in audit["arms"]] == [arm.name for arm in protocol.arms]

    def test_the_aliased_chest_x_rays_are_never_pathology(self, written, tmp_path):
        text = (written / "chest-xray" / "chest-xray.yaml").read_text()
        assert "# select:" in text
        path = written / "chest-xray" / "aliased.yaml"
        path.write_text(text.replace("# select:", "select:"))
        audit = run_audit(brief(load_protocol(path)), tmp_path / "out", Options())
        assert audit["design"]["regime"] == "aliased"
        assert audit["arms"][0]["verdict"] != "PATHOLOGY"

    def test_features_may_be_harmonised(self, tmp_path):
        pytest.importorskip("pycombat")
        write_layout("features", tmp_path, {"n": 300})
        text = (protocols_folder() / "features.yaml").read_text()
        for key in ("arms", "combat"):
            assert f"# {key}: " in text
            text = text.replace(f"# {key}: ", f"{key}: ")
        (tmp_path / "protocol.yaml").write_text(text.replace("arms: [features]\n", ""))
        situation, _ = situate(load_protocol(tmp_path / "protocol.yaml"))
        assert [arm.representation for arm in situation.protocol.arms] == ["features", "combat"]
        assert any("kept: age, sex" in note for note in situation.cohort.notes)

    def test_the_proxy_is_the_mask_of_every_patient(self, written):
        situation, _ = situate(load_protocol(written / "alzheimer" / "alzheimer.yaml"))
        patients = [sample for sample in situation.cohort.samples if sample.positive]
        masks = {nibabel.load(sample.mask).get_fdata().tobytes() for sample in patients}
        assert len(masks) == 1
        assert not situation.protocol.cohort.mask_is_complete


class TestWriteLayout:
    def test_an_unknown_layout_is_refused(self, tmp_path):
        with pytest.raises(UsageError, match="no layout 'mss'; did you mean 'ms'"):
            write_layout("mss", tmp_path)
