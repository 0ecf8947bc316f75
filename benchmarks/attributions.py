"""Integrated gradients and occlusion against Captum: time, memory and agreement, one thread, one run.

Every method works in a process of its own, so that its peak memory is its own. Captum gets the network as it was made;
ours does what `biasaudit.engine.steps.attribute` does, the folding included in its time.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

ROUNDS = int(os.environ.get("BIASAUDIT_RUNS", "3"))
SIDE, BATCH, STEPS, PATCH = 64, 8, 32, 8
EXACT = 1000
GRADIENTS = ("ours", "captum", "captum internal")
OCCLUSIONS = ("ours", "generic", "captum")
Record = dict[str, Any]


def study(scratch: Path) -> str:
    gradients = _rounds(scratch, "gradients", GRADIENTS)
    exact = _measure(scratch, "gradients", "ours", EXACT)["map"]
    same_rule = _measure(scratch, "gradients", "captum midpoint", STEPS)["map"]
    for record in gradients.values():
        record["map_error"] = _difference(record["map"], exact)
    gradients["ours"]["difference"] = _difference(gradients["ours"]["map"], same_rule)
    equal = _fewest_steps(scratch, gradients["captum"]["completeness"], exact)
    occlusions = _rounds(scratch, "occlusion", OCCLUSIONS)
    head = (
        "## Attribution methods\n\nCommand: `python benchmarks/run.py attributions`. One thread; medians of "
        f"{ROUNDS} rounds in which the methods take turns, each in a process of its own and warm. Seconds are of the "
        "processor, so that other work on the machine counts little. Memory: peak of the process above what it held "
        "before the method ran. Built-in network, folded within our time; smooth random images.\n"
    )
    return "\n".join([head, _gradient_table(gradients, equal), _occlusion_table(occlusions)])


def _rounds(scratch: Path, what: str, names: tuple[str, ...]) -> dict[str, Record]:
    """Let the methods take turns, so that whatever else the machine does meets them all."""
    found = [{name: _measure(scratch, what, name, STEPS) for name in names} for _ in range(ROUNDS)]
    return {
        name: {**found[0][name], "seconds": float(np.median([each[name]["seconds"] for each in found]))}
        for name in names
    }


def _fewest_steps(scratch: Path, target: float, exact: np.ndarray) -> Record:
    """Our cheapest map that is as complete as Captum's default."""
    for steps in (8, 12, 16, *range(18, 32), 32, 48, 64, 96, 128):
        found = _measure(scratch, "gradients", "ours", steps)
        if found["completeness"] <= target:
            break
    seconds = [found["seconds"], *(_measure(scratch, "gradients", "ours", steps)["seconds"] for _ in range(ROUNDS - 1))]
    return {
        **found,
        "steps": steps,
        "seconds": float(np.median(seconds)),
        "map_error": _difference(found["map"], exact),
    }


def _difference(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.linalg.norm(one - other) / np.linalg.norm(other))


def _gradient_table(found: dict[str, Record], equal: Record) -> str:
    lines = [
        f"### Integrated gradients, 1 x {SIDE}^3, batch {BATCH}\n",
        f"| whose | steps | s | ratio | peak memory, MB | completeness error, mean | map error against {EXACT} steps |",
        "|---|---|---|---|---|---|---|",
    ]
    ours = found["ours"]["seconds"]
    rows = [
        ("biasaudit", STEPS, found["ours"], ours),
        ("Captum, default", STEPS, found["captum"], ours),
        ("Captum, internal batches", STEPS, found["captum internal"], ours),
        ("biasaudit, as complete as Captum's default", int(equal["steps"]), equal, equal["seconds"]),
    ]
    for name, steps, record, own in rows:
        lines.append(
            f"| {name} | {steps} | {record['seconds']:.2f} | {record['seconds'] / own:.1f} | {record['peak']:.0f} | "
            f"{record['completeness']:.5f} | {100 * record['map_error']:.2f} % |"
        )
    lines.append(
        f"\nCaptum's default takes {found['captum']['seconds'] / equal['seconds']:.1f} times as long as our map that "
        f"is as complete. Difference from Captum, same rule and points: {100 * found['ours']['difference']:.5f} % "
        "of the map's norm.\n"
    )
    return "\n".join(lines)


