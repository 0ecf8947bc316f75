"""A crossed cohort of small pictures, and networks that are trained on it without biasaudit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

SIZE = 12

FACTORY = '''
import torch
from torch import nn
from torch.nn import functional


class Plain(nn.Module):
    """No parameter for sizes, functional and in-place ReLU, two outputs."""

    def __init__(self, normalised=False, ending="logits", outputs=2):
        super().__init__()
        self.first = nn.Conv2d(1, 6, 3, padding=1)
        self.normalise = nn.BatchNorm2d(6) if normalised else nn.Identity()
        self.active = nn.ReLU(inplace=True)
        self.second = nn.Conv2d(6, 8, 3, padding=1)
        self.head = nn.Linear(16, outputs)
        self.ending = ending

    def forward(self, image):
        hidden = self.active(self.normalise(self.first(image)))
        hidden = functional.relu(self.second(hidden), inplace=True).flatten(2)
        logits = self.head(torch.cat([hidden.mean(2), hidden.amax(2)], 1))
        if self.ending == "softmax":
            return logits.softmax(1)
        if self.ending == "sigmoid":
            return logits.sigmoid()
        if self.ending == "dict":
            return {"logits": logits}
        if self.ending == "tuple":
            return logits, hidden
        if self.ending == "map":
            return hidden
        return logits


def fails():
    raise RuntimeError("no licence")


def text():
    return "network"


not_callable = 3
'''

TRAINING = '''
import random

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, StackDataset


def fit(network, images, targets, validation, epochs, generator, device):
    """A user's own loop: two logits, cross-entropy, plain gradient descent, the last epoch."""
    optimiser = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
    batches = DataLoader(StackDataset(images, targets), batch_size=8, shuffle=True, generator=generator)
    network.train()
    for _ in range(epochs):
        for batch, classes in batches:
            optimiser.zero_grad()
            functional.cross_entropy(network(batch.to(device)), classes.to(device)).backward()
            optimiser.step()
    return network


def entropy(network, images, targets):
    functional.cross_entropy(network(images[:]), targets)
    raise ValueError("no more")


def short(network, images):
    return network


def positional(net, x, y):
    return net


def nothing(network, images, targets):
    network.train()


def text(network, images, targets):
    return "trained"


def another(network, images, targets):
    return nn.Linear(3, 2)


def raises(network, images, targets):
    raise ValueError("the learning rate is missing")


def spoils(network, images, targets):
    with torch.no_grad():
        next(iter(network.parameters())).fill_(float("nan"))
    return network


def unseeded(network, images, targets):
    torch.seed()
    with torch.no_grad():
        next(iter(network.parameters())).add_(torch.rand(()))
    return network


def global_numbers(network, images):
    with torch.no_grad():
        drawn = random.random() + np.random.rand() + float(torch.rand(()))
        next(iter(network.parameters())).fill_(drawn)
    return network


def smooth(logits, targets):
    return functional.cross_entropy(logits, targets, label_smoothing=0.1)


class Weighted(nn.Module):
    def __init__(self, class_weights):
        super().__init__()
        self.loss = nn.CrossEntropyLoss(weight=class_weights)

    def forward(self, logits, targets):
        return self.loss(logits, targets)


def each(logits, targets):
    return functional.cross_entropy(logits, targets, reduction="none")


def third_column(logits, targets):
    return logits[:, 2].mean()


def not_a_number(logits, targets):
    return (logits * 0).log().mean() - logits.sum()


def number(logits, targets):
    return 0.5


def lion(parameters, lr, weight_decay):
    return torch.optim.RMSprop(parameters, lr=lr, weight_decay=weight_decay)


def no_optimiser(parameters, lr):
    return None


def noisy(images, generator):
    return images + 0.1 * torch.randn(images.shape, generator=generator).to(images.device)


def cropped(images):
    return images[..., 1:]
'''


def write_cohort(folder: Path, count: int = 80) -> np.ndarray:
    """Pictures with a bright spot in patients, brighter at site b; half of the subjects trained a network."""
    chance = np.random.default_rng(3)
    rows = ["subject\timage\tlabel\tsite\tsplit"]
    images = []
    for index in range(count):
        ill, site = index % 2, index % 4 // 2
        image = chance.normal(1.0, 0.2, (SIZE, SIZE))
        if ill:
            x, y = chance.integers(2, SIZE - 4, 2)
            image[x : x + 3, y : y + 3] += 1.2
        image += 0.3 * site
        images.append(image.astype(np.float32))
        np.save(folder / f"{index}.npy", images[-1])
        split = "train" if index < count // 2 - 8 else "val" if index < count // 2 else "test"
        rows.append(f"s{index}\t{index}.npy\t{'ill' if ill else 'well'}\t{'ab'[site]}\t{split}")
    (folder / "table.tsv").write_text("\n".join(rows) + "\n")
    (folder / "own.py").write_text(FACTORY)
    (folder / "training.py").write_text(TRAINING)
    return np.stack(images)


def as_input(images: np.ndarray) -> torch.Tensor:
    """The `intensity` representation of pictures, which is what such a network was trained on."""
    from biasaudit.cohort.images.foreground import central_field
    from biasaudit.records import Grid, Volume
    from biasaudit.registry import get

    grid = Grid((SIZE, SIZE))
    foreground = central_field(grid.shape)
    intensity = get("representation", "intensity")()
    mask = np.zeros_like(foreground)
    made = [intensity.transform(Volume(image[None], foreground, mask), None, grid) for image in images]
    return torch.from_numpy(np.stack(made).astype(np.float32))


def train_outside(network: nn.Module, images: torch.Tensor, count: int, steps: int = 60) -> nn.Module:
    """Train a network with two logits on the first subjects."""
    torch.manual_seed(0)
    optimiser = torch.optim.Adam(network.parameters(), lr=0.02, weight_decay=0.01)
    truth = torch.arange(count) % 2
    network.train()
    for _ in range(steps):
        optimiser.zero_grad()
        nn.functional.cross_entropy(network(images[:count]), truth).backward()
        optimiser.step()
    return network.eval()


PROTOCOL = """\
cohort:
  reader: table
  table: table.tsv
  label: {column: label, positive: ill, negative: well}
  origins: [site]
  split: split
  min_origin_size: 2
target:
  network: own.py:Plain
  weights: weights.pt
  training: {epochs: 2}
folds: {n: 2}
checks: [D1, G1, A1, U1, U3, U7]
statistics: {n_permutations: 99, n_bootstraps: 99}
attribution: {max_subjects: 4, steps: 4, max_steps: 8}
"""
