"""Write the draft of a protocol, with a comment on each line: found, guessed, or to be filled in."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from biasaudit.drafting.class_words import sounds_benign
from biasaudit.drafting.profile import Profile
from biasaudit.drafting.proposal import Proposal, regime_of, unused_columns
from biasaudit.protocol import DATASET
from biasaudit.protocol.code import code_faults
from biasaudit.regular_files import real_path

__all__ = ["Model", "draft_protocol", "open_points"]

_BARE = re.compile(r"[A-Za-z_./][\w./:-]*( [\w./-]+)*")
_RESERVED = frozenset({"yes", "no", "true", "false", "null", "on", "off", "y", "n", "none", "."})
_WIDTH = 36
_REGIMES = {
    "crossed": "some origins hold both classes, so disease and origin can be told apart",
    "nested": "no origin holds both classes: some 20 healthy images of the patients' source, or masks, settle it",
    "aliased": "one origin per class: some 20 healthy images of the patients' source, or lesion masks, settle it",
    "single": "a single origin: there is nothing to compare",
}


@dataclass(frozen=True)
class Model:
    """A network of the user: factory by import string, and the file of its weights; both may be empty."""

    factory: str = ""
    weights: str = ""


_NO_MODEL = Model()
_COLUMN_COMMENTS = {
    "image": "columns of paths: {image}",
    "features": "columns of numbers; correct what is none",
    "subject": "{subject}",
}


def draft_protocol(profile: Profile, proposal: Proposal, model: Model, folder: Path) -> str:
    """Write the text of a protocol, with the reason for each guess as a comment.

    Parameters
    ----------
    profile : Profile
    proposal : Proposal
    model : Model
    folder : Path
        Where the protocol will lie; paths in it are relative to that.
    """
    lines = [
        "# yaml-language-server: $schema=protocol.schema.json",
        "# Drafted by `biasaudit init` from the names and values that it found. What it guessed says `guess`: correct",
        "# what is wrong, then `biasaudit validate` and `biasaudit run` this file. Every key: docs/protocol.md.",
        "schema_version: 1",
        f"name: {_text(_name(profile, proposal))}",
        *_code_lines(model, folder),
        "cohort:",
        *_indented(_cohort_lines(profile, proposal, model, folder)),
        *_grid_lines(profile),
        *_arm_lines(profile, model),
        "target:",
        *_indented(_target_lines(profile, proposal, model)),
        _line("folds", f"{{n: {proposal.folds}}}", "cross-validation, grouped by subject"),
        "checks: default",
    ]
    return "\n".join(lines) + "\n"


def _name(profile: Profile, proposal: Proposal) -> str:
    """Name an audit after its data and its classes: ``cxr, pneumonia against normal``."""
    folders = [Path(source) if profile.reader == "bids" else Path(source).parent for source in profile.source]
    data = ", ".join(dict.fromkeys(folder.name or profile.dataset[0] for folder in folders))
    classes = proposal.classes
    if classes.negative is None or not classes.positive or proposal.label == DATASET:
        return data
    return f"{data}, {' and '.join(map(classes.named, classes.positive))} against {classes.named(classes.negative)}"


def _code_lines(model: Model, folder: Path) -> list[str]:
    """Allow the user's network to run where it lies elsewhere than beside the protocol."""
    named = [("target.network", model.factory)] if ":" in model.factory else []
    if model.factory.startswith("monai:") or not any(code_faults(named, [], folder)):
        return []
    file, _, _ = model.factory.rpartition(":")
    entry = Path(file).parent.as_posix() if file.endswith(".py") else file.split(".")[0]
    return [_line("allow_code", f"[{_text(entry)}]", "where code may come from beside the folder of this protocol")]


def open_points(profile: Profile, proposal: Proposal, model: Model = _NO_MODEL) -> dict[str, str]:
    """Map each key that cannot be guessed to what there is to choose from."""
    points = {}
    if proposal.label is None:
        columns = ", ".join(map(str, profile.frame.columns)) or "none"
        bare = profile.reader == "bids" and not any(counts.participants for counts in profile.datasets)
        missing = "no participants.tsv: write one with participant_id and diagnosis"
        points["column"] = missing if bare else f"no column looks like the class; columns: {columns}"
    if not proposal.classes.positive:
        points["positive"] = proposal.classes.why if proposal.label else "of which column?"
    elif proposal.classes.negative is None:
        points["negative"] = proposal.classes.why
    if not proposal.origins:
        points["origins"] = f"no column says where the images come from; columns: {', '.join(profile.frame.columns)}"
    if model.weights and "split" not in profile.settings:
        column = "" if profile.reader == "bids" else "; or add a column `split` (train, val, test) and set cohort.split"
        points["training_subjects"] = (
            f"which subjects has the network seen? a text file, one subject a line (empty: none of them){column}"
        )
    return points


