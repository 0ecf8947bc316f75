"""The rungs of the spike-in test: drawn kinds, from weak to strong, each kind at most once among the groups."""

import typing

import numpy as np
import pytest

from biasaudit.edits.planting.ladder import kinds_to_plant, ladder
from biasaudit.edits.planting.signature import SIGNATURES
from biasaudit.protocol import SpikeInSettings
from biasaudit.protocol.spike_in import PlantKind


def _ladder(channels: int = 1, seed: int = 1, **settings):
    return ladder(SpikeInSettings.model_validate(settings), channels, np.random.default_rng(seed))


def test_the_protocol_knows_every_kind():
    assert typing.get_args(PlantKind) == tuple(SIGNATURES)


def test_first_one_group_is_made_harder_to_do_without_then_others_come():
    rungs = _ladder()
    assert [(rung.strength, rung.mislabelled) for rung in rungs] == [(1, 0), (1, 0.1), (1, 0.2), *[(1, 0.3)] * 3]
    assert len({rung.kinds for rung in rungs[:4]}) == 1
    kinds = [kind for rung in rungs[3:] for kind in rung.kinds]
    assert len(kinds) == len(set(kinds)) == 9


def test_kinds_are_drawn_anew_for_every_seed_and_the_same_for_one():
    drawn = [_ladder(seed=seed)[0].kinds for seed in range(40)]
    assert drawn[7] == _ladder(seed=7)[0].kinds
    assert {kind for kinds in drawn for kind in kinds} == set(SIGNATURES) - {"cast"}


@pytest.mark.parametrize(("channels", "expected"), [(1, ("tone",)), (3, ("cast", "tone"))])
def test_colour_takes_channels(channels, expected):
    settings = SpikeInSettings.model_validate({"kinds": ["cast", "tone"]})
    assert kinds_to_plant(settings, channels) == expected
    assert {kind for rung in _ladder(channels, kinds=["cast", "tone"]) for kind in rung.kinds} == set(expected)


def test_nothing_to_plant_is_no_rung():
    assert _ladder(kinds=["cast"]) == ()


def test_settings_say_how_many_kinds_and_rungs():
    rungs = _ladder(together=1, groups=2, rungs=[{"strength": 3}])
    assert [len(rung.kinds) for rung in rungs] == [1, 1]
    assert {rung.strength for rung in rungs} == {3}
