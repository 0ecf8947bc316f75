"""The user's own training: a function that is handed a network and images, and gives the network back trained."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, overload

import numpy as np
import torch
from torch import nn
from torch.utils.data import Dataset

from biasaudit.engine.jobs.stack import Stack
from biasaudit.engine.user_code.functions import call, find
from biasaudit.errors import UsageError

__all__ = ["Images", "fitted"]

_KEY = "target.training.fit"
_SHOWN = 3
_LOGITS = (
    "a factory is asked for `out_channels` 1 (one logit) for two classes, else for one logit per class: "
    "`bce_with_logits(z[:, 0], y.float()) if z.shape[1] == 1 else cross_entropy(z, y)`"
)


class Images(Dataset[torch.Tensor]):
    """Some images of a cohort, read from disk as they are asked for.

    ``images[3]`` is one image, float32 (channels, *shape); ``images[2:5]``, ``images[[0, 4]]`` and ``images[:]`` are
    batches, (n, channels, *shape). ``torch.utils.data.StackDataset(images, targets)`` joins them with their classes.

    Parameters
    ----------
    stack : Stack
    rows : sequence of int
        Which ones, in this order.
    """

    def __init__(self, stack: Stack, rows: Sequence[int] | np.ndarray) -> None:
        self._stack = stack
        self._rows = np.asarray(rows, dtype=int)

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def shape(self) -> tuple[int, ...]:
        """(n, channels, *shape)."""
        return (len(self), *self._stack.shape[1:])

    @overload
    def __getitem__(self, index: int) -> torch.Tensor: ...
    @overload
    def __getitem__(self, index: slice | Sequence[int] | torch.Tensor) -> torch.Tensor: ...
    def __getitem__(self, index: int | slice | Sequence[int] | torch.Tensor) -> torch.Tensor:
        wanted = self._rows[index.tolist() if isinstance(index, torch.Tensor) else index]
        images = torch.from_numpy(self._stack.stored(np.atleast_1d(wanted))).float()
        return images if np.ndim(wanted) else images[0]


def fitted(name: str, network: nn.Module, offered: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """Let the user's function train a network.

    Parameters
    ----------
    name : str
        Import string of the function.
    network : Module
        As its factory made it, on the device.
    offered : mapping
        ``images`` and ``targets`` to learn from, ``validation`` (a pair of them, or None), ``epochs``, ``batch_size``,
        ``learning_rate``, ``weight_decay``, ``seed`` and ``device``; the function is handed those that it has
        parameters for, and ``generator``, seeded.

    Returns
    -------
    dict of name to tensor
        Weights that belong to `network`.

    Raises
    ------
    UsageError
        If there is no such function, it fails, or it returns something else than the network trained.
    """
    expected = {weight: value.shape for weight, value in network.state_dict().items()}
    function = find(name, _KEY)
    generator = torch.Generator().manual_seed(offered["seed"])
    try:
        with _seeded(offered["seed"]):
            learned = call(function, _KEY, name, {"network": network, **offered, "generator": generator})
    except UsageError as error:
        hint = _hint(error.__cause__)
        raise UsageError(f"{str(error).rstrip('.')}; {hint}" if hint else str(error)) from error.__cause__
    if not isinstance(learned, nn.Module):
        kind = "nothing" if learned is None else type(learned).__name__
        raise UsageError(f"{_KEY}: {name} returned {kind}, expected the trained torch.nn.Module")
    state = dict(learned.state_dict())
    wrong = [weight for weight, shape in expected.items() if weight not in state or state[weight].shape != shape]
    wrong += [weight for weight in state if weight not in expected]
    if wrong:
        shown = ", ".join(wrong[:_SHOWN]) + (", ..." if len(wrong) > _SHOWN else "")
        raise UsageError(
            f"{_KEY}: {name} returned a network with other weights ({shown}); train the network that is handed in, and "
            "return it"
        )
    return state


def _hint(cause: BaseException | None) -> str:
    """Say what to do about a loss that does not fit the number of logits: torch speaks of its targets."""
    return _LOGITS if "target" in str(cause).lower() else ""


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed what a user's code may draw from: the caller has seen to torch, and the states from before come back."""
    before = random.getstate(), np.random.get_state()  # noqa: NPY002
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])  # noqa: NPY002
