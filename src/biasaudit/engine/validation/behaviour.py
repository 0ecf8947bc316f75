"""A network tried as it will be used, before anything runs: batches of the real size, twice, and one image alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import nn

from biasaudit.attributions.explained import layer_of_batch_statistics
from biasaudit.engine.steps.train import device, to_device
from biasaudit.engine.steps.training_parts import loss_function, make_optimiser
from biasaudit.engine.user_code.convention import convention, require_tensor, told_of_input
from biasaudit.engine.user_code.network import adapted
from biasaudit.engine.user_code.network_description import OutputConvention, OwnNetwork
from biasaudit.errors import UsageError
from biasaudit.protocol import TrainingSettings

__all__ = ["Behaviour", "Use", "behaviour", "require_gradient", "require_steady", "require_trainable"]

_KEY = "target.network"
_SCALES = (1.0, 0.1, 10.0, 100.0)
_FEWEST = 16
"""Images that the outputs are looked at for, at least."""
_EQUAL, _ALIKE = 1e-5, 1e-3
"""Largest change of an answer, as a share of the largest one: asked twice, and asked in another batch."""
_SPREAD = 0.01
"""The same, as a share of how far the answers lie apart."""


@dataclass(frozen=True)
class Use:
    """What a network will be shown.

    Attributes
    ----------
    shape : tuple of int
        Channels and voxels of an image.
    batch_size : int
    """

    shape: tuple[int, ...]
    batch_size: int

    def noise(self, count: int, scales: Sequence[float] = (1.0,)) -> torch.Tensor:
        """Draw noise (count, *shape) on the device, of several strengths by turns, laid out as images will be."""
        chance = torch.Generator().manual_seed(0)
        strength = torch.tensor([scales[row % len(scales)] for row in range(count)])
        images = torch.randn((count, *self.shape), generator=chance) * strength.reshape(-1, *[1] * len(self.shape))
        layout = torch.channels_last_3d if images.ndim == 5 else torch.channels_last
        return images.to(device()).contiguous(memory_format=layout)


@dataclass(frozen=True)
class Behaviour:
    """What was found out about a network.

    Attributes
    ----------
    convention : OutputConvention
    cares : tuple of str
        What its input needs.
    plain : bool
        Whether it returns (batch, outputs) of logits for any batch, and needs nothing.
    """

    convention: OutputConvention
    cares: tuple[str, ...]
    plain: bool


@torch.no_grad()
def behaviour(network: nn.Module, use: Use, stated: str) -> Behaviour:
    """Find out what a network needs and returns, and refuse one whose answers are not those to single images.

    Parameters
    ----------
    network : Module
        As its factory made it, with its weights; gets hooks.
    use : Use
    stated : {"auto", "logits", "probabilities"}

    Raises
    ------
    UsageError
        What keeps it from being audited, in one line.
    """
    layer = layer_of_batch_statistics(network)
    if layer:
        raise UsageError(f"{_KEY}: {layer}")
    with torch.random.fork_rng(devices=list(range(torch.cuda.device_count()))):
        torch.manual_seed(0)
        cares = _cares(to_device(network).eval(), use)
        known = convention(adapted(network, _only_cares(cares), 0), list(_batches(use)), stated)
        plain = not cares and known.scale in ("logits", "log_softmax") and _keeps_axes(network, use, known)
        in_rows = OwnNetwork("", {}, replace(known, scale="logits"))
        require_steady(adapted(network, in_rows, known.outputs), use)
    return Behaviour(known, cares, plain)


def _only_cares(cares: tuple[str, ...]) -> OwnNetwork:
    return OwnNetwork("", {}, OutputConvention(0, "logits"), converted=False, cares=cares)


def _batches(use: Use) -> Iterator[torch.Tensor]:
    """Divide the noise into batches of the real size, the last of them of two images at least."""
    count = max(2, use.batch_size)
    noise = use.noise(-(-max(_FEWEST, count) // count) * count, _SCALES)
    yield from torch.split(noise, count)


def _cares(network: nn.Module, use: Use) -> tuple[str, ...]:
    """Find out whether its input must lie channels first, and whether it must be a copy."""
    images = use.noise(2)
    cares: tuple[str, ...] = ()
    try:
        network(images)
    except RuntimeError as error:
        if "view size is not compatible" not in str(error):
            return _copied(images)
        cares, images = ("contiguous",), use.noise(2).contiguous(memory_format=torch.contiguous_format)
        network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    except KeyboardInterrupt:
        raise
    except BaseException:  # told of where the outputs are looked at
        return ()
    if cares:
        with told_of_input(images):
            network(images)
    return (*cares, *_copied(images))


def _copied(images: torch.Tensor) -> tuple[str, ...]:
    """Say whether a network has written into these images, be it what they held already."""
    return ("copied",) if images._version > 0 else ()


def _keeps_axes(network: nn.Module, use: Use, known: OutputConvention) -> bool:
    """Whether it returns (batch, outputs) for one image and for several."""
    with told_of_input(use.noise(1)):
        shapes = [tuple(require_tensor(network(use.noise(count))).shape) for count in (1, 2)]
    return shapes == [(1, known.outputs), (2, known.outputs)]


@torch.no_grad()
def require_steady(network: nn.Module, use: Use) -> None:
    """Refuse a network that answers otherwise when it is asked again, or when other images are asked with one.

    Parameters
    ----------
    network : Module
        Returns (batch, outputs).
    use : Use

    Raises
    ------
    UsageError
    """
    images = use.noise(max(2, use.batch_size), _SCALES)
    network.eval()
    first = _asked(network, images)
    if not first[0].isfinite().all():
        raise UsageError(
            f"{_KEY}: it returns NaN or infinity for an image of mean 0 and deviation 1; look for logarithms, roots "
            "and divisions of what may be 0 or less"
        )
    if _differ(first, _asked(network, images), _EQUAL):
        raise UsageError(
            f"{_KEY}: it gives another answer each time that it is asked about the same images, in evaluation mode "
            "too: dropout that stays on (give F.dropout `training=self.training`), noise, or statistics that go on "
            "changing"
        )
    for rows in (slice(0, 1), slice(0, 2), slice(1, None)):
        if _differ(first[rows], _asked(network, images[rows]), _ALIKE, first):
            raise UsageError(
                f"{_KEY}: an image's answer depends on the other images of its batch: normalise by running statistics "
                "or within the image, and take softmax and means along the axes of one image"
            )


def _asked(network: nn.Module, images: torch.Tensor) -> torch.Tensor:
    with told_of_input(images):
        return require_tensor(network(images.clone())).double()


def _differ(first: torch.Tensor, second: torch.Tensor, share: float, among: torch.Tensor | None = None) -> bool:
    """Whether answers differ by more than a share of their size, or of how far those of all images lie apart."""
    if first.shape != second.shape:
        return True
    kept = first.isfinite() & second.isfinite()
    whole = first if among is None else among
    whole = whole[whole.isfinite()]
    size = float(whole.abs().max()) if len(whole) else 0.0
    spread = float(whole.max() - whole.min()) if len(whole) else 0.0
    allowed = max(share * size, _SPREAD * spread if among is not None else 0.0)
    return bool(((first - second).abs()[kept] > allowed).any())


def require_gradient(network: nn.Module, use: Use) -> None:
    """Refuse a network that answers differently to different images and carries no gradient: its maps would be zero.

    Raises
    ------
    UsageError
    """
    given = use.noise(2, _SCALES).requires_grad_(True)
    with told_of_input(given):
        answers = require_tensor(network.eval()(given.clone()))
    with told_of_input(given):
        found = torch.autograd.grad(answers.sum(), given, allow_unused=True)[0] if answers.requires_grad else None
    if found is None and float(answers.detach().std()) > 0:
        raise UsageError(
            f"{_KEY}: its answers carry no gradient to the image, so that every map would be empty: leave "
            "torch.no_grad, detach and NumPy out of its forward, or ask no checks of maps by `checks`"
        )


def require_trainable(network: nn.Module, use: Use, settings: TrainingSettings, classes: int) -> None:
    """Take one training step, and one with the smallest batch, as the audit will.

    Parameters
    ----------
    network : Module
        As the audit makes it, with fresh weights, on the device; is changed.
    use : Use
    settings : TrainingSettings
    classes : int

    Raises
    ------
    UsageError
        Why it cannot be trained.
    """
    if not any(weight.requires_grad for weight in network.parameters()):
        raise UsageError(
            f"{_KEY}: it has no weights to train; give `target.weights` of what is trained, or another network"
        )
    loss_of = loss_function(settings.loss, torch.ones(classes, device=device()))
    optimiser = make_optimiser(settings, network)
    outputs = 1 if classes == 2 else classes
    network.train()
    for count in dict.fromkeys((settings.batch_size, 2)):
        images, targets = use.noise(count), torch.arange(count, device=device()) % classes
        with told_of_input(images, trained=True):
            answers = require_tensor(network(images))
        _require_rows(answers, count, outputs)
        with told_of_input(images, trained=True):
            loss = loss_of(answers, targets)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        if not bool(loss.isfinite()):
            raise UsageError(f"{_KEY}: its loss is {loss.item():.3g} after a step on noise, expected a finite number")


def _require_rows(answers: torch.Tensor, count: int, outputs: int) -> None:
    if answers.shape != (count, outputs):
        raise UsageError(
            f"{_KEY}: when trained it returns shape {list(answers.shape)} for {count} images, expected "
            f"[{count}, {outputs}]; let its factory take `out_channels`, and its forward pool over space and flatten"
        )
