"""Steps `untrained` and `layer_gradients`."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from engine.folders import folders
from stacks import whole_stack

from biasaudit.engine.arguments.hidden_layers import LayerGradientsArguments
from biasaudit.engine.arguments.networks import Factory, UntrainedArguments
from biasaudit.engine.jobs.held_out import HeldOut
from biasaudit.engine.jobs.stack import save_stack
from biasaudit.engine.steps.layer_gradients import layer_gradients
from biasaudit.engine.steps.train import load_network
from biasaudit.engine.steps.untrained import untrained

ARGUMENTS = UntrainedArguments(Factory("cnn", {"widths": [4, 6]}), "original", outputs=1, seed=5)


@pytest.fixture
def fresh(tmp_path):
    """A network with fresh weights on four small pictures."""
    block, model = tmp_path / "block", tmp_path / "model"
    block.mkdir()
    model.mkdir()
    save_stack(block / "original.npz", np.random.default_rng(0).normal(size=(4, 1, 12, 12)).astype(np.float32))
    untrained(ARGUMENTS, folders(inputs=[block]), model)
    return block, model


def test_fresh_weights_follow_from_the_seed_and_leave_the_global_stream_alone(fresh, tmp_path):
    block, model = fresh
    again = tmp_path / "again"
    again.mkdir()
    state = torch.get_rng_state()
    untrained(ARGUMENTS, folders(inputs=[block]), again)
    assert (again / "model.safetensors").read_bytes() == (model / "model.safetensors").read_bytes()
    assert torch.equal(torch.get_rng_state(), state)


def test_slopes_are_those_of_shifting_a_whole_channel(fresh, tmp_path):
    block, model = fresh
    out = tmp_path / "out"
    out.mkdir()
    arguments = LayerGradientsArguments((0, 2, 3), "original", ("blocks.block2.2",), batch_size=2)
    layer_gradients(arguments, folders(inputs=[block], models=[model]), out)
    found = HeldOut.read(out, "gradients-blocks.block2.2")
    slopes = found.values
    assert found.rows.tolist() == [0, 2, 3]
    assert slopes.shape == (3, 6)
    network = load_network(model / "model.safetensors")
    images = torch.from_numpy(whole_stack(block / "original.npz")[[0, 2, 3]])
    with torch.no_grad():
        before = network(images)[:, 0]
        for channel in range(6):
            shift = torch.zeros(1, 6, 1, 1)
            shift[0, channel] = 1e-2
            handle = network.blocks.block2[2].register_forward_hook(lambda *words, s=shift: words[2] + s)
            after = network(images)[:, 0]
            handle.remove()
            np.testing.assert_allclose(slopes[:, channel], (after - before).numpy() / 1e-2, atol=1e-3)
