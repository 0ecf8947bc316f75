"""Training as the audit does it on two cores against PyTorch as it comes: images per second.

Ours: two worker processes of one thread each, channels last, batches of stored float16. Defaults: one process,
a thread for each core, the layout and the float32 batches that it is given. Rounds take turns.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

SHAPE, BATCH, ROUNDS, SECONDS = (48, 56, 48), 8, int(os.environ.get("BIASAUDIT_RUNS", "3")), 6.0


def study(scratch: Path) -> str:
    found = [(_ours(), _theirs()) for _ in range(ROUNDS)]
    ours, theirs = (float(np.median([pair[side] for pair in found])) for side in (0, 1))
    ratios = ", ".join(f"{own / other:.2f}" for own, other in found)
    return (
        "## Training steps\n\nCommand: `python benchmarks/run.py training`. Built-in network, batches of "
        f"{BATCH} images of {' x '.join(map(str, SHAPE))}, two cores, the rounds take turns.\n\n"
        "| whose | images per second |\n|---|---|\n"
        f"| biasaudit, two workers | {ours:.1f} |\n| PyTorch's defaults, two threads | {theirs:.1f} |\n\n"
        f"Ratio {ours / theirs:.2f}; round by round {ratios}.\n"
    )


def _ours() -> float:
    workers = [_started("ours", 1) for _ in range(2)]
    return sum(_rate(worker) for worker in workers)


def _theirs() -> float:
    return _rate(_started("theirs", 2))


def _started(whose: str, threads: int) -> subprocess.Popen[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    words = [sys.executable, __file__, whose]
    return subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True)


def _rate(worker: subprocess.Popen[str]) -> float:
    written, _ = worker.communicate()
    return float(json.loads(written.splitlines()[-1]))


def _child(whose: str) -> float:
    import torch

    from biasaudit.engine.steps.train import to_device
    from biasaudit.networks.cnn import cnn

    torch.manual_seed(0)
    network = cnn(3, 1, 1)
    stored = np.random.default_rng(0).normal(size=(BATCH, 1, *SHAPE)).astype(np.float16)
    images = torch.from_numpy(stored.astype(np.float32))
    targets = torch.tensor([0.0, 1.0] * (BATCH // 2))
    if whose == "ours":
        network = to_device(network)
    network.train()
    optimiser = torch.optim.AdamW(network.parameters())
    done, started = -2, time.perf_counter()
    while time.perf_counter() - started < SECONDS or done < 1:
        batch = images
        if whose == "ours":
            batch = torch.from_numpy(stored).float().contiguous(memory_format=torch.channels_last_3d)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(network(batch)[:, 0], targets)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        done += 1
        if done == 0:
            started = time.perf_counter()
    return done * BATCH / (time.perf_counter() - started)


if __name__ == "__main__":
    sys.path.pop(0)  # this folder would hide the library's `statistics`
    print(json.dumps(_child(sys.argv[1])))
