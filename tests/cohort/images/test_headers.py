import json

import nibabel as nib
import numpy as np
from PIL import Image

from biasaudit.cohort.images.headers import header_fields, sidecar_values, sidecars_of


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return str(path)


def test_fields_of_a_volume(tmp_path):
    path = str(tmp_path / "x.nii.gz")
    image = nib.Nifti1Image(np.zeros((3, 4, 5), dtype=np.int16), np.diag([-1.0, 1.5, 2.0, 1.0]))
    image.header["descrip"] = b"FSL5.0"
    nib.save(image, path)
    fields = header_fields(path)
    assert [fields[f"size {axis}"] for axis in "xyz"] == [3, 4, 5]
    assert [fields[f"spacing {axis}"] for axis in "xyz"] == [1, 1.5, 2]
    assert (fields["orientation"], fields["data type"], fields["descrip"]) == ("LAS", "int16", "FSL5.0")
    assert fields["sform code"] == 2


def test_fields_of_a_volume_with_a_negative_size_are_those_of_the_image_that_is_read(tmp_path):
    path = tmp_path / "x.nii"
    nib.save(nib.Nifti1Image(np.zeros((3, 4, 5), dtype=np.int16), np.diag([2.0, 1.5, 2.0, 1.0])), path)
    content = bytearray(path.read_bytes())
    content[80:84] = np.float32(-2.0).tobytes()  # pixdim[1]
    content[254:256] = np.int16(0).tobytes()  # sform_code
    content[252:254] = np.int16(1).tobytes()  # qform_code
    path.write_bytes(content)
    fields = header_fields(str(path))
    assert [fields[f"spacing {axis}"] for axis in "xyz"] == [2, 1.5, 2]
    assert fields["orientation"] == "RAS"


def test_fields_of_pictures_and_arrays(tmp_path):
    Image.new("L", (8, 6)).save(tmp_path / "x.png", dpi=(300, 300))
    Image.new("RGB", (8, 6)).save(tmp_path / "x.jpg")
    np.save(tmp_path / "x.npy", np.zeros((4, 3), dtype=np.float32))
    png, jpeg = header_fields(str(tmp_path / "x.png")), header_fields(str(tmp_path / "x.jpg"))
    assert (png["width"], png["height"], png["mode"], round(png["resolution"])) == (8, 6, "L", 300)
    assert (jpeg["format"], jpeg["mode"]) == ("JPEG", "RGB")
    assert jpeg["quantisation"] > 0
    assert header_fields(str(tmp_path / "x.npy")) == {"size x": 4, "size y": 3, "data type": "float32"}


def test_sidecars_are_inherited_the_nearest_last(tmp_path):
    image = tmp_path / "sub-1" / "anat" / "sub-1_acq-x_T1w.nii.gz"
    write(tmp_path / "dataset_description.json", {"Name": "x"})
    top = write(tmp_path / "T1w.json", {"Manufacturer": "GE", "EchoTime": 3})
    write(tmp_path / "T2w.json", {})
    write(tmp_path / "acq-y_T1w.json", {})
    own = write(tmp_path / "sub-1" / "anat" / "sub-1_acq-x_T1w.json", {"EchoTime": 4})
    write(tmp_path.parent / "T1w.json", {"Manufacturer": "of another study"})
    assert sidecars_of([str(image)]) == {str(image): (top, own)}
    assert sidecar_values((top, own)) == {"Manufacturer": "GE", "EchoTime": 4}


def test_without_a_dataset_only_what_lies_beside(tmp_path):
    image = str(tmp_path / "a" / "scan.nii.gz")
    write(tmp_path / "scan.json", {})
    assert sidecars_of([image]) == {}
    own = write(tmp_path / "a" / "scan.json", {})
    assert sidecars_of([image]) == {image: (own,)}


def test_what_names_the_examination_is_left_out(tmp_path):
    content = {"SeriesInstanceUID": "1.2", "AcquisitionTime": "12:00", "PatientName": "x", "StudyDate": "2020"}
    path = write(tmp_path / "a.json", {**content, "ImageType": ["ORIGINAL", "M"], "EchoTime": 2, "None": None})
    assert sidecar_values([path]) == {"ImageType": '["ORIGINAL", "M"]', "EchoTime": 2.0, "None": None}
