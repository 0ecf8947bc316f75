"""Files that a run reads besides images."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from biasaudit.engine.jobs.json_files import read_json
from biasaudit.engine.user_code.sources import own_sources
from biasaudit.engine.user_code.weight_folders import described_by, file_of_weights, shards_of
from biasaudit.protocol import Protocol
from biasaudit.protocol.places import Places, paths_of, roots_of
from biasaudit.run_folder.checksums import checksum_of

__all__ = ["INPUTS", "hashes_of_named", "named_inputs", "read_named"]

_OF_ROOTS = ("participants.tsv", "participants.json")


INPUTS = "inputs.json"
"""SHA-256 of the files that a run has read besides images, which `files.json` knows."""


def hashes_of_named(protocol: Protocol, others: Iterable[str] = ()) -> dict[str, str]:
    """Hash the files that a run reads besides images; see `named_inputs`."""
    return {path: checksum_of(Path(path)).sha256 for path in named_inputs(protocol, others)}


def read_named(run: Path) -> dict[str, str]:
    """Read the hashes of a run, by absolute path; none where they are missing or damaged."""
    try:
        found, places = read_json(run / INPUTS), Places.read(run)
        return {places.absolute(name): str(sha256) for name, sha256 in found.items()}
    except (OSError, ValueError, AttributeError):
        return {}


def named_inputs(protocol: Protocol, others: Iterable[str] = ()) -> list[str]:
    """List the files that a run reads besides images: tables, weights, atlas, own functions and what they import.

    Parameters
    ----------
    protocol : Protocol
    others : iterable of str
        Found while reading, such as sidecars.
    """
    named = [path for path in paths_of(protocol) if os.path.isfile(path)]
    own = (str(file) for path in named if path.endswith(".py") for file in own_sources(f"{path}:_"))
    of_roots = (os.path.join(root, name) for root in roots_of(protocol) for name in _OF_ROOTS)
    of_roots = (path for path in of_roots if os.path.isfile(path))
    return sorted({*named, *own, *others, *of_roots, *_of_weights(protocol)})


def _of_weights(protocol: Protocol) -> Iterator[str]:
    """Yield the files behind weights that are a folder or an index."""
    for path in protocol.target.weights or ():
        file = file_of_weights(path)
        yield from map(str, (file, *shards_of(file), *described_by(path)))
