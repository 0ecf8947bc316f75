"""DICOM files of one picture each, through pydicom (an optional extra).

What a reader sees on a screen also depends on windows and look-up tables for display; they are a choice of the
manufacturer or the operator and are not applied.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np

from biasaudit.cohort.images.array_files import scan_in_colour
from biasaudit.cohort.images.declared import require_voxels
from biasaudit.cohort.images.dicom_frames import require_whole
from biasaudit.cohort.images.scan import DARK_WHITE, Scan
from biasaudit.errors import BiasauditError, DataError, Fault, UsageError
from biasaudit.records import FloatArray
from biasaudit.regular_files import in_bytes, read_regular, read_start

__all__ = ["dicom_fields", "dicom_shape", "read_dicom"]

_GREY = ("MONOCHROME1", "MONOCHROME2")
_COLOUR = ("RGB", "PALETTE COLOR")
_LUMA = "YBR"  # YBR_FULL, YBR_FULL_422, YBR_ICT, ...: the decoder turns them into RGB
_NEEDED = ("Rows", "Columns", "BitsStored", "PixelRepresentation", "PhotometricInterpretation")
_DEFLATED, _META, _MOST_DEFLATED = b"1.2.840.10008.1.2.1.99", 4096, 1 << 30
_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")

# Named one by one, so that what names a patient or a physician cannot come along.
_EQUIPMENT = {
    "modality": "Modality",
    "manufacturer": "Manufacturer",
    "model": "ManufacturerModelName",
    "station": "StationName",
    "serial number": "DeviceSerialNumber",
    "software": "SoftwareVersions",
    "institution": "InstitutionName",
    "department": "InstitutionalDepartmentName",
    "detector": "DetectorType",
    "coil": "ReceiveCoilName",
}
_ACQUISITION = {
    "protocol": "ProtocolName",
    "series": "SeriesDescription",
    "body part": "BodyPartExamined",
    "view": "ViewPosition",
    "laterality": "ImageLaterality",
    "field strength": "MagneticFieldStrength",
    "sequence": "ScanningSequence",
    "echo time": "EchoTime",
    "repetition time": "RepetitionTime",
    "inversion time": "InversionTime",
    "flip angle": "FlipAngle",
    "slice thickness": "SliceThickness",
    "kernel": "ConvolutionKernel",
    "kVp": "KVP",
    "tube current": "XRayTubeCurrent",
    "exposure time": "ExposureTime",
    "exposure": "Exposure",
    "exposure index": "ExposureIndex",
    "filter": "FilterType",
    "grid": "Grid",
    "distance to detector": "DistanceSourceToDetector",
}
_CODING = {
    "height": "Rows",
    "width": "Columns",
    "pixel spacing": "PixelSpacing",
    "detector pixel spacing": "ImagerPixelSpacing",
    "bits allocated": "BitsAllocated",
    "bits stored": "BitsStored",
    "signed": "PixelRepresentation",
    "photometric interpretation": "PhotometricInterpretation",
    "rescale slope": "RescaleSlope",
    "rescale intercept": "RescaleIntercept",
    "window centre": "WindowCenter",
    "window width": "WindowWidth",
    "burned-in annotation": "BurnedInAnnotation",
    "lossy compression": "LossyImageCompression",
}
_FIELDS = {**_EQUIPMENT, **_ACQUISITION, **_CODING}


def read_dicom(path: str, content: bytes, most: int | None = None) -> Scan:
    """Read the picture of one DICOM file.

    Stored values become those of the modality (DICOM PS3.3 C.11.1: slope and intercept, or a table; Hounsfield units
    for CT). MONOCHROME1, where larger values are darker, is turned by its stored range, which is the same for all
    images of one coding. Padding becomes the darkest value.

    Parameters
    ----------
    path : str
        For messages.
    content : bytes
        The whole file.
    most : int, optional
        Largest number of pixels.

    Returns
    -------
    Scan
        In grey, or in colour with red, green and blue as stored; a palette by its table, YBR turned into RGB (PS3.3
        C.7.6.3.1.2).

    Raises
    ------
    UsageError
        pydicom is not installed.
    DataError
        Damaged, no single picture, or coded in a way that cannot be decoded here.
    """
    with _damage_named(path):
        data = _pydicom().dcmread(io.BytesIO(_bounded(content)))
        _require_pixels(path, data)
        _require_one_picture(path, data)
        require_voxels(path, (int(data.Rows), int(data.Columns)), most)
        require_whole(path, data)
        stored = _decoded(path, data)
        coloured = data.PhotometricInterpretation not in _GREY
        scan = scan_in_colour(_rgb(path, stored, data) if coloured else _grey(stored, data))
        turned = () if data.PhotometricInterpretation != "MONOCHROME1" else (DARK_WHITE,)
        return replace(scan, lossy=str(data.get("LossyImageCompression", "")) == "01", remarks=turned)


def _grey(stored: np.ndarray[Any, Any], data: Any) -> FloatArray:
    """Values of the modality, float32 (height, width), large ones bright."""
    values, padding = _modality(stored, data), _padding(stored, data)
    if data.PhotometricInterpretation == "MONOCHROME1":
        values = _turned(values, data)
    if padding.any() and not padding.all():
        values = np.where(padding, values[~padding].min(), values)
    return np.asarray(values, dtype=np.float32)


def dicom_shape(path: str) -> tuple[int, int]:
    """Height and width of one DICOM file, from its header alone.

    Raises
    ------
    UsageError
        pydicom is not installed.
    DataError
        Damaged, or no single picture.
    """
    with _damage_named(path):
        data = _header(path)
        _require_one_picture(path, data)
        return int(data.Rows), int(data.Columns)


def dicom_fields(path: str) -> dict[str, float | str | None]:
    """Return what the header says of equipment, acquisition and coding, and nothing that names a person or a date.

    Parameters
    ----------
    path : str

    Returns
    -------
    dict
        Field in words -> number or text; fields that are absent, empty or damaged are left out.

    Raises
    ------
    DataError
        It is no DICOM file.
    """
    with _damage_named(path):
        data = _header(path)
        fields = {name: _field(data, keyword) for name, keyword in _FIELDS.items()}
        fields["transfer syntax"] = str(data.file_meta.get("TransferSyntaxUID", "")) or None
    return {name: value for name, value in fields.items() if value is not None}


@contextmanager
def _damage_named(path: str) -> Iterator[None]:
    """Turn any error that pydicom raises on a damaged file, of whatever kind, into one fault of the file."""
    try:
        yield
    except BiasauditError:
        raise
    except Exception as error:  # RecursionError and MemoryError among them
        message = f"not a readable DICOM file ({_first_line(error)})"
        raise _fault(path, message, "replace it or drop the row") from None


def _header(path: str) -> Any:
    if _DEFLATED in read_start(path, _META):
        _bounded(read_regular(path))
    return _pydicom().dcmread(path, stop_before_pixels=True)


def _bounded(content: bytes) -> bytes:
    """Return the content of a file, unless it is deflated as a whole and expands without measure."""
    if _DEFLATED in content[:_META]:
        # The file meta information (PS3.10 7.1): preamble, mark, then its own length in the element (0002,0000).
        start = 144 + int.from_bytes(content[140:144], "little")
        expanded = zlib.decompressobj(-zlib.MAX_WBITS).decompress(content[start:], _MOST_DEFLATED + 1)
        if len(expanded) > _MOST_DEFLATED:
            raise ValueError(f"its deflated data expand to more than {in_bytes(_MOST_DEFLATED)}")
    return content


def _pydicom() -> ModuleType:
    try:
        # An optional extra, which only cohorts of DICOM files need.
        import pydicom
    except ImportError:
        raise UsageError("DICOM files need pydicom, which is not installed; pip install 'biasaudit[dicom]'") from None
    # Odd values in fields that nobody asks for shall neither stop an audit nor flood its output.
    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
    return pydicom  # type: ignore[no-any-return]


def _require_pixels(path: str, data: Any) -> None:
    if not any(name in data for name in _PIXELS):
        kind = data.file_meta.get("MediaStorageSOPClassUID")
        raise _fault(path, f"a DICOM file without pixels ({getattr(kind, 'name', 'unknown kind')})", "drop the row")


def _require_one_picture(path: str, data: Any) -> None:
    missing = [name for name in _NEEDED if name not in data]
    if missing:
        raise _fault(path, f"a DICOM file without {', '.join(missing)}", "replace it or drop the row")
    frames = int(data.get("NumberOfFrames") or 1)
    if frames > 1:
        remedy = "convert the series to NIfTI, for instance by `dcm2niix`, or extract one frame"
        raise _fault(path, f"{frames} frames, expected one", remedy)
    coding = str(data.PhotometricInterpretation)
    if coding not in (*_GREY, *_COLOUR) and not coding.startswith(_LUMA):
        message = (
            f"{' '.join(coding.split())} pixels, expected grey ({' or '.join(_GREY)}) or colour (RGB, YBR, palette)"
        )
        raise _fault(path, message, "convert it to a grey picture or to RGB")


def _decoded(path: str, data: Any) -> np.ndarray[Any, Any]:
    try:
        # Decoded to RGB where it is stored as YBR.
        from pydicom.pixels import pixel_array  # see `_pydicom`

        return np.asarray(pixel_array(data))
    except Exception:  # depends on the coding and on the decoders that are installed
        syntax = data.file_meta.get("TransferSyntaxUID")
        if syntax is None or not syntax.is_compressed:
            raise
        remedy = (
            "install a decoder (pylibjpeg with pylibjpeg-libjpeg, or python-gdcm), or decompress the files, for "
            "instance by `gdcmconv --raw IN OUT`"
        )
        raise _fault(path, f"compressed as {syntax.name}, which cannot be decoded here", remedy) from None


def _modality(stored: np.ndarray[Any, Any], data: Any) -> np.ndarray[Any, Any]:
    from pydicom.pixels import apply_modality_lut  # see `_pydicom`

    return np.asarray(apply_modality_lut(stored, data), dtype=np.float64)


def _rgb(path: str, stored: np.ndarray[Any, Any], data: Any) -> FloatArray:
    """Red, green and blue (3, height, width) of a decoded picture in colour."""
    if data.PhotometricInterpretation == "PALETTE COLOR":
        from pydicom.pixels import apply_color_lut  # see `_pydicom`

        stored = apply_color_lut(stored, data)[..., :3]
    if stored.ndim != 3 or stored.shape[-1] != 3:
        message = f"{data.PhotometricInterpretation} pixels of {data.get('SamplesPerPixel')} samples, expected 3"
        raise _fault(path, message, "replace it or drop the row")
    return np.moveaxis(np.asarray(stored, dtype=np.float32), -1, 0)


def _turned(values: np.ndarray[Any, Any], data: Any) -> np.ndarray[Any, Any]:
    """Mirror values at the middle of the range of the stored bits."""
    bits, signed = int(data.BitsStored), bool(data.PixelRepresentation)
    if "ModalityLUTSequence" in data:
        table = np.asarray(data.ModalityLUTSequence[0].LUTData)
        return float(table.min()) + float(table.max()) - values
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    ends = _modality(np.array([low, high]), data)
    return np.asarray(ends.sum() - values)


def _padding(stored: np.ndarray[Any, Any], data: Any) -> np.ndarray[Any, Any]:
    """Mask of the pixels that the equipment declares to be outside of the picture (DICOM PS3.3 C.7.5.1.1.2)."""
    first = data.get("PixelPaddingValue")
    if first is None:
        return np.zeros(stored.shape, dtype=np.bool_)
    last = data.get("PixelPaddingRangeLimit", first)
    return np.asarray((stored >= min(first, last)) & (stored <= max(first, last)))


def _field(data: Any, keyword: str) -> float | str | None:
    try:
        return _plain(data.get(keyword))
    except Exception:  # a damaged value is as good as none; pydicom raises errors of many kinds
        return None


def _plain(value: Any) -> float | str | None:
    """Numbers as they are, everything else as text; several values joined."""
    if value is None or isinstance(value, Mapping):
        return None
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, str):
        return value.strip() or None
    parts = [str(part) for part in value]
    return " x ".join(parts) or None


def _fault(path: str, message: str, remedy: str) -> DataError:
    return DataError([Fault(path, message, remedy)])


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
