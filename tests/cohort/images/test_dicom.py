from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from dicom_files import write_dicom

from biasaudit.cohort.images.formats import dimensions_of, read_geometry, read_scan
from biasaudit.cohort.images.headers import header_fields
from biasaudit.errors import DataError, UsageError

pydicom = pytest.importorskip("pydicom")

STORED = np.array([[0, 1000, 4095], [7, 2048, 30]], dtype=np.uint16)


def test_shape_dimensions_and_values(tmp_path):
    path = write_dicom(tmp_path / "a.dcm", STORED)
    assert (dimensions_of(path), read_geometry(path)) == (2, ((2, 3), None))
    np.testing.assert_array_equal(read_scan(path).data, STORED.astype(np.float32))
    assert read_scan(write_dicom(tmp_path / "B.DICOM", STORED)).data.shape == (2, 3)


def test_rescaled_to_units_of_the_modality(tmp_path):
    path = write_dicom(tmp_path / "a.dcm", STORED, RescaleSlope=2, RescaleIntercept=-1024)
    np.testing.assert_array_equal(read_scan(path).data, 2.0 * STORED - 1024.0)


def test_signed_values(tmp_path):
    signed = np.array([[-5, 3], [0, 100]], dtype=np.int16)
    path = write_dicom(tmp_path / "a.dcm", signed, PixelRepresentation=1, BitsStored=16, HighBit=15)
    np.testing.assert_array_equal(read_scan(path).data, signed.astype(np.float32))


def test_monochrome1_is_turned_by_the_stored_range(tmp_path):
    path = write_dicom(tmp_path / "a.dcm", STORED, PhotometricInterpretation="MONOCHROME1")
    np.testing.assert_array_equal(read_scan(path).data, 4095.0 - STORED)
    rescaled = {"PhotometricInterpretation": "MONOCHROME1", "RescaleSlope": 2, "RescaleIntercept": 10}
    path = write_dicom(tmp_path / "b.dcm", STORED, **rescaled)
    np.testing.assert_array_equal(read_scan(path).data, 2.0 * (4095.0 - STORED) + 10.0)


def test_modality_table(tmp_path):
    table = pydicom.Dataset()
    table.LUTDescriptor = [4, 0, 16]
    table.LUTData = np.array([5, 50, 500, 5000], dtype="<u2").tobytes()
    table.ModalityLUTType = "US"
    table["LUTData"].VR = "OW"
    path = write_dicom(tmp_path / "a.dcm", np.array([[0, 1], [2, 3]]), ModalityLUTSequence=[table])
    np.testing.assert_array_equal(read_scan(path).data, [[5, 50], [500, 5000]])


def test_padding_becomes_the_darkest_value(tmp_path):
    fields = {"PixelPaddingValue": 0, "PixelPaddingRangeLimit": 10}
    path = write_dicom(tmp_path / "a.dcm", STORED, **fields)
    np.testing.assert_array_equal(read_scan(path).data, [[30, 1000, 4095], [30, 2048, 30]])
    turned = write_dicom(tmp_path / "b.dcm", STORED, PhotometricInterpretation="MONOCHROME1", **fields)
    np.testing.assert_array_equal(read_scan(turned).data, [[0, 3095, 0], [0, 2047, 4065]])


@pytest.mark.parametrize("syntax", ["RLELossless", "DeflatedExplicitVRLittleEndian", "ImplicitVRLittleEndian"])
def test_codings_that_pydicom_reads_by_itself(tmp_path, syntax):
    data = pydicom.dcmread(write_dicom(tmp_path / "a.dcm", STORED))
    if syntax == "RLELossless":
        data.compress(pydicom.uid.RLELossless)
    data.file_meta.TransferSyntaxUID = getattr(pydicom.uid, syntax)
    data.save_as(tmp_path / "b.dcm", enforce_file_format=True)
    np.testing.assert_array_equal(read_scan(str(tmp_path / "b.dcm")).data, STORED)


