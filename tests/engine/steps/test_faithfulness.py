"""Step `faithfulness` and what it is made of."""

import numpy as np
import pytest
import torch
from engine.folders import folders, with_folders
from safetensors.torch import save_file
from stacks import whole_stack
from torch import nn

from biasaudit.engine.arguments.maps import AttributeArguments, FaithfulnessArguments, MapSettings
from biasaudit.engine.evidence.map_choices import explained_origins, probed_rows, replicate_networks
from biasaudit.engine.jobs.stack import save_stack
from biasaudit.engine.steps.attribute import attribute
from biasaudit.engine.steps.faithfulness import RelevantRegions, faithfulness, moved_regions, relevant_regions, shuffled
from biasaudit.engine.steps.train import load_network, train
from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence, MapProbes, Maps
from biasaudit.registry import get


def test_shuffling_keeps_the_entries_and_loses_the_order():
    network = nn.Conv2d(2, 4, 3)
    before = network.weight.detach().clone()
    copied = shuffled(network, np.random.default_rng(1))
    assert torch.equal(network.weight, before)
    assert not torch.equal(copied.weight, before)
    assert torch.equal(copied.weight.detach().flatten().sort().values, before.flatten().sort().values)


def test_masks_hold_the_extremes_inside_the_foreground_only():
    relevance = np.arange(-50.0, 50.0).reshape(10, 10)
    inside = np.ones((10, 10), dtype=bool)
    inside[9] = False
    regions = relevant_regions(relevance, inside, 0.1)
    supporting, opposing = regions.supporting, regions.opposing
    assert supporting.sum() == opposing.sum() == 9
    assert set(relevance[supporting]) == set(np.arange(31.0, 40.0))
    assert relevance[opposing].max() == -42


def test_a_map_of_one_sign_marks_nothing_of_the_other():
    assert not relevant_regions(np.ones((4, 4)), np.ones((4, 4), dtype=bool), 0.2).opposing.any()


def test_moved_regions_keep_their_shape_and_stay_inside():
    inside = np.zeros((12, 12), dtype=bool)
    inside[2:10, 2:10] = True
    mask = np.zeros_like(inside)
    mask[4:6, 4:6] = True
    moved = moved_regions(RelevantRegions(mask, ~mask & inside), inside, np.random.default_rng(2))
    assert len(moved) == 6
    assert not any((own.supporting & ~inside).any() for own in moved)
    assert sum(own.supporting.sum() == 4 for own in moved) >= 3


def test_two_origins_are_one_contrast_and_many_are_the_largest():
    assert explained_origins([0, 1, 1]) == (1,)
    assert explained_origins([0, 1, 1, 2]) == (0, 1, 2)
    assert explained_origins([*range(8), 7, 6, 6]) == (0, 1, 2, 6, 7)


def test_the_replicate_is_another_seed_or_the_next_fold():
    assert replicate_networks((("a", "b"), ("c", "d"))) == (("b",), ("d",))
    assert replicate_networks((("a",), ("b",), ("c",))) == (("b",), ("c",), ("a",))


def test_the_first_of_every_class_are_probed():
    assert probed_rows(["h"] * 8 + ["p"] * 2) == [0, 1, 2, 3, 4, 5, 8, 9]


ROWS = tuple(range(24, 40))
SETTINGS = MapSettings(
    method="integrated_gradients",
    steps=16,
    max_steps=64,
    completeness=0.05,
    patch=4,
    stride=4,
    baseline=(tuple(range(0, 12, 2)), tuple(range(12, 24, 2))),
    baseline_kind="origin_balanced",
)
ATTRIBUTION = AttributeArguments(ROWS, "original", SETTINGS)
PROBE = FaithfulnessArguments(ROWS, "original", SETTINGS, places=tuple(range(16)), share=0.1, seed=3)


class TestProbe:
    """Two networks of pictures, trained, or with what they learned taken from them."""

    @pytest.fixture
    def evidence(self, blocks, pictures, training, tmp_path):
        images, targets = pictures
        inputs = blocks(images)
        for folder in inputs:
            save_stack(
                folder / "foreground.npz", np.ones((len(whole_stack(folder / "original.npz")), 16, 16), dtype=bool)
            )

        def gathered(spoil):
            found = []
            for seed in (1, 2):
                model, maps, out = (tmp_path / f"{name}-{seed}-{spoil}" for name in ("model", "maps", "probe"))
                for folder in (model, maps, out):
                    folder.mkdir()
                arguments = training(targets, rows=range(24), seed=seed, settings={"epochs": 30})
                train(arguments, folders(inputs=inputs), model)
                if spoil:
                    randomise(model, seed)
                needs = folders(inputs=inputs, models=[model], read=inputs)
                attribute(ATTRIBUTION, needs, maps)
                faithfulness(PROBE, with_folders(needs, maps=[maps]), out)
                assert np.load(out / "rows.npy").tolist() == list(ROWS)
                found.append((whole_stack(maps / "maps.npz"), np.load(maps / "completeness.npy"), out))
            return assembled(found)

        return gathered

    def test_trained_networks_pass_and_random_weights_fail(self, evidence):
        protocol = Protocol.model_validate({"cohort": {"reader": "phantom"}, "attribution": {"smoothing": 0.06}})
        (passed,) = get("check", "G2")().judge(evidence(False), protocol)
        (failed,) = get("check", "G2")().judge(evidence(True), protocol)
        assert passed.status == "clear", passed.reason
        assert failed.status == "concern"
        assert "random weights" in failed.reason


def randomise(model, seed):
    """Put the entries of every stored weight into random order."""
    network = shuffled(load_network(model / "model.safetensors"), np.random.default_rng(seed))
    save_file({name: own.contiguous() for name, own in network.state_dict().items()}, model / "model.safetensors")


def assembled(found):
    """Evidence of no more than maps: of the first network, with those of the second as replicate."""
    (maps, errors, out), (again, _, _) = found
    n = len(maps)
    moved, rows = np.load(out / "moved.npy"), np.arange(n)
    inside = np.ones((16, 16), dtype=bool)
    own = Maps(
        rows=rows,
        target=maps.reshape(n, -1),
        origin=None,
        mask=np.zeros((n, 256), dtype=bool),
        foreground=np.ones((n, 256), dtype=bool),
        completeness_error=errors,
        inside=inside,
        target_replicate=again.reshape(n, -1),
        probes=MapProbes(
            np.load(out / "places.npy"), whole_stack(out / "randomised.npz").reshape(3, n, -1), moved[:, 0], moved[:, 1]
        ),
    )
    return ArmEvidence(
        arm="intensity",
        factor="site",
        regime="crossed",
        classes=("healthy", "ms"),
        subject=np.array([f"s{row}" for row in rows]),
        positive=rows % 2 == 1,
        origin=np.where(rows % 4 < 2, "a", "b"),
        fold=np.zeros(n, dtype=int),
        severity=np.full(n, np.nan),
        covariates={},
        masks_given=False,
        mask_is_complete=False,
        seed=1,
        logit=np.zeros(n),
        logit_erased=None,
        maps=own,
    )
