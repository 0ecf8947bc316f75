"""The lock file holds every dependency, by hash, in the versions that are tested."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCKED_EXTRAS = ("cluster", "combat", "dask", "dicom", "tables")


def same(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def lock() -> str:
    return (ROOT / "requirements.lock").read_text("utf-8")


def locked() -> dict[str, set[str]]:
    versions: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)==(\S+)", lock(), re.MULTILINE):
        versions.setdefault(same(name), set()).add(version)
    return versions


def test_every_dependency_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [
        *project["dependencies"],
        *(own for name in LOCKED_EXTRAS for own in project["optional-dependencies"][name]),
    ]
    names = {same(re.split(r"[<>=\[]", own)[0]) for own in wanted} - {"biasaudit"}
    assert names <= set(locked()), "run `make lock`"


def test_locked_versions_are_those_of_the_constraints() -> None:
    rows = [row.split("==") for row in (ROOT / "constraints.txt").read_text("utf-8").splitlines() if "==" in row]
    differing = {
        name: (version, locked()[same(name)])
        for name, version in rows
        if same(name) in locked() and version not in locked()[same(name)]
    }
    assert differing == {}, "run `make lock`"


def test_every_file_has_its_hash_and_no_place_is_named() -> None:
    blocks = re.split(r"^(?=[\w.-]+==)", lock(), flags=re.MULTILINE)[1:]
    assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []
    assert "://" not in lock()