def test_compressed_without_a_decoder(tmp_path):
    data = pydicom.dcmread(write_dicom(tmp_path / "a.dcm", STORED))
    data.PixelData = pydicom.encaps.encapsulate([b"\xff\xd8\xff\xd9"])
    data["PixelData"].is_undefined_length = True
    data.file_meta.TransferSyntaxUID = pydicom.uid.JPEGLosslessSV1
    data.save_as(tmp_path / "b.dcm", enforce_file_format=True)
    with pytest.raises(DataError, match=r"compressed as JPEG Lossless.*cannot be decoded here; install a decoder"):
        read_scan(str(tmp_path / "b.dcm"))


COLOURS = np.array([[[250, 10, 20], [0, 0, 0], [30, 200, 40]], [[9, 9, 9], [80, 90, 240], [255, 255, 255]]], np.uint8)
IN_COLOUR = {
    "PhotometricInterpretation": "RGB", "SamplesPerPixel": 3, "PlanarConfiguration": 0, "BitsAllocated": 8,
    "BitsStored": 8, "HighBit": 7, "Rows": 2, "Columns": 3,
}  # fmt: skip


def test_red_green_and_blue(tmp_path):
    path = write_dicom(tmp_path / "a.dcm", STORED, **IN_COLOUR, PixelData=COLOURS.tobytes())
    scan = read_scan(path)
    np.testing.assert_array_equal(scan.rgb, np.moveaxis(COLOURS, -1, 0).astype(np.float32))
    np.testing.assert_allclose(scan.data, COLOURS @ [0.299, 0.587, 0.114], rtol=1e-5)
    assert (dimensions_of(path), read_geometry(path)) == (2, ((2, 3), None))


def test_ybr_is_turned_into_rgb(tmp_path):
    ybr = pydicom.pixels.convert_color_space(COLOURS, "RGB", "YBR_FULL")
    fields = {**IN_COLOUR, "PhotometricInterpretation": "YBR_FULL"}
    scan = read_scan(write_dicom(tmp_path / "a.dcm", STORED, **fields, PixelData=ybr.tobytes()))
    np.testing.assert_allclose(scan.rgb, np.moveaxis(COLOURS, -1, 0), atol=2)


def test_grey_stored_as_rgb_is_grey(tmp_path):
    grey = np.repeat(COLOURS[..., :1], 3, axis=2)
    scan = read_scan(write_dicom(tmp_path / "a.dcm", STORED, **IN_COLOUR, PixelData=grey.tobytes()))
    assert scan.rgb is None
    np.testing.assert_allclose(scan.data, grey[..., 0], rtol=1e-6)


def test_palette_by_its_table(tmp_path):
    fields: dict[str, object] = {
        "PhotometricInterpretation": "PALETTE COLOR",
        "BitsAllocated": 8,
        "BitsStored": 8,
        "HighBit": 7,
    }
    tables = {"Red": [0, 255], "Green": [10, 20], "Blue": [200, 7]}
    for name, values in tables.items():
        fields[f"{name}PaletteColorLookupTableDescriptor"] = [2, 0, 8]
        fields[f"{name}PaletteColorLookupTableData"] = bytes(values)
    path = write_dicom(tmp_path / "a.dcm", np.zeros((2, 2)), **fields, PixelData=bytes([0, 1, 1, 0]))
    np.testing.assert_array_equal(read_scan(path).rgb[:, 0], np.array([[0, 255], [10, 20], [200, 7]]))


