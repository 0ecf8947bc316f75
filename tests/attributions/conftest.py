from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from biasaudit.attributions.explained import Explained, Margin
from biasaudit.attributions.method import References


class Formula(nn.Module):
    """A network written as one line: images -> margins (n,)."""

    def __init__(self, formula: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.formula = formula

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.formula(images)[:, None]


@pytest.fixture
def margin_of() -> Callable[..., Margin]:
    """Margin of a formula, or of a network with a single logit."""

    def build(formula, example: torch.Tensor) -> Margin:
        network = formula if isinstance(formula, nn.Module) else Formula(formula)
        return Margin(Explained(network, example[:1]))

    return build


@pytest.fixture
def references() -> Callable[..., References]:
    return References
