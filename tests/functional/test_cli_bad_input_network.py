"""Faults of the user's own network, weights, split and scores: one line each, exit 3, nothing written."""

from __future__ import annotations

import importlib.util
import pickle
import zipfile
from pathlib import Path

import pytest
import torch
from functional.own_cohort import FACTORY, PROTOCOL, write_cohort
from safetensors.torch import save_file

SCORES = """\
cohort:
  reader: table
  table: table.tsv
  predictions: predictions.tsv
  label: {column: label, positive: ill, negative: well}
  origins: [site]
  min_origin_size: 2
folds: {n: 2}
"""


@pytest.fixture(scope="module")
def state():
    specification = importlib.util.spec_from_loader("own_for_bad_input", loader=None)
    module = importlib.util.module_from_spec(specification)
    exec(FACTORY, module.__dict__)  # the text above, not input
    torch.manual_seed(0)
    return module.Plain().state_dict()


@pytest.fixture
def cohort(tmp_path: Path, state) -> Path:
    write_cohort(tmp_path, 24)
    torch.save(state, tmp_path / "weights.pt")
    (tmp_path / "protocol.yaml").write_text(PROTOCOL)
    return tmp_path


def replace_in(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def protocol(old: str, new: str):
    return lambda folder, state: replace_in(folder / "protocol.yaml", old, new)


def weights(make):
    """Write another file of weights."""
    return lambda folder, state: make(folder / "weights.pt", state)


def renamed(suffix: str, content: bytes = b"anything"):
    def make(folder: Path, state) -> None:
        (folder / f"weights{suffix}").write_bytes(content)
        replace_in(folder / "protocol.yaml", "weights.pt", f"weights{suffix}")

    return make


def archive(*names: str):
    def make(path: Path, state) -> None:
        with zipfile.ZipFile(path, "w") as file:
            for name in names:
                file.writestr(name, "{}")

    return weights(make)


def saved(change):
    return weights(lambda path, state: torch.save(change(dict(state)), path))


def arguments(text: str):
    return protocol("own.py:Plain", f"own.py:Plain\n  network_arguments: {{{text}}}")


def training(text: str):
    """State something about how the controls are trained."""
    return protocol("training: {epochs: 2}", f"training: {{epochs: 2, {text}}}")


def scores(rows: str, change=lambda text: text):
    def make(folder: Path, state) -> None:
        (folder / "protocol.yaml").write_text(change(SCORES))
        (folder / "predictions.tsv").write_text(rows)

    return make


def numbers(*header: str, value=lambda index: str(index / 7 - 1), count: int = 24) -> str:
    columns = len(header)
    lines = [f"s{index}" + f"\t{value(index)}" * columns for index in range(count)]
    return "\n".join(["\t".join(["subject", *header]), *lines]) + "\n"


def several(folder: Path, state) -> None:
    for name in ("a.pt", "b.pt"):
        torch.save(state, folder / name)
    replace_in(folder / "protocol.yaml", "weights: weights.pt", "weights: [a.pt, b.pt]")


def listed(text: str):
    def make(folder: Path, state) -> None:
        (folder / "seen.txt").write_text(text)
        replace_in(
            folder / "protocol.yaml", "weights: weights.pt", "weights: weights.pt\n  training_subjects: seen.txt"
        )

    return make


CASES = {
    "no such weights": (lambda c, s: (c / "weights.pt").unlink(), "weights.pt: no such file"),
    "weights are a folder": (
        lambda c, s: ((c / "weights.pt").unlink(), (c / "weights.pt").mkdir()),
        "weights.pt: a folder without weights; give a file of weights, such as weights.safetensors",
    ),
    "empty file": (weights(lambda p, s: p.write_bytes(b"")), "an empty file; save the weights again"),
    "Git LFS pointer": (
        weights(lambda p, s: p.write_bytes(b"version https://git-lfs.github.com/spec/v1\n")),
        "a Git LFS pointer, not the weights; fetch the file: git lfs pull",
    ),
    "ONNX": (renamed(".onnx"), "an ONNX graph, not a state dict"),
    "Keras": (renamed(".h5"), "a Keras or HDF5 file, not a state dict"),
    "HDF5 by another name": (weights(lambda p, s: p.write_bytes(b"\x89HDF\r\n\x1a\n")), "a Keras or HDF5 file"),
    "TensorFlow": (renamed(".pb"), "a TensorFlow graph, not a state dict"),
    "joblib": (renamed(".joblib"), "a joblib pickle, not a state dict"),
    "TorchScript": (archive("w/code/net.py", "w/constants.pkl"), "a TorchScript module, not a state dict"),
    "exported program": (archive("serialized_exported_program.json"), "an exported program (.pt2), not a state dict"),
    "Keras 3": (archive("config.json", "model.weights.h5"), "a Keras model, not a state dict"),
    "pickled module": (
        weights(lambda p, s: torch.save(torch.nn.Linear(2, 2), p)),
        "a pickle with objects beside tensors (a whole module, or a checkpoint with hyperparameters, torch.nn.modules",
    ),
    "plain pickle": (weights(lambda p, s: p.write_bytes(pickle.dumps({"w": Path("x")}))), "torch.save"),
    "text": (weights(lambda p, s: p.write_text("hello")), "weights.pt: "),
    "damaged safetensors": (renamed(".safetensors", b"\x08\x00\x00\x00"), "not a readable safetensors file"),
    "safetensors without weights": (
        lambda c, s: (
            save_file({}, c / "none.safetensors"),
            replace_in(c / "protocol.yaml", "weights.pt", "none.safetensors"),
        ),
        "holds no weights",
    ),
    "a list": (weights(lambda p, s: torch.save([1, 2], p)), "holds a list, expected a state dict"),
    "a dictionary of something else": (saved(lambda s: {"epoch": 3, "loss": 0.1}), "holds epoch, loss, none of them a"),
    "NaN": (
        saved(lambda s: s | {"head.bias": torch.tensor([0.0, float("nan")])}),
        "NaN or infinite weights in head.bias",
    ),
    "missing weights": (
        saved(lambda s: {name: value for name, value in s.items() if name != "head.bias"}),
        "1 weights of the network are missing: head.bias; the factory must build the network that was trained",
    ),
    "left over weights": (
        saved(lambda s: s | {"extra": torch.zeros(1)}),
        "1 weights have no place in the network: extra",
    ),
    "another shape": (arguments("outputs: 3"), "head.weight has shape [2, 16], in the network [3, 16]"),
    "factory file missing": (protocol("own.py:Plain", "nowhere.py:Plain"), "no such file"),
    "factory missing": (protocol("own.py:Plain", "own.py:Plian"), "has no function or class 'Plian'"),
    "factory not callable": (
        protocol("own.py:Plain", "own.py:not_callable"),
        "has no function or class 'not_callable'",
    ),
    "factory fails": (protocol("own.py:Plain", "own.py:fails"), "failed: RuntimeError: no licence"),
    "factory returns text": (protocol("own.py:Plain", "own.py:text"), "returned str, expected a torch.nn.Module"),
    "factory file broken": (lambda c, s: (c / "own.py").write_text("import nowhere"), "cannot be imported"),
    "unknown argument": (arguments("depth: 3"), "takes no argument 'depth' (known: ending, normalised, outputs)"),
    "returns a dictionary": (arguments("ending: dict"), "it returns a dict, expected a tensor (batch, outputs); let"),
    "returns a tuple": (arguments("ending: tuple"), "it returns a tuple, expected a tensor"),
    "returns maps": (arguments("ending: map"), "as a network that segments, it gives an image for an image: pool"),
    "not probabilities": (
        protocol("own.py:Plain", "own.py:Plain\n  outputs: probabilities"),
        "probabilities are stated, but the network returns",
    ),
    "wrong classes": (
        protocol("own.py:Plain", "own.py:Plain\n  output_classes: [ill, sick]"),
        "ill, sick are not the classes of the cohort (well, ill)",
    ),
    "fit: no such file": (training("fit: nowhere.py:fit"), "target.training.fit: no such file"),
    "fit: no such function": (training("fit: training.py:fti"), "training.py has no function or class 'fti'"),
    "fit: no such module": (training("fit: nowhere.at_all:fit"), "fit: cannot import 'nowhere.at_all'"),
    "fit: no import string": (training("fit: adamw"), "`fit` is an import string such as own.py:fit, not 'adamw'"),
    "fit: broken file": (
        lambda c, s: (training("fit: training.py:fit")(c, s), (c / "training.py").write_text("import nowhere")),
        "training.py cannot be imported: ModuleNotFoundError",
    ),
    "fit: other parameters": (
        training("fit: training.py:positional"),
        "asks for net, x, y; it is offered network, images, targets, validation, epochs, batch_size, learning_rate",
    ),
    "fit: returns nothing": (training("fit: training.py:nothing"), "returned nothing, expected the trained torch.nn"),
    "fit: returns text": (training("fit: training.py:text"), "returned str, expected the trained torch.nn.Module"),
    "fit: returns another network": (
        training("fit: training.py:another"),
        "returned a network with other weights (first.weight, first.bias, second.weight, ...); train the network that",
    ),
    "fit: raises": (training("fit: training.py:raises"), "failed: ValueError: the learning rate is missing"),
    "fit: two logits expected where there is one": (
        lambda c, s: (
            replace_in(c / "protocol.yaml", "  weights: weights.pt\n", "  network_arguments: {outputs: 1}\n"),
            replace_in(c / "protocol.yaml", "  split: split\n", ""),
            training("fit: training.py:entropy")(c, s),
        ),
        "Target 1 is out of bounds; a factory is asked for `out_channels` 1 (one logit) for two classes, else for one",
    ),
    "fit: NaN": (training("fit: training.py:spoils"), "the training loss is nan after one epoch on noise"),
    "fit: not seeded": (training("fit: training.py:unseeded"), "gives other weights each time under the same seed"),
    "fit: and a loss": (
        training("fit: training.py:fit, loss: focal"),
        "protocol.yaml:11: target.training: `fit` trains in place of the tool's own loop: leave out loss",
    ),
    "loss: misspelt": (
        training("loss: cross_entropie"),
        "'cross_entropie' is none of balanced_bce, cross_entropy, focal, and no import string (own.py:name); did you",
    ),
    "loss: no such function": (training("loss: training.py:dice"), "target.training.loss: "),
    "loss: one number per image": (
        training("loss: training.py:each"),
        "returned a tensor of shape [8], expected a tensor of one number; take the mean",
    ),
    "loss: no tensor": (training("loss: training.py:number"), "returned float, expected a tensor of one number"),
    "loss: other outputs": (
        training("loss: training.py:third_column"),
        "cannot be called with logits [8, 2] and classes [8]: IndexError",
    ),
    "loss: NaN": (training("loss: training.py:not_a_number"), "(training.py:not_a_number): the training loss is"),
    "optimiser: none": (training("optimiser: training.py:no_optimiser"), "returned nothing, expected a torch.optim"),
    "optimiser: a function": (training("optimiser: torch.nn:Linear"), "torch.nn:Linear would run the package"),
    "augment: another shape": (
        training("augment: training.py:cropped"),
        "returned a tensor of shape [8, 1, 12, 11] for images of shape [8, 1, 12, 12]",
    ),
    "augment: one of two misspelt": (training("augment: [flip, shfit]"), "did you mean shift?"),
    "two arms": (
        protocol("folds:", "arms: [intensity, background]\nfolds:"),
        "an already trained network takes one input",
    ),
    "no split": (
        protocol("  split: split\n", ""),
        "it is not said which subjects the network has seen; name the column",
    ),
    "unknown split": (lambda c, s: replace_in(c / "table.tsv", "\tval", "\tmaybe"), "split 'maybe', expected one of"),
    "subject on both sides": (
        lambda c, s: replace_in(c / "table.tsv", "s23\t", "s3\t"),
        "subject 's3' is in split 'test' here and 'train' at",
    ),
    "no subject listed is known": (listed("patient-1\npatient-2\n"), "none of its 2 subjects is in the cohort"),
    "no such list": (protocol("weights.pt\n", "weights.pt\n  training_subjects: seen.txt\n"), "seen.txt: no such file"),
    "everything seen": (
        lambda c, s: replace_in(c / "table.tsv", "\ttest", "\ttrain"),
        "too few subjects are held out (well 0, ill 0)",
    ),
    "split of several files": (several, "split 'test', expected one of 1, 2, train, val"),
    "weights and scores": (
        lambda c, s: (
            replace_in(c / "protocol.yaml", "  split: split", "  split: split\n  predictions: predictions.tsv"),
            (c / "predictions.tsv").write_text(numbers("logit")),
        ),
        "both a network's weights and its scores are given",
    ),
    "no such predictions": (scores("", lambda t: t.replace("predictions.tsv", "none.tsv")), "none.tsv: no such table"),
    "no column of scores": (scores(numbers("output")), "no column of scores (logit, score, probability, prediction)"),
    "misspelt column of scores": (
        scores(numbers("logit"), lambda t: t.replace("  label:", "  score: logits\n  label:")),
        "did you mean 'logit'?",
    ),
    "subject without a score": (scores(numbers("logit", count=23)), "subject 's23' has no score in predictions.tsv"),
    "subject with two scores": (
        scores(numbers("logit") + "s3\t0.5\n"),
        "predictions.tsv:26: subject 's3' has a score at line 5 already",
    ),
    "score that is no number": (
        scores(numbers("logit", value=lambda i: "high" if i == 4 else str(i / 7))),
        "predictions.tsv:6: column 'logit' holds 'high', expected a finite number",
    ),
    "score that is NaN": (
        scores(numbers("logit", value=lambda i: "nan" if i == 4 else str(i / 7))),
        "column 'logit' holds 'nan', expected a finite number",
    ),
    "decisions": (scores(numbers("logit", value=lambda i: str(i % 2))), "the scores take two values: decisions, not"),
    "saturated probabilities": (
        scores(numbers("probability", value=lambda i: str(i % 2 * (1 - 1e-9) + (i < 4) * 1e-9))),
        "all probabilities are within 1e-06 of 0 or 1; rounded to decisions; give logits",
    ),
    "scores too large to square": (
        scores(numbers("logit", value=lambda i: str(i * 1e299))),
        "the scores reach 2.3e+300 and spread over 2.3e+300: their squares are no numbers; divide them by",
    ),
    "scores too small to square": (
        scores(numbers("logit", value=lambda i: str(i * 1e-299))),
        "the scores reach 2.3e-298 and spread over 2.3e-298: their squares are no numbers; divide them by",
    ),
    "constant scores": (scores(numbers("logit", value=lambda i: "0.5")), "every score is the same"),
    "probabilities above 1": (
        scores(numbers("logit"), lambda t: t.replace("  label:", "  score_scale: probabilities\n  label:")),
        "probabilities are stated, but the scores run from",
    ),
    "columns for other classes": (
        scores(numbers("a", "b", "c"), lambda t: t.replace("  label:", "  score: [a, b, c]\n  label:")),
        "3 columns of scores for 2 classes; name one for each of well, ill, in this order",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_fault_is_one_line_and_nothing_is_written(name, cohort, state, biasaudit_here):
    spoil, words = CASES[name]
    spoil(cohort, state)
    done = biasaudit_here("run", cohort / "protocol.yaml", "-o", cohort / "out", "--engine", "local")
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    lines = done.stderr.strip().splitlines()
    assert words in lines[0]
    # A split that is wrong for every subject is named for every subject.
    assert len(lines) == 1 or "split" in lines[-1], done.stderr
    assert not (cohort / "out").exists()
