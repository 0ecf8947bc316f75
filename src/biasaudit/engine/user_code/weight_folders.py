"""Folders that hold a trained network: a bundle of MONAI, a model of Hugging Face, or one file of weights alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from biasaudit.errors import DataError, Fault
from biasaudit.protocol import TargetSettings
from biasaudit.regular_files import read_json_file, read_regular

__all__ = ["INDEX", "described_by", "file_of_weights", "shards_of", "with_bundle"]

INDEX = ".index.json"
"""End of the name of a file that lists which weights lie in which file."""
_ENDINGS = (".safetensors", ".pt", ".pth", ".ckpt", ".bin", ".tar")
_HUGGING_FACE = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)
_BUNDLE = ("models/model.safetensors", "models/model.pt", "models/model_final.pt")
_CONFIGURES = (".json", ".yaml", ".yml")
_CONFIGURATIONS = ("inference", "evaluate", "train")
_NETWORKS = ("network_def", "network", "net", "model")
_PRETRAINED = "pretrained"
"""Beginning of the arguments by which a network of MONAI fetches weights, or reads them from a file."""
_FETCHING = "EfficientNetBN"
"""Beginning of the names of networks that fetch weights unless told otherwise."""
_MOST = 10_000_000
_SHOWN = 3


def file_of_weights(path: Path) -> Path:
    """Return the file of weights that a folder holds; a path that is no folder as it is.

    Parameters
    ----------
    path : Path
        `target.weights`.

    Raises
    ------
    DataError
        If the folder holds none, or several of which none is named like the one to take.
    """
    if not path.is_dir():
        return path
    if (path / "saved_model.pb").exists():
        raise _refused(path, "a SavedModel of TensorFlow", "give the state dict of a PyTorch network")
    if any(path.glob("**/*zero_pp_rank*")):
        raise _refused(path, "a checkpoint of DeepSpeed in parts", "join it by its zero_to_fp32.py")
    known = [path / name for name in (*_HUGGING_FACE, *_BUNDLE) if (path / name).exists()]
    if known:
        return known[0]
    found = sorted(own for own in path.iterdir() if own.suffix in _ENDINGS and own.is_file())
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(own.name for own in found[:_SHOWN]) + (", ..." if len(found) > _SHOWN else "")
        raise _refused(path, f"a folder with {len(found)} files of weights ({names})", "name one of them")
    if _is_bundle(path):
        remedy = "fetch them: python -m monai.bundle download_large_files --bundle_path " + path.name
        raise _refused(path, "a bundle of MONAI without models/model.pt", remedy)
    raise _refused(path, "a folder without weights", "give a file of weights, such as weights.safetensors")


def shards_of(path: Path) -> list[Path]:
    """List the files that an index divides the weights into; empty for a file of weights.

    Raises
    ------
    DataError
        If the index is not readable, or names files that are not there.
    """
    if not path.name.endswith(INDEX):
        return []
    try:
        placed = read_json_file(path, _MOST)["weight_map"]
        names = sorted({str(name) for name in placed.values()})
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise _refused(path, "no index of files of weights (`weight_map`)", "download it again") from None
    outside = [name for name in names if Path(name).name != name]
    if outside or not names:
        raise _refused(path, f"it names {outside[0] if outside else 'no file'}, expected files beside it", "correct it")
    missing = [name for name in names if not (path.parent / name).is_file()]
    if missing:
        shown = ", ".join(missing[:_SHOWN]) + (", ..." if len(missing) > _SHOWN else "")
        raise _refused(path, f"{len(missing)} of its {len(names)} files are missing: {shown}", "download them all")
    return [path.parent / name for name in names]


def described_by(path: Path) -> list[Path]:
    """List the files of a folder that say which network its weights are of; empty for a file of weights."""
    if not path.is_dir():
        return []
    configurations = [own for own in (path / "configs").glob("*") if own.suffix in _CONFIGURES and own.is_file()]
    return sorted([*configurations, *(own for own in [path / "config.json"] if own.is_file())])


def with_bundle(target: TargetSettings) -> tuple[TargetSettings, tuple[str, ...]]:
    """Take files for folders, and the network of a bundle of MONAI where the protocol names none.

    Only networks of `monai.networks.nets` are made, by name and with plain values: what stands in a bundle may come
    from anybody, and its expressions and scripts are code.

    Parameters
    ----------
    target : TargetSettings

    Returns
    -------
    target, notes

    Raises
    ------
    DataError
    """
    weights = target.weights or []
    folders = [path for path in weights if path.is_dir()]
    if not folders:
        return target, ()
    notes = [f"{path.name}: the weights are its {file_of_weights(path).relative_to(path)}" for path in folders]
    update: dict[str, Any] = {"weights": [file_of_weights(path) for path in weights]}
    bundles = [path for path in folders if _is_bundle(path)]
    if bundles and target.network == "cnn":
        network = _network_of(bundles[0])
        arguments = {**network.arguments, **target.network_arguments}
        update |= {"network": f"monai:{network.name}", "network_arguments": arguments}
        notes.append(f"{bundles[0].name}: the network is monai:{network.name}, as its {network.where} says")
        if network.left_out:
            left = ", ".join(network.left_out)
            notes.append(f"{bundles[0].name}: {left} of its network is left out: its weights are those of the bundle")
    return target.model_copy(update=update), tuple(notes)


@dataclass(frozen=True)
class _Network:
    """A network of MONAI as a bundle describes it, where, and which arguments were left out."""

    name: str
    where: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()


def _is_bundle(path: Path) -> bool:
    return (path / "configs").is_dir()


def _network_of(bundle: Path) -> _Network:
    for where, configuration in _configurations(bundle):
        found = next((configuration[key] for key in _NETWORKS if isinstance(configuration.get(key), Mapping)), None)
        if found is not None:
            return _described(found, configuration, bundle / where, where)
    remedy = "name the network by `target.network`"
    raise _refused(bundle, "no configuration in configs/ describes its network (`network_def`)", remedy)


def _configurations(bundle: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield every configuration that is a mapping, that of inference first."""
    files = sorted((bundle / "configs").glob("*"), key=lambda own: (_rank(own.stem), own.name))
    for file in files:
        if file.suffix not in _CONFIGURES or file.stem == "metadata":
            continue
        try:
            content = read_json_file(file, _MOST) if file.suffix == ".json" else _yaml(file)
        except (OSError, ValueError, RecursionError, YAMLError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise _refused(file, f"it cannot be read ({reason})", "download the bundle again") from None
        if isinstance(content, Mapping):
            yield f"configs/{file.name}", content


def _yaml(file: Path) -> Any:
    return YAML(typ="safe", pure=True).load(read_regular(file, _MOST).decode("utf-8"))


def _rank(stem: str) -> int:
    return _CONFIGURATIONS.index(stem) if stem in _CONFIGURATIONS else len(_CONFIGURATIONS)


def _described(found: Mapping[str, Any], around: Mapping[str, Any], file: Path, where: str) -> _Network:
    """Read name and arguments of a network; whatever is an expression is refused."""
    remedy = "name the network and its arguments by `target.network` and `target.network_arguments`"
    target = str(found.get("_target_", ""))
    package, _, name = target.rpartition(".")
    if not name.isidentifier() or (package and not f"{package}.".startswith("monai.networks.")):
        raise _refused(file, f"its network is {target or 'not named'}, which is none of monai.networks.nets", remedy)
    arguments = {}
    for key, value in found.items():
        if key.startswith("_"):
            continue
        plain = around.get(value[1:]) if isinstance(value, str) and value.startswith("@") else value
        if (plain is None and value is not None) or not _is_plain(plain):
            raise _refused(file, f"the network's {key} is {value!r}, an expression that would be code to run", remedy)
        arguments[str(key)] = plain
    fetched = tuple(key for key, value in arguments.items() if key.startswith(_PRETRAINED) and value)
    kept = {key: value for key, value in arguments.items() if key not in fetched}
    if name.startswith(_FETCHING):
        kept[_PRETRAINED] = False
    return _Network(name, where, kept, fetched)


def _is_plain(value: object) -> bool:
    """Whether a value holds no expression, macro or component."""
    if isinstance(value, str):
        return not value.startswith(("$", "@", "%"))
    if isinstance(value, Mapping):
        return "_target_" not in value and all(_is_plain(own) for own in value.values())
    return all(_is_plain(own) for own in value) if isinstance(value, list | tuple) else True


def _refused(path: Path, message: str, remedy: str) -> DataError:
    return DataError([Fault(str(path), message, remedy)])