def _cohort_lines(profile: Profile, proposal: Proposal, model: Model, folder: Path) -> list[str]:
    return [
        f"reader: {profile.reader}",
        *_source_lines(profile, model, folder),
        "label:",
        *_indented(_label_lines(profile, proposal)),
        *_select_lines(profile, proposal),
        *_origin_lines(profile, proposal),
        *_covariate_lines(proposal),
        *_mask_lines(profile, proposal),
    ]


def _source_lines(profile: Profile, model: Model, folder: Path) -> list[str]:
    settings = profile.settings
    if profile.reader == "bids":
        return [
            "roots:",
            *(f"  - {_text(_relative(root, folder))}" for root in profile.source),
            _line("suffix", _text(str(settings["suffix"])), f"found: {profile.choices['suffix']}; a list is channels"),
            *_space_lines(profile),
            *(
                [_line("maps", _flow(profile.settings["maps"]), "guess by its name")]
                if "maps" in profile.settings
                else []
            ),
        ]
    lines = [_line("table", _text(_relative(profile.source[0], folder)))]
    for key in ("image", "features", "subject", "mask", "brain_mask", "tissue", "maps", "split"):
        if key in settings and (key != "split" or model.weights):
            comment = _COLUMN_COMMENTS.get(key, "guess by its name").format(**profile.choices)
            lines.append(_line(key, _flow(settings[key]), comment))
            lines += _measure_lines(profile) if key == "features" else []
    return lines


def _measure_lines(profile: Profile) -> list[str]:
    """Name the columns of numbers that are no features, and those that had better be looked at."""
    measures = profile.measures
    lines = [f"# no features, {reason}: {', '.join(names)}" for reason, names in measures.by_reason.items()]
    if measures.telling:
        listed = ", ".join(measures.telling)
        lines.append(f"# each of these alone tells the classes apart; take out what is no measurement: {listed}")
    return lines


def _space_lines(profile: Profile) -> list[str]:
    spaces = profile.choices.get("space", "")
    if "space" in profile.settings:
        return [_line("space", _text(str(profile.settings["space"])), f"guess; found: {spaces}")]
    return [f"# space: MNI152NLin2009cAsym   # found in names: {spaces}"] if spaces else []


def _label_lines(profile: Profile, proposal: Proposal) -> list[str]:
    points = open_points(profile, proposal)
    lines = []
    if proposal.label is None:
        lines.append(f"# column: ...   # FILL IN: {points['column']}")
    else:
        why = "each dataset is one class" if proposal.label == DATASET else "guess by its name"
        lines.append(_line("column", _text(proposal.label), why))
    counts = Counter(filter(None, dict(zip(profile.subject, proposal.labels, strict=True)).values()))
    listed = ", ".join(f"{value} ({count})" for value, count in counts.most_common())
    if "positive" in points:
        return [*lines, f"# positive: ...   # FILL IN the value that means pathology; found: {listed or 'none'}"]
    positive = list(proposal.classes.positive)
    comment = f"subjects: {listed}" + ("; each is held against the rest" if len(positive) > 1 else "")
    lines.append(_line("positive", _flow(positive[0] if len(positive) == 1 else positive), comment))
    if "negative" in points:
        return [*lines, f"# negative: ...   # FILL IN: {points['negative']}"]
    return [*lines, _line("negative", _text(str(proposal.classes.negative)), f"guess: {proposal.classes.why}")]


def _select_lines(profile: Profile, proposal: Proposal) -> list[str]:
    """Leave out images without a class, and classes too small to be in every fold."""
    unknown = {"positive", "negative"} & open_points(profile, proposal).keys()
    if unknown or proposal.label in (None, DATASET) or proposal.kept.all():
        return []
    names = [str(proposal.classes.negative), *proposal.classes.positive]
    text = f"{proposal.label} in [{', '.join(map(repr, names))}]"
    left_out = int((~proposal.kept).sum())
    reason = f", among them too small classes: {', '.join(proposal.small)}" if proposal.small else ""
    if not re.fullmatch(r"[A-Za-z_]\w*", str(proposal.label)):
        return [f"# FILL IN `select`: {left_out} images have none of the classes{reason}"]
    return [_line("select", json.dumps(text), f"leaves out {left_out} images without one of the classes{reason}")]


def _origin_lines(profile: Profile, proposal: Proposal) -> list[str]:
    points = open_points(profile, proposal)
    if "origins" in points:
        return [f"# origins: [...]   # FILL IN: {points['origins']}"]
    names = [column.name for column in proposal.origins]
    lines = ["# Where the images come from, the primary factor first; every factor gets its own verdict."]
    for column in proposal.origins:
        word = regime_of(proposal, column)
        said = f"{word}: {_REGIMES[word]}" if word else "`biasaudit validate` says how they divide the classes"
        lines.append(f"#   {column.name}: {column.levels} origin(s), {said}")
    others = [f"{column.name} ({column.levels}{_hole(column.missing)})" for column in proposal.others]
    lines.append(_line("origins", _flow(names), f"also there: {', '.join(others)}" if others else ""))
    unused = sorted(unused_columns(profile, proposal).items())
    return [*lines, *(f"# not used, {kind}: {', '.join(columns)}" for kind, columns in unused)]