def _occlusion_table(found: dict[str, Record]) -> str:
    lines = [
        f"### Occlusion, cubes of {PATCH}^3, stride {PATCH}, one subject of 1 x {SIDE}^3\n",
        "| whose | s | ratio | peak memory, MB | largest difference from Captum, of the largest value |",
        "|---|---|---|---|---|",
    ]
    peer = found["captum"]["map"]
    names = {"ours": "biasaudit, incremental", "generic": "biasaudit, any other network", "captum": "Captum"}
    for name, record in found.items():
        lines.append(
            f"| {names[name]} | {record['seconds']:.2f} | {record['seconds'] / found['ours']['seconds']:.1f} | "
            f"{record['peak']:.0f} | {np.abs(record['map'] - peer).max() / np.abs(peer).max():.1e} |"
        )
    return "\n".join(lines) + "\n"


def _measure(scratch: Path, what: str, name: str, steps: int) -> Record:
    subprocess.run(
        [sys.executable, __file__, what, name, str(steps), str(scratch)],
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"},
    )
    return {**json.loads((scratch / "found.json").read_text()), "map": np.load(scratch / "map.npy")}


# -- one method, in a process of its own -----------------------------------------------------------------------------


def _child(what: str, name: str, steps: int, scratch: Path) -> None:
    import torch

    torch.set_num_threads(1)
    network, images, baseline = _setting()
    work = {"gradients": _gradients, "occlusion": _occlusion}[what](name, network, images, baseline, steps)
    # The first call of a process sets things up; one image and two steps are enough for that.
    _gradients(name if what == "gradients" else "ours", network, images[:1], baseline, 2)()
    before = _peak()
    start = time.process_time()
    found = work()
    record = {"seconds": time.process_time() - start, "peak": _peak() - before}
    with torch.no_grad():
        change = (network(images) - network(baseline))[:, 0].double()
    if what == "gradients":
        error = (found.double().flatten(1).sum(1) - change).abs() / change.abs()
        record["completeness"] = float(error.mean())
    np.save(scratch / "map.npy", found.numpy())
    (scratch / "found.json").write_text(json.dumps(record))


def _setting():
    import torch
    from scipy import ndimage

    from biasaudit.networks.cnn import cnn

    torch.manual_seed(0)
    network = cnn(3, 1, 1)
    chance = np.random.default_rng(0)
    images = ndimage.gaussian_filter(chance.normal(size=(BATCH + 1, 1, SIDE, SIDE, SIDE)), (0, 0, 2, 2, 2))
    images = torch.from_numpy((images / images.std()).astype(np.float32))
    with torch.no_grad():
        for image in images:
            network.train()(image[None])
    return network.eval(), images[1:], images[:1] * 0.3


def _margin(network):
    return lambda batch: network(batch)[:, 0]


def _gradients(name, network, images, baseline, steps):
    from captum.attr import IntegratedGradients

    from biasaudit.attributions.explained import Explained, Margin
    from biasaudit.attributions.integrated_gradients import path_integral

    if name == "ours":
        return lambda: path_integral(Margin(Explained(network, images[:1])), images, baseline, steps)
    settings = {"n_steps": steps, "internal_batch_size": None if name == "captum" else BATCH}
    if name == "captum midpoint":
        settings["method"] = "riemann_middle"
    method = IntegratedGradients(_margin(network))
    return lambda: method.attribute(images, baseline.expand_as(images), **settings).detach()


def _occlusion(name, network, images, baseline, steps):
    import torch
    from captum.attr import Occlusion as Peer

    from biasaudit.attributions import occlusion
    from biasaudit.attributions.explained import Explained, Margin
    from biasaudit.attributions.method import Effort, References

    if name == "captum":
        cube = {"sliding_window_shapes": (1, *[PATCH] * 3), "strides": (1, *[PATCH] * 3)}
        peer = torch.no_grad()(Peer(_margin(network)).attribute)
        return lambda: peer(images[:1], baselines=baseline, **cube) / PATCH**3
    if name == "generic":
        occlusion.local_layers = lambda explained: ([], explained.network)
    return lambda: occlusion.Occlusion().relevance(
        Margin(Explained(network, images[:1])), images[:1], References(baseline), Effort(patch=PATCH, stride=PATCH)
    )


def _peak() -> float:
    """Largest resident size of this process so far, MB (Linux)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1000
    raise RuntimeError("no VmHWM in /proc/self/status")


if __name__ == "__main__":
    _child(sys.argv[1], sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]))
