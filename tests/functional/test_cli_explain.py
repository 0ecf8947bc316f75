"""`biasaudit explain` on real files: a finished run, and a network that no audit has seen."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import nibabel
import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import nn

FACTORY = """\
from torch import nn


class Small(nn.Module):
    def __init__(self, channels, kind):
        super().__init__()
        convolution, normalisation = kind
        self.features = nn.Sequential(convolution(channels, 4, 3), normalisation(4), nn.ReLU(inplace=True))
        self.head = nn.Linear(4, 1)

    def forward(self, images):
        return self.head(self.features(images).flatten(2).amax(2))


def build(in_channels, spatial_dims):
    kinds = {2: (nn.Conv2d, nn.BatchNorm2d), 3: (nn.Conv3d, nn.BatchNorm3d)}
    return Small(in_channels, kinds[spatial_dims])
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A folder with a factory, pictures, volumes and a table of each."""
    monkeypatch.chdir(tmp_path)
    Path("own.py").write_text(FACTORY)
    chance = np.random.default_rng(0)
    rows = {"pictures": [], "volumes": []}
    for number in range(2):
        Image.fromarray(chance.integers(0, 255, (30, 40), dtype=np.uint8)).save(f"p{number}.png")
        affine = np.diag([-2.0, 2, 2, 1])
        nibabel.save(nibabel.Nifti1Image(chance.random((16, 18, 14), dtype=np.float32), affine), f"v{number}.nii.gz")
        rows["pictures"].append(f"p{number}\tp{number}.png")
        rows["volumes"].append(f"v{number}\tv{number}.nii.gz")
    for name, lines in rows.items():
        Path(f"{name}.tsv").write_text("\n".join(["subject\timage", *lines]) + "\n")
    return tmp_path


def network(dimensions: int) -> nn.Module:
    scope: dict = {}
    exec(FACTORY, scope)
    torch.manual_seed(0)
    return scope["build"](1, dimensions)


def sidecars(folder: Path) -> list[dict]:
    return [json.loads(path.read_text()) for path in sorted((folder / "maps").glob("*.json"))]


def test_subjects_of_a_run_by_the_network_that_held_them_out(biasaudit_here, finished_run, tmp_path):
    out = tmp_path / "explained"
    done = biasaudit_here("explain", finished_run, "--subject", "sub-0001", "--subject", "sub-0002", "-o", out)
    assert done.returncode == 0, done.stderr
    found = sidecars(out)
    assert [(record["Subject"], record["Method"]) for record in found] == [
        ("sub-0001", "integrated_gradients"),
        ("sub-0002", "integrated_gradients"),
    ]
    scores = pd.read_csv(finished_run / "tables/scores.tsv", sep="\t")
    scores = scores[(scores["arm"] == "intensity") & (scores["question"] == "target")]
    scores = scores[(scores["variant"] == "original") & (scores["input"] == "original")].set_index("subject")
    for record in found:
        assert record["Fold"] == scores.loc[record["Subject"], "fold"]
        assert record["Margin"] == pytest.approx(scores.loc[record["Subject"], "logit"], abs=1e-3)
        assert record["ClassExplained"] == "patient"
        assert record["Baseline"] == "origin balanced"
        assert record["Units"] == "logits per voxel of the audit grid"
    relevance = nibabel.load(out / "maps/sub-0001_integrated_gradients_space-audit_relevance.nii.gz")
    grid = json.loads((finished_run / "audit.json").read_text())["cohort"]["grid"]
    assert list(relevance.shape) == grid["shape"]
    np.testing.assert_allclose(relevance.affine, grid["affine"])
    assert np.abs(relevance.get_fdata()).max() > 0
    page = (out / "index.html").read_text()
    assert "data:image/webp;base64" in page
    assert "http" not in page.partition("</style>")[2]
    assert "patient" in page


def test_the_stored_inputs_are_not_needed(biasaudit_here, finished_run, tmp_path):
    copy = tmp_path / "run"
    shutil.copytree(finished_run, copy, ignore=shutil.ignore_patterns("jobs", ".biasaudit"))
    protocol = copy / "protocol.yaml"
    protocol.write_text(protocol.read_text().replace("calibration: null", "calibration: own-rates-that-are-gone.json"))
    for run, out in ((finished_run, "stored"), (copy, "again")):
        done = biasaudit_here("explain", run, "--subject", "sub-0003", "-o", tmp_path / out)
        assert done.returncode == 0, done.stderr
    first, second = (
        nibabel.load(next((tmp_path / out / "maps").glob("*.nii.gz"))).get_fdata() for out in ("stored", "again")
    )
    np.testing.assert_allclose(first, second, rtol=1e-4, atol=1e-6)


def test_a_method_for_display_says_so(biasaudit_here, finished_run, tmp_path):
    out = tmp_path / "explained"
    arguments = ("--subject", "sub-0001", "--method", "grad_cam", "--arm", "tissue", "-o", out)
    assert biasaudit_here("explain", finished_run, *arguments).returncode == 0
    assert sidecars(out)[0]["Evidence"] is False
    assert sidecars(out)[0]["Arm"] == "tissue"
    assert "For display only" in (out / "index.html").read_text()


@pytest.mark.parametrize(
    ("method", "ending"),
    [
        ("integrated_gradients", "These are no evidence."),
        ("input_x_gradient", "Those of input x gradient were not tested."),
    ],
)
def test_maps_that_failed_their_test_say_so_everywhere(biasaudit_here, finished_run, tmp_path, method, ending):
    run, out = tmp_path / "run", tmp_path / "explained"
    shutil.copytree(finished_run, run, ignore=shutil.ignore_patterns("jobs", ".biasaudit"))
    audit = json.loads((run / "audit.json").read_text())
    for arm in audit["arms"]:
        (finding,) = (own for own in arm["findings"] if own["code"] == "G2")
        failed = arm["name"] == "intensity"
        finding |= {"status": "concern" if failed else "clear", "reason": "maps failed G2: no better than chance"}
    (run / "audit.json").write_text(json.dumps(audit))
    done = biasaudit_here("explain", run, "--subject", "sub-0001", "--method", method, "-o", out)
    assert done.returncode == 0, done.stderr
    caution = (
        "The report withholds the maps of the intensity arm (integrated gradients): maps failed G2: no better than "
        f"chance. {ending}"
    )
    assert f"caution: {caution}" in done.stdout
    assert caution in (out / "index.html").read_text()
    assert [own["Caution"] for own in sidecars(out)] == [caution]
    done = biasaudit_here("explain", run, "--subject", "sub-0001", "--method", method, "--arm", "tissue", "-o", out)
    assert "caution" not in done.stdout
    assert all("Caution" not in own for own in sidecars(out))


def test_everything_unknown_is_named_at_once(biasaudit_here, finished_run, tmp_path):
    arguments = ("--subject", "sub-001", "--subject", "x", "--method", "gradcam", "--arm", "tisue")
    done = biasaudit_here("explain", finished_run, *arguments, "-o", tmp_path / "explained")
    assert done.returncode == 2
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 4
    assert "no subject 'sub-001'; did you mean 'sub-00" in lines[0]
    assert "no method 'gradcam'; did you mean 'grad_cam'?" in lines[2]
    assert "no arm 'tisue'; did you mean 'tissue'?" in lines[3]
    assert not (tmp_path / "explained").exists()


def test_a_network_without_an_audit_on_pictures(biasaudit_here, own):
    save_file(network(2).state_dict(), "w.safetensors")
    done = biasaudit_here("explain", "pictures.tsv", "--network", "own.py:build", "--weights", "w.safetensors")
    assert done.returncode == 0, done.stderr
    found = sidecars(Path("explained"))
    assert {record["Subject"] for record in found} == {"p0", "p1"}
    assert found[0]["Baseline"] == "blurred"
    assert found[0]["HeldOut"] == "unknown"
    relevance = np.load("explained/maps/sub-p0_integrated_gradients_space-own_relevance.npy")
    assert relevance.shape == (30, 40)
    with Image.open("explained/maps/sub-p0_integrated_gradients_space-own_relevance.png") as drawn:
        assert drawn.size == (40, 30)
        red, blue = np.asarray(drawn)[..., 0], np.asarray(drawn)[..., 2]
    strong = np.abs(relevance) > 0.2 * np.abs(relevance).max()
    assert ((red > blue) == (relevance > 0))[strong].all()


def test_a_network_without_an_audit_on_volumes(biasaudit_here, own):
    torch.save(network(3).state_dict(), "w.pt")
    arguments = ("--network", "own.py:build", "--weights", "w.pt", "--method", "occlusion", "--spacing", "4", "-o", "o")
    done = biasaudit_here("explain", "volumes.tsv", *arguments, "--subject", "v1")
    assert done.returncode == 0, done.stderr
    own_map = nibabel.load("o/maps/sub-v1_occlusion_space-own_relevance.nii.gz")
    source = nibabel.load("v1.nii.gz")
    assert own_map.shape == source.shape
    np.testing.assert_allclose(own_map.affine, source.affine)
    audit_map = nibabel.load("o/maps/sub-v1_occlusion_space-audit_relevance.nii.gz")
    assert np.allclose(np.abs(np.diag(audit_map.affine))[:3], 4)


def test_a_network_is_explained_by_a_method_of_captum(biasaudit_here, own):
    torch.save({"state_dict": {f"net.{name}": v.half() for name, v in network(2).state_dict().items()}}, "w.ckpt")
    arguments = ("--network", "own.py:build", "--weights", "w.ckpt", "--method", "captum:LayerGradCam", "-o", "out")
    done = biasaudit_here("explain", "pictures.tsv", *arguments, "--subject", "p0")
    assert done.returncode == 0, done.stderr
    files = sorted(path.name for path in (own / "out" / "maps").iterdir())
    assert files[0] == "sub-p0_captum-LayerGradCam_space-audit_relevance.json"
    assert sidecars(own / "out")[0]["Notes"][:3] == [
        "w.ckpt: the weights are its entry 'state_dict'",
        "w.ckpt: weights of float16 were brought to float32",
        "w.ckpt: the prefix 'net.' was taken off the names of the weights",
    ]
    refused = biasaudit_here("explain", "pictures.tsv", *arguments[:4], "--method", "captum:DeepLift")
    assert refused.returncode == 2
    assert (
        "captum:DeepLift would be silently wrong about this network: it has no rule for the operation" in refused.stderr
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--network", "own.py:build"), "--network and --weights belong together"),
        (("--spacing", "2"), "--spacing belongs to --network"),
        (("--network", "own.py:build", "--weights", "w.pt", "--method", "expected_gradients"), "compares with healthy"),
    ],
)
def test_what_does_not_go_together_is_refused(biasaudit_here, own, arguments, message):
    torch.save(network(2).state_dict(), "w.pt")
    done = biasaudit_here("explain", "pictures.tsv", *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_pickled_network_is_refused(biasaudit_here, own):
    torch.save(nn.Linear(2, 2), "w.pt")
    done = biasaudit_here("explain", "pictures.tsv", "--network", "own.py:build", "--weights", "w.pt")
    assert done.returncode == 3
    assert "torch.save(network.state_dict()" in done.stderr


def test_a_torchscript_network_is_refused(biasaudit_here, own):
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(nn.Linear(2, 2)), "w.pt")
    done = biasaudit_here("explain", "pictures.tsv", "--network", "own.py:build", "--weights", "w.pt")
    assert done.returncode == 3
    assert "TorchScript" in done.stderr


def test_a_folder_of_something_else_is_left_alone(biasaudit_here, finished_run, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    done = biasaudit_here("explain", finished_run, "-o", tmp_path)
    assert done.returncode == 2
    assert "is not empty" in done.stderr