REFUSED = {
    "several frames": ({"NumberOfFrames": 3, "PixelData": bytes(36)}, "3 frames, expected one; convert the series"),
    "samples": ({"PhotometricInterpretation": "RGB"}, "RGB pixels of 1 samples, expected 3; replace it"),
    "coding": ({"PhotometricInterpretation": "HSV"}, r"HSV pixels, expected grey .* or colour .*; convert it"),
    "palette": ({"PhotometricInterpretation": "PALETTE COLOR"}, "not a readable DICOM file .*; replace it"),
    "no pixels": ({"PixelData": None}, r"without pixels \(Computed Radiography Image Storage\); drop the row"),
    "no size": ({"Rows": None, "Columns": None}, "without Rows, Columns; replace it"),
    "too few pixels": ({"PixelData": bytes(6)}, "hold 6 bytes, whereas its header declares 12; copy the file"),
}


@pytest.mark.parametrize(("fields", "message"), REFUSED.values(), ids=REFUSED)
def test_refused_in_one_line_with_the_remedy(tmp_path, fields, message):
    path = write_dicom(tmp_path / "a.dcm", STORED, **fields)
    with pytest.raises(DataError, match=message) as caught:
        read_scan(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"no image", bytes(128) + b"DICM", bytes(128) + b"DICM\x02\x00\x10"])
def test_damaged(tmp_path, content):
    path = tmp_path / "a.dcm"
    path.write_bytes(content)
    for read in (read_scan, read_geometry):
        with pytest.raises(DataError, match="DICOM file"):
            read(str(path))


def test_truncated_anywhere_is_an_error_of_ours(tmp_path):
    whole = Path(write_dicom(tmp_path / "a.dcm", STORED)).read_bytes()
    for size in range(0, len(whole) - 1, 7):
        (tmp_path / "b.dcm").write_bytes(whole[:size])
        with pytest.raises(DataError, match="DICOM file"):
            read_scan(str(tmp_path / "b.dcm"))


def test_damaged_bytes_are_an_error_of_ours_in_one_line(tmp_path):
    fields = {"RescaleSlope": "2.5", "NumberOfFrames": 1, "PixelPaddingValue": 3, "WindowCenter": [1, 2]}
    whole = Path(write_dicom(tmp_path / "a.dcm", STORED, **fields)).read_bytes()
    chance, path = np.random.default_rng(0), tmp_path / "b.dcm"
    refused: list[str] = []
    for _ in range(400):
        damaged = np.frombuffer(whole, dtype=np.uint8).copy()
        damaged[chance.integers(128, len(whole), 2)] = chance.integers(0, 256, 2)
        path.write_bytes(damaged.tobytes())
        for read in (read_scan, read_geometry, header_fields):
            try:
                read(str(path))
            except DataError as error:
                refused.append(str(error))
    assert len(refused) > 50
    assert not any("\n" in message for message in refused)


def test_header_speaks_of_equipment_and_not_of_people(tmp_path):
    fields = {"ManufacturerModelName": "X 1", "InstitutionName": "North", "StudyDate": "20200101", "PatientAge": "040Y"}
    path = write_dicom(
        tmp_path / "a.dcm", STORED, ReferringPhysicianName="Roe", ImagerPixelSpacing=[0.1, 0.2], **fields
    )
    found = header_fields(path)
    assert (found["manufacturer"], found["model"], found["institution"], found["kVp"]) == ("Acme", "X 1", "North", 120)
    assert (found["height"], found["width"], found["detector pixel spacing"]) == (2, 3, "0.1 x 0.2")
    assert found["transfer syntax"] == pydicom.uid.ExplicitVRLittleEndian
    shown = " ".join(map(str, found.values()))
    assert not any(word in shown for word in ("Doe", "4711", "Roe", "20200101", "040Y"))


def test_without_pydicom_the_extra_is_named(tmp_path, monkeypatch):
    path = write_dicom(tmp_path / "a.dcm", STORED)
    monkeypatch.setitem(sys.modules, "pydicom", None)
    for read in (read_scan, read_geometry, header_fields):
        with pytest.raises(UsageError, match=r"need pydicom, which is not installed; pip install 'biasaudit\[dicom\]'"):
            read(path)
