"""What a network returns, found out by showing it noise: logits, probabilities, or what is neither."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import nn

from biasaudit.engine.user_code.network_description import OutputConvention
from biasaudit.errors import UsageError, failure
from biasaudit.networks.preparation import shown_shape

__all__ = ["POOL", "convention", "require_tensor", "told_of_input"]

_KEY = "target.network"
_SUM_TOLERANCE = 1e-3
POOL = "pool over space and flatten to one row per image"
_SEGMENTS = "as a network that segments, it gives an image for an image: pool over space and flatten"
_ALONE = "let the factory return a module whose forward gives the logits alone"
_AS_TRAINED = "set `grid` and channels as it was trained"
_REMEDIES: tuple[tuple[tuple[str, ...], str], ...] = (
    (
        ("CUDA", "cuda", "NVIDIA", "HIP", "MPS"),
        "it asks for a device by name; in forward use that of the image, `image.device`",
    ),
    (
        ("dtype", "scalar type", "type (", "Double", "Half", "BFloat16"),
        "keep to float32 in forward, which its weights were cast to",
    ),
    (
        ("got 1D input", "Dimension out of range", "got 1-D"),
        "it may lose the axis of the batch where that is one image: squeeze the axes of space by number, not all",
    ),
    (("positional argument",), "wrap it in a module whose forward takes one batch of images"),
    (
        ("mat1 and mat2", "size mismatch", "is invalid for input of size"),
        "it takes images of one size alone: set `grid` as it was trained, or let it pool before its linear layer",
    ),
    (
        ("more than 1 value per channel", "more than 1 spatial element"),
        "a normalisation sees a single value of each channel: set a finer `grid`, or fewer strides",
    ),
    (("allocate", "out of memory", "MemoryError"), "set a coarser `grid`, or a smaller `target.training.batch_size`"),
)
"""Words of an error, and what to do about it."""


def convention(network: nn.Module, batches: Iterable[torch.Tensor], stated: str) -> OutputConvention:
    """Find out what a network returns by showing it noise of several strengths.

    Parameters
    ----------
    network : Module
    batches : iterable of tensor (batch, channels, *shape)
        Each of at least two images.
    stated : {"auto", "logits", "probabilities"}

    Raises
    ------
    UsageError
        If it cannot take such an input, or returns anything but (batch, outputs).
    """
    network.eval()
    found = []
    for batch in batches:
        with torch.no_grad(), told_of_input(batch):
            output = network(batch)
        found.append(_columns(output, len(batch)))
    if len({own.shape[1] for own in found}) > 1:
        raise UsageError(f"{_KEY}: the number of its outputs depends on the batch; {POOL}")
    return _convention(torch.cat(found), stated)


@contextmanager
def told_of_input(batch: torch.Tensor, *, trained: bool = False) -> Iterator[None]:
    """Say in a line what a network cannot take, or be trained on, and what to do.

    Raises
    ------
    UsageError
    """
    try:
        yield
    except (KeyboardInterrupt, UsageError):
        raise
    except BaseException as error:
        reason = failure(error)
        task = "be trained on" if trained else "take"
        taken = f"{_KEY}: it cannot {task} an input of shape batch x {shown_shape(batch.shape[1:])} ({reason})"
        raise UsageError(f"{taken}; {_remedy(reason)}") from error


def _remedy(reason: str) -> str:
    """Say what to do about an error that a network raised on a batch of images."""
    return next((remedy for words, remedy in _REMEDIES if any(word in reason for word in words)), _AS_TRAINED)


def require_tensor(output: object) -> torch.Tensor:
    """Refuse what is no tensor of numbers for every image.

    Raises
    ------
    UsageError
        With what it is, and the remedy.
    """
    if not isinstance(output, torch.Tensor):
        raise UsageError(f"{_KEY}: it returns a {type(output).__name__}, expected a tensor (batch, outputs); {_ALONE}")
    if not output.is_floating_point():
        raise UsageError(
            f"{_KEY}: it returns {str(output.dtype).removeprefix('torch.')}, decisions and no scores; return the logits"
        )
    return output


def _columns(output: object, batch: int) -> torch.Tensor:
    """Lay the outputs of two or more images out as (batch, outputs), where there is no doubt which is which."""
    tensor = require_tensor(output)
    flat = tensor.ndim > 2 and tensor.shape[2:].numel() == 1
    if tensor.ndim == 0 or len(tensor) != batch or not (tensor.ndim <= 2 or flat) or tensor.numel() == 0:
        seen = f"{_KEY}: it returns shape {list(tensor.shape)} for {batch} images, expected (batch, outputs)"
        image = tensor.ndim > 2 and len(tensor) == batch
        raise UsageError(f"{seen}; {_SEGMENTS if image else POOL}")
    return tensor.reshape(batch, -1)


def _convention(output: torch.Tensor, stated: str) -> OutputConvention:
    output, count = output[output.isfinite().all(1)], output.shape[1]
    inside = bool(((output >= 0) & (output <= 1)).all()) and len(output) > 0
    if stated == "logits" or (stated == "auto" and not inside):
        return OutputConvention(count, "log_softmax" if _are_log_softmax(output) else "logits")
    if not inside:
        low, high = float(output.min()), float(output.max())
        raise UsageError(
            f"target.outputs: probabilities are stated, but the network returns {low:.3g} to {high:.3g}; "
            "state logits, or auto"
        )
    if count == 1:
        return OutputConvention(1, "sigmoid")
    if bool(((output.sum(1) - 1).abs() < _SUM_TOLERANCE).all()):
        return OutputConvention(count, "softmax")
    raise UsageError(
        f"target.outputs: all its {count} outputs lie in [0, 1] and do not sum to 1 (a sigmoid for each class?): "
        "neither logits nor probabilities of classes; let the factory return the logits, or, if these are logits, "
        "state `target.outputs: logits`"
    )


def _are_log_softmax(output: torch.Tensor) -> bool:
    """Whether the outputs are logarithms of probabilities that sum to 1."""
    return output.shape[1] > 1 and len(output) > 0 and bool((output.logsumexp(1).abs() < _SUM_TOLERANCE).all())
