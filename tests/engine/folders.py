"""Folders of finished jobs, as a step reads them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from biasaudit.engine.jobs.job import Folders, Role


def folders(**by_role: Sequence[Path]) -> Folders:
    """Folders by the names of their roles."""
    return Folders({Role(name): tuple(own) for name, own in by_role.items()})


def with_folders(needs: Folders, **by_role: Sequence[Path]) -> Folders:
    """The same folders, those of some roles exchanged or added."""
    return Folders({**needs, **folders(**by_role)})