def _hole(missing: int) -> str:
    return f", empty for {missing} images" if missing else ""


def _covariate_lines(proposal: Proposal) -> list[str]:
    if not proposal.covariates:
        return ["# covariates: [age, sex]   # no column looks like age or sex; U1 holds covariates fixed"]
    return [_line("covariates", _flow(list(proposal.covariates.values())), "U1 holds them fixed beside the class")]


def _mask_lines(profile: Profile, proposal: Proposal) -> list[str]:
    lines = []
    if profile.reader == "bids" and profile.choices.get("mask_labels"):
        labels = profile.settings.get("mask_labels", ["L", "lesion"])
        lines.append(_line("mask_labels", _flow(labels), f"found: {profile.choices['mask_labels']}"))
    if all(profile.marked):
        lesions = sounds_benign(proposal.classes.negative or "")
        comment = "masks in both classes: positive if those of the negative class mark no disease"
        if not lesions:
            comment = "masks in both classes: set all if the disease is a lesion in both"
        lines.append(_line("mask_in", "all" if lesions else "positive", f"guess; {comment}" if lesions else comment))
    if any(profile.marked):
        comment = "true declares: no disease outside the masks, no atrophy, no mass effect"
        lines.append(_line("mask_is_complete", "false", comment))
    return lines


def _grid_lines(profile: Profile) -> list[str]:
    if "features" in profile.settings:
        return []
    return [
        "# All images are brought onto one grid; they must be registered to each other already (docs/data.md).",
        "# grid: {spacing: 4.0}" if profile.dimensions == 3 else "# grid: {shape: [128, 128]}",
    ]


def _arm_lines(profile: Profile, model: Model) -> list[str]:
    if "features" in profile.settings:
        comment = "the columns as they are; `combat` beside them removes the origin, where origins hold both classes"
        return [_line("arms", "[features]", comment)]
    if model.weights:
        return [_line("arms", "[intensity]", "the input that the network was trained on; `biasaudit list` has others")]
    comment = "inputs to audit side by side; see `biasaudit list`"
    complete = {"tissue": all(profile.tissue), "maps": "maps" in profile.settings}
    given = [name for name, there in complete.items() if there]
    if given:
        return [
            _line("arms", _flow(["intensity", *given]), f"{comment}; of these files were found: {', '.join(given)}")
        ]
    hint = "; `tissue` computes approximate maps of images in MNI space" if profile.dimensions == 3 else ""
    return [_line("arms", "[intensity]", comment + hint)]


def _target_lines(profile: Profile, proposal: Proposal, model: Model) -> list[str]:
    if not model.factory and "features" in profile.settings:
        return [
            _line("network", "mlp", "a perceptron; or your own factory: own.py:factory"),
            "training: {epochs: 40, batch_size: 16, weight_decay: 0.1}",
        ]
    if not model.factory:
        return [_line("network", "cnn", "or monai:DenseNet121, or your own factory: package.module:factory")]
    lines = [_line("network", _text(model.factory), "called as (spatial_dims, in_channels, out_channels)")]
    if model.weights:
        lines.append(_line("weights", _text(model.weights), "audited as trained"))
        unstated = open_points(profile, proposal, model).get("training_subjects")
        lines += [f"# training_subjects: seen.txt   # FILL IN: {unstated}"] if unstated else []
    lines.append(_line("# training", "{epochs: 15}", "as you train: loss, optimiser, augment, or fit: own.py:fit"))
    return lines


def _line(key: str, value: str, comment: str = "") -> str:
    text = f"{key}: {value}"
    return f"{text:<{_WIDTH}} # {comment}" if comment else text


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"  {line}" for line in lines]


def _flow(value: object) -> str:
    """YAML of a text or a list of texts on one line."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(_text(str(each), inside_list=True) for each in value) + "]"
    return _text(str(value))


def _text(value: str, *, inside_list: bool = False) -> str:
    """Quote a text where YAML would read it back as something else."""
    bare = _BARE.fullmatch(value) and value.lower() not in _RESERVED and not value.endswith(":")
    safe = bare and ": " not in value and not (inside_list and "," in value)
    return value if safe else json.dumps(value, ensure_ascii=False)


def _relative(path: str, folder: Path) -> str:
    """Path relative to the protocol; the absolute one if that leads more than three folders up."""
    relative = os.path.relpath(path, real_path(folder))
    return path if relative.count("..") > 3 else relative
