"""Files that travel with the package, found the same way from a checkout and from an installed wheel."""

from __future__ import annotations

from pathlib import Path

__all__ = ["measured_checks", "measured_pictures", "measured_rates", "protocols_folder", "templates_folder"]

_PACKAGE = Path(__file__).parent
_CHECKOUT = _PACKAGE.parent.parent


def protocols_folder() -> Path:
    """Folder of the ready protocols."""
    return _first(_PACKAGE / "_protocols", _CHECKOUT / "protocols")


def templates_folder() -> Path:
    """Folder of the report's Jinja2 templates."""
    return _first(_PACKAGE / "_templates", _CHECKOUT / "reports" / "templates")


def measured_rates() -> Path:
    """Path of the rates that `biasaudit calibrate` measured for this version; absent before the first measurement."""
    return _PACKAGE / "calibration" / "measured.json"


def measured_checks() -> Path:
    """Path of the measured worth of the checks that have no vote, from a grid of their own."""
    return _PACKAGE / "calibration" / "measured-checks.json"


def measured_pictures() -> Path:
    """Path of the rates that were measured on real pictures."""
    return _PACKAGE / "calibration" / "measured-pictures.json"


def _first(*folders: Path) -> Path:
    for folder in folders:
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"the installation is damaged: none of {', '.join(map(str, folders))} exists; reinstall")
