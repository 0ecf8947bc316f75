"""The short names of the folders and files of a run, and where they are kept."""

from __future__ import annotations

import json
import secrets
import sys
from pathlib import Path
from typing import Any

from biasaudit.cohort.images.file_facts import FileFacts
from biasaudit.engine.jobs.json_files import read_json
from biasaudit.engine.situation.situation import Situation
from biasaudit.errors import UsageError
from biasaudit.protocol.places import (
    PLACES,
    PRIVATE,
    Places,
    paths_of,
    private_places,
    roots_of,
    stored_record,
    write_private,
)
from biasaudit.protocol.pseudonyms import key_file, own_pseudonyms
from biasaudit.run_folder.owned import OwnedFiles

__all__ = ["FILES", "places_of", "read_facts", "require_own_key", "require_places", "stored_places"]

FILES = "files.json"
"""What is known of the files that a run reads."""

_KEY = "key"


def places_of(situation: Situation) -> Places:
    """Name the folders of all files that an audit reads; where it is pseudonymised the files too."""
    protocol = situation.protocol
    sidecars = {path for own in situation.sidecars.values() for path, _ in own}
    files = [*paths_of(protocol), *situation.hashes, *sidecars]
    if not protocol.pseudonymise:
        return Places.around(files, roots_of(protocol))
    named = {**Places.around(files).folders, **_of_this_user()}
    return Places(named, own_pseudonyms().files(sorted(set(files) - set(roots_of(protocol)))))


def _of_this_user() -> dict[str, str]:
    """Name the folders that tell who ran an audit; a traceback may name them."""
    return {"home": str(Path.home()), "python": sys.prefix, "working-folder": str(Path.cwd())}


def stored_places(places: Places, run: Path, *, pseudonymise: bool) -> dict[str, Any]:
    """Return what `PLACES` of a run folder holds; of a pseudonymised run the places themselves are kept elsewhere.

    Parameters
    ----------
    places : Places
    run : Path
        The run folder, whose earlier name in the private folder is kept.
    pseudonymise : bool
        Write the places into the private folder.
    """
    if not pseudonymise:
        return places.to_dict()
    name = str(stored_record(run / PLACES).get(PRIVATE) or secrets.token_hex(8))
    write_private(private_places(name), json.dumps(places.to_dict(), indent=2) + "\n")
    return {PRIVATE: name, _KEY: own_pseudonyms().fingerprint}


def read_facts(run: Path) -> dict[str, FileFacts]:
    """Read what is known of the files of a run, by their absolute paths.

    Raises
    ------
    OSError, ValueError, TypeError, LookupError, AttributeError
        The list is missing or damaged.
    """
    places = Places.read(run)
    absolute = {places.absolute(name): record for name, record in read_json(run / FILES).items()}
    return {path: FileFacts.from_dict({**record, "path": path}) for path, record in absolute.items()}


def require_own_key(run: Path) -> None:
    """Refuse a run whose pseudonyms were made with another key.

    Raises
    ------
    UsageError
    """
    key = stored_record(run / PLACES).get(_KEY)
    if key and not (key_file().exists() and key == own_pseudonyms().fingerprint):
        raise UsageError(
            f"{run}: its pseudonyms were made with another key than yours; BIASAUDIT_PRIVATE names its folder"
        )


def require_places(run: Path) -> None:
    """Refuse a run that came without what says where its input lies.

    Raises
    ------
    UsageError
    """
    path = run / PLACES
    if path.exists():
        name = stored_record(run / PLACES).get(PRIVATE)
        path = private_places(str(name)) if name else path
    if not path.exists() and PLACES in OwnedFiles(run).parts().get("setup", {}):
        raise UsageError(
            f"{path}: missing, and nothing else says where images and code of {run} lie; put it back, or run the audit "
            "anew"
        )
