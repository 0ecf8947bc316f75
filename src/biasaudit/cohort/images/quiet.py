"""Libraries that would write lines of their own to the user's terminal while they read files.

What matters of it is told by the reader, as fault or note.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import warnings
from functools import cache
from pathlib import Path

import PIL

__all__ = ["without_lines_of_libraries"]

_OLD_ARRAY = "Reading `.npy`"
_LIBRARIES = r"(PIL|pydicom|nibabel|nrrd)\b"


def without_lines_of_libraries() -> None:
    """Silence the libraries that read image files: their Python warnings, and what libtiff prints."""
    warnings.filterwarnings("ignore", module=_LIBRARIES)
    warnings.filterwarnings("ignore", message=_OLD_ARRAY)
    _silence_libtiff()


@cache
def _silence_libtiff() -> None:
    """Take away the handlers by which libtiff, which Pillow reads compressed TIFF with, prints to the terminal."""
    for path in _copies_of_libtiff():
        try:
            library = ctypes.CDLL(path)
            library.TIFFSetErrorHandler(None)
            library.TIFFSetWarningHandler(None)
        except (OSError, AttributeError):  # another library of that name, or one that is linked into Pillow
            continue


def _copies_of_libtiff() -> list[str]:
    """Files of libtiff: that which came with Pillow, else that of the system, which Pillow then uses."""
    package = Path(PIL.__file__).parent
    folders = (package.parent / "pillow.libs", package.parent / "Pillow.libs", package / ".dylibs")
    bundled = [str(path) for folder in folders for path in sorted(folder.glob("libtiff*"))]
    of_system = ctypes.util.find_library("tiff")
    return bundled or ([of_system] if of_system else [])
