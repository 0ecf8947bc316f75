"""Networks that were trained without biasaudit are audited as they are."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from functional.own_cohort import PROTOCOL, as_input, train_outside, write_cohort
from safetensors.torch import save_file

from biasaudit.engine.audit import Options, run_audit
from biasaudit.protocol import load_protocol

COUNT = 80


def _factory(folder: Path, name: str):
    specification = importlib.util.spec_from_file_location("own_for_tests", folder / "own.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return getattr(module, name)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The pictures, and the network with and without batch normalisation."""
    folder = tmp_path_factory.mktemp("own")
    inputs = as_input(write_cohort(folder, COUNT))
    plain = _factory(folder, "Plain")
    networks = {own: train_outside(plain(normalised=own), inputs, COUNT // 2 - 8) for own in (False, True)}
    return folder, inputs, networks


def _audit(trained, tmp_path: Path, state, change=lambda text: text):
    folder, _, _ = trained
    if state is not None:
        torch.save(state, tmp_path / "weights.pt")
    for path in folder.iterdir():
        if path.suffix in (".npy", ".tsv", ".py") and not (tmp_path / path.name).exists():
            (tmp_path / path.name).symlink_to(path)
    (tmp_path / "protocol.yaml").write_text(change(PROTOCOL))
    return run_audit(load_protocol(tmp_path / "protocol.yaml"), tmp_path / "out", Options())


def _scores(tmp_path: Path) -> pd.DataFrame:
    table = pd.read_csv(tmp_path / "out" / "tables" / "scores.tsv", sep="\t")
    return table[(table["question"] == "target") & (table["variant"] == "original")].set_index("subject")


def _margins(network, inputs) -> np.ndarray:
    with torch.no_grad():
        logits = network(inputs)
    return (logits[:, 1] - logits[:, 0]).numpy()


@pytest.mark.parametrize("normalised", [pytest.param(False, marks=pytest.mark.slow), True])
def test_an_outside_network_is_scored_as_it_is_on_what_it_has_not_seen(trained, tmp_path, normalised):
    _, inputs, networks = trained
    arguments = "network: own.py:Plain\n  network_arguments: {normalised: true}" if normalised else None
    audit = _audit(
        trained,
        tmp_path,
        networks[normalised].state_dict(),
        lambda text: text.replace("network: own.py:Plain", arguments) if arguments else text,
    )
    scores = _scores(tmp_path)
    assert sorted(scores.index) == sorted(f"s{index}" for index in range(COUNT // 2, COUNT))
    truth = _margins(networks[normalised], inputs)
    for subject, logit in scores["logit"].items():
        assert logit == pytest.approx(truth[int(subject[1:])], abs=0.02)
    assert audit["arms"][0]["target"]["auc"] > 0.9
    findings = {record["code"]: record for record in audit["arms"][0]["findings"]}
    assert findings["G1"]["n"] == COUNT // 2
    assert findings["U3"]["status"] != "not_applicable"
    assert findings["U7"]["status"] != "error"
    assert any("40 subjects that it has not seen" in note for note in audit["notes"])


@pytest.mark.parametrize("ending", ["softmax", pytest.param("logits", marks=pytest.mark.slow)])
def test_probabilities_and_a_stated_order_give_the_same_margins(trained, tmp_path, ending):
    _, inputs, networks = trained
    state = dict(networks[False].state_dict())
    if ending == "logits":  # the same network with its outputs exchanged
        state |= {name: state[name].flip(0) for name in ("head.weight", "head.bias")}
    stated = "ending: softmax" if ending == "softmax" else "outputs: 2"
    order = "" if ending == "softmax" else "\n  output_classes: [ill, well]"
    _audit(
        trained,
        tmp_path,
        {f"module.{name}": value for name, value in state.items()},
        lambda text: text.replace("own.py:Plain", f"own.py:Plain\n  network_arguments: {{{stated}}}{order}").replace(
            "[D1, G1, A1, U1, U3, U7]", "[G1]"
        ),
    )
    truth = _margins(networks[False], inputs)
    for subject, logit in _scores(tmp_path)["logit"].items():
        assert logit == pytest.approx(truth[int(subject[1:])], abs=0.02)


def test_several_files_of_weights_are_one_per_fold(trained, tmp_path):
    folder, _, networks = trained
    table = pd.read_csv(folder / "table.tsv", sep="\t")
    table["split"] = [str(1 + index // 4 % 2) for index in range(len(table))]
    table.to_csv(tmp_path / "table.tsv", sep="\t", index=False)
    save_file(networks[False].state_dict(), tmp_path / "one.safetensors")
    save_file({k: -v for k, v in networks[False].state_dict().items()}, tmp_path / "two.safetensors")
    _audit(
        trained,
        tmp_path,
        None,
        lambda text: text.replace("weights: weights.pt", "weights: [one.safetensors, two.safetensors]").replace(
            "[D1, G1, A1, U1, U3, U7]", "[G1]"
        ),
    )
    scores = _scores(tmp_path)
    assert len(scores) == COUNT
    assert set(scores["fold"]) == {1, 2}
    assert all(fold == 1 + int(subject[1:]) // 4 % 2 for subject, fold in scores["fold"].items())


def test_a_change_of_the_factory_changes_the_jobs(trained, tmp_path):
    from biasaudit.engine.plan import expected_plan
    from biasaudit.engine.validation.situate import situate

    for path in trained[0].iterdir():
        if path.suffix in (".npy", ".tsv"):
            (tmp_path / path.name).symlink_to(path)
    torch.save(trained[2][False].state_dict(), tmp_path / "weights.pt")
    (tmp_path / "protocol.yaml").write_text(PROTOCOL)

    def keys(text: str) -> set[str]:
        (tmp_path / "own.py").write_text(text)
        plan = expected_plan(situate(load_protocol(tmp_path / "protocol.yaml"))[0])
        return {job.key for job in plan.jobs if job.step in ("adopt", "train")}

    text = (trained[0] / "own.py").read_text()
    assert not keys(text) & keys(text + "\n# changed\n")


@pytest.mark.parametrize(
    "stated",
    [
        "fit: training.py:fit",
        pytest.param(
            "loss: training.py:Weighted, optimiser: training.py:lion, augment: [flip, training.py:noisy]",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_targets_and_controls_are_trained_as_the_user_trains(trained, tmp_path, stated):
    audit = _audit(
        trained,
        tmp_path,
        None,
        lambda text: (
            text.replace("  split: split\n", "")
            .replace("  weights: weights.pt\n", "")
            .replace("{epochs: 2}", f"{{epochs: 12, learning_rate: 0.02, {stated}}}")
            .replace("[D1, G1, A1, U1, U3, U7]", "[D1, G1, A1]")
        ),
    )
    assert audit["arms"][0]["target"]["auc"] > 0.9
    assert any("trained by code of the user's (" in note for note in audit["notes"])
    training = pd.read_csv(tmp_path / "out" / "tables" / "training.tsv", sep="\t")
    assert np.isfinite(training["training_loss"]).all()
    assert set(training["question"]) == {"target", "origin"}
    assert (len(training) == 6) is ("fit" in stated)  # of a user's loop the last epoch alone is known
    from biasaudit.report.methods import methods
    from biasaudit.run_folder.reading import load_run

    assert f"trained with {stated.split(': ')[0]} training.py" in " ".join(
        map(str, methods(load_run(tmp_path / "out")))
    )


@pytest.mark.slow
def test_a_change_of_the_users_training_changes_the_trainings(trained, tmp_path):
    from biasaudit.engine.plan import expected_plan
    from biasaudit.engine.validation.situate import situate

    for path in trained[0].iterdir():
        if path.suffix in (".npy", ".tsv") or path.name == "own.py":
            (tmp_path / path.name).symlink_to(path)
    torch.save(trained[2][False].state_dict(), tmp_path / "weights.pt")
    (tmp_path / "protocol.yaml").write_text(PROTOCOL.replace("{epochs: 2}", "{epochs: 2, fit: training.py:fit}"))

    def keys(text: str) -> dict[str, set[str]]:
        (tmp_path / "training.py").write_text(text)
        plan = expected_plan(situate(load_protocol(tmp_path / "protocol.yaml"))[0])
        return {step: {job.key for job in plan.jobs if job.step == step} for step in ("adopt", "train")}

    text = (trained[0] / "training.py").read_text()
    before, after = keys(text), keys(text + "\n# changed\n")
    assert not before["train"] & after["train"]
    assert before["adopt"] == after["adopt"]  # the target was not trained by it


@pytest.mark.parametrize("with_images", [False, True])
def test_scores_alone_are_audited(trained, tmp_path, with_images):
    _, inputs, networks = trained
    table = pd.read_csv(trained[0] / "table.tsv", sep="\t").drop(columns=[] if with_images else ["image"])
    table.to_csv(tmp_path / "table.tsv", sep="\t", index=False)
    pd.DataFrame({"subject": table["subject"], "logit": _margins(networks[False], inputs)}).to_csv(
        tmp_path / "predictions.tsv", sep="\t", index=False
    )
    audit = _audit(
        trained,
        tmp_path,
        None,
        lambda text: (
            text.replace("split: split", "predictions: predictions.tsv")
            .replace("  network: own.py:Plain\n  weights: weights.pt\n", "")
            .replace("[D1, G1, A1, U1, U3, U7]", "default")
        ),
    )
    findings = {record["code"]: record["status"] for record in audit["arms"][0]["findings"]}
    assert findings["G1"] == "clear"
    assert findings["U1"] in ("clear", "concern", "inconclusive")
    assert findings["U3"] == findings["U4"] == findings["U7"] == "not_applicable"
    assert (findings["A1"] == "not_applicable") is not with_images
    assert audit["arms"][0]["verdict"] in ("PATHOLOGY", "MIXED", "ORIGIN", "UNDETERMINED")
    from biasaudit.report.render import write_report

    assert write_report(tmp_path / "out").stat().st_size > 10_000


@pytest.mark.parametrize("scored", [False, True])
def test_a_dry_run_knows_what_was_made_elsewhere(trained, tmp_path, biasaudit_here, scored):
    folder, inputs, networks = trained
    for name in ("own.py", "table.tsv", *(f"{index}.npy" for index in range(COUNT))):
        (tmp_path / name).symlink_to(folder / name)
    torch.save(networks[False].state_dict(), tmp_path / "weights.pt")
    text = PROTOCOL
    if scored:
        table = pd.read_csv(folder / "table.tsv", sep="\t").drop(columns="image")
        (tmp_path / "table.tsv").unlink()
        table.assign(score=_margins(networks[False], inputs)).to_csv(tmp_path / "table.tsv", sep="\t", index=False)
        text = text.replace("split: split", "score: score")
        text = text.replace("  network: own.py:Plain\n  weights: weights.pt\n", "")
    (tmp_path / "protocol.yaml").write_text(text)
    done = biasaudit_here("run", tmp_path / "protocol.yaml", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert ("given scores" if scored else "take over weights.pt") in done.stdout
    assert not scored or "train" not in done.stdout.split("jobs, about")[0]
