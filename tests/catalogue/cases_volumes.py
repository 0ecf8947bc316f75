"""What may be wrong with volumes: headers, geometry, formats."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from catalogue.case import SHAPE, Case, sound, write_protocol, write_table

AFFINE = np.diag([4.0, 4.0, 4.0, 1.0])
MIRRORED = np.diag([-4.0, 4.0, 4.0, 1.0])
Spoil = Callable[[Path], None]


def _one(spoil: Spoil, *says: str, code: int = 3) -> Case:
    """Spoil the third image."""

    def make(folder: Path) -> None:
        sound(folder)
        spoil(folder / "2.nii")

    return Case(make, says, code=code)


def _all(spoil: Spoil, *says: str, code: int = 3, **protocol: Any) -> Case:
    """Spoil all eight images."""

    def make(folder: Path) -> None:
        sound(folder)
        write_protocol(folder, **protocol)
        for path in sorted(folder.glob("*.nii")):
            spoil(path)

    return Case(make, says, code=code)


def _content(content: bytes) -> Spoil:
    return lambda path: path.write_bytes(content)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def _zipped_cut(path: Path) -> None:
    path.write_bytes(gzip.compress(path.read_bytes())[:-200])


def _fields(**fields: Any) -> Spoil:
    """Set fields of the header, as ``pixdim__1=0`` for one of several numbers."""

    def spoil(path: Path) -> None:
        content = path.read_bytes()
        header = nib.Nifti1Header(content[:348], check=False)
        for field, value in fields.items():
            name, _, place = field.partition("__")
            if place:
                numbers = np.array(header[name])
                numbers[int(place)] = value
                header[name] = numbers
            else:
                header[name] = value
        path.write_bytes(header.binaryblock + content[348:])

    return spoil


def _data(change: Callable[[np.ndarray], np.ndarray], affine: np.ndarray = AFFINE, **codes: Any) -> Spoil:
    def spoil(path: Path) -> None:
        made = nib.Nifti1Image(change(np.asarray(nib.load(path).dataobj).copy()), affine)  # type: ignore[attr-defined]
        for name, (matrix, code) in codes.items():
            getattr(made, f"set_{name}")(matrix, code)
        nib.save(made, path)

    return spoil


def _coloured(data: np.ndarray) -> np.ndarray:
    found = np.zeros(data.shape, dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    for name in "RGB":
        found[name] = data
    return found


def _named(name: str, write: Callable[[Path], None], *says: str) -> Case:
    """Replace the third image by a file of another name."""

    def make(folder: Path) -> None:
        rows = sound(folder)
        rows[2]["image"] = name
        write_table(folder, rows)
        write(folder / name)

    return Case(make, ("table.tsv:4", *says))


def _masked(mask: Callable[[Path], str], *says: str, code: int = 3) -> Case:
    """Give the patients a mask, which is a file that the function writes."""

    def make(folder: Path) -> None:
        rows = sound(folder)
        for row in rows[1::2]:
            row["mask"] = mask(folder / row["subject"])
        write_table(folder, rows)

    return Case(make, says, code=code)


def _mask(change: Callable[[np.ndarray], np.ndarray], affine: np.ndarray = AFFINE) -> Callable[[Path], str]:
    def write(path: Path) -> str:
        mask = np.zeros(SHAPE, np.float32)
        mask[3:5, 3:5, 3:5] = 1
        nib.save(nib.Nifti1Image(change(mask), affine), path.with_suffix(".nii"))
        return f"{path.name}.nii"

    return write


def _link(path: Path) -> None:
    path.unlink()
    os.symlink(".git/annex/objects/aa/MD5E--2.nii", path)


NAN, HUGE = np.float32("nan"), np.float32(1e30)
NRRD = b"NRRD0004\ntype: float\ndimension: 3\nsizes: 8 9 7\nendian: little\nencoding: raw\n\n"

CASES: dict[str, Case] = {
    "an empty file": _one(_content(b""), "table.tsv:4", "2.nii", "it is an empty file", "copy the file again"),
    "a file of zeros": _one(_content(bytes(4000)), "2.nii", "it is zeros alone", "copy the file again"),
    "a web page": _one(_content(b"<html>404</html>"), "2.nii", "a web page", "download the file again"),
    "a pointer of Git LFS": _one(_content(b"version https://git-lfs.github.com/spec/v1\n"), "2.nii", "git lfs pull"),
    "a pointer of git-annex": _one(_content(b"/annex/objects/MD5E-s9--x.nii\n"), "2.nii", "datalad get"),
    "a link whose content was not fetched": _one(_link, "table.tsv:4", "2.nii", "content is not here", "datalad get"),
    "a ZIP archive": _one(_content(b"PK\x03\x04" + bytes(99)), "2.nii", "it is a ZIP archive", "unpack it"),
    "compressed by bzip2": _one(_content(b"BZh91AY&SY"), "2.nii", "compressed by bzip2", "decompress it"),
    "a DICOM file of another name": _one(
        _content(bytes(128) + b"DICM" + bytes(99)), "2.nii", "it is a DICOM file", "dcm2niix"
    ),
    "text": _one(_content(b"hello world\n" * 99), "2.nii", "it has no NIfTI header", "replace it"),
    "all files are text": _all(
        _content(b"hello\n" * 99), "table.tsv:2", "no NIfTI header", "8 files: 0.nii, 1.nii, 2.nii and 5"
    ),
    "fewer bytes than declared": _one(_cut, "2.nii", "declares 2.4 kB, whereas the file holds at most 2.3 kB"),
    "truncated compressed data": _one(_zipped_cut, "2.nii", "truncated", "copy the file again"),
    "more voxels than allowed": _one(
        _fields(dim__1=30000, dim__2=30000, dim__3=30000), "2.nii", "30000 x 30000 x 30000", "cohort.limits.voxels"
    ),
    "a negative size": _one(_fields(dim__2=-5), "2.nii", "expected 2 to 4 axes"),
    "a size of zero": _one(_fields(dim__2=0), "2.nii", "expected 2 to 4 axes"),
    "voxels beyond the file": _one(_fields(vox_offset=1e9), "2.nii", "whereas the file holds at most"),
    "a data type that is not known": _one(_fields(datatype=9999), "2.nii", "not a readable .nii image"),
    "complex numbers": _one(
        _data(lambda data: data.astype(np.complex64)), "2.nii", "complex numbers, expected real numbers"
    ),
    "colours": _one(_data(_coloured), "2.nii", "in colour (RGB24), expected one number per voxel"),
    "header and voxels in two files": _one(_fields(magic=b"ni1"), "2.nii", "pair of files (.hdr, .img)", "replace it"),
    "no voxel size and no transformation": _all(
        _fields(sform_code=0, qform_code=0, pixdim__1=0), "0.nii", "no voxel size (pixdim 0 x 4 x 4)", "8 files"
    ),
    "a voxel size that is no number": _one(
        _fields(sform_code=0, qform_code=1, pixdim__3=NAN), "2.nii", "no voxel size (pixdim 4 x 4 x nan)"
    ),
    "a singular sform": _one(_fields(srow_x=0, srow_y=0, srow_z=0), "2.nii", "its affine is singular"),
    "an sform of no numbers": _one(_fields(srow_x=NAN), "2.nii", "its affine is singular"),
    "a singular sform beside a qform": _one(
        _data(lambda data: data, qform=(AFFINE, 1), sform=(np.zeros((4, 4)), 1)),
        "the sform of the header is singular: the qform is taken",
        "2.nii",
        code=0,
    ),
    "left and right in two ways": _all(
        _data(lambda data: data, qform=(AFFINE, 1), sform=(MIRRORED, 1)),
        "disagree about directions (LAS and RAS), so about which side is left",
        "8 files",
        code=0,
    ),
    "no transformation at all": _all(
        _fields(sform_code=0), "not where the image lies or which side is left", "8 files", code=0
    ),
    "voxel sizes beside another sform": _one(
        _fields(pixdim__1=1),
        "differ from those of the sform, which is taken",
        "2.nii",
        "by site: a 0 of 4, b 1 of 4",
        code=0,
    ),
    "micrometres": _all(
        _fields(
            xyzt_units=3,
            srow_x=[4000, 0, 0, 0],
            srow_y=[0, 4000, 0, 0],
            srow_z=[0, 0, 4000, 0],
            pixdim=[1, 4000, 4000, 4000, 1, 1, 1, 1],
        ),
        "sizes in micrometres in the header, converted to millimetres",
        "8 files",
        code=0,
    ),
    "one image in metres that are none": _one(
        _fields(xyzt_units=1),
        "2.nii",
        "a field of view of 3.6e+04 mm, whereas most have 36 mm",
        "the unit in the header",
    ),
    "one image of another size": _one(
        _data(lambda data: data, np.diag([0.1, 0.1, 0.1, 1])),
        "2.nii",
        "field of view of 0.9 mm, whereas most have 36 mm",
    ),
    "voxels of a metre": _all(
        _data(lambda data: data, np.diag([1000.0, 1000, 1000, 1])),
        "voxels of 1000 x 1000 x 1000 mm: is the unit",
        code=0,
        grid={"spacing": None},
    ),
    "single slices": _all(
        _data(lambda data: data[:, :, 3:4] + 0),
        "a volume of one slice, read as a picture",
        "8 files",
        code=0,
        grid={"spacing": None},
    ),
    "slices of several volumes": _all(
        _data(lambda data: np.stack([data[:, :, 3:4]] * 2, -1)), "0.nii", "2 volumes of one slice each", "8 files"
    ),
    "a time series": _all(
        _data(lambda data: np.stack([data] * 20, -1)), "20 volumes, more than 16: a time series", "fslroi", "8 files"
    ),
    "five axes": _one(_data(lambda data: data[..., None, None] + np.zeros(3)), "2.nii", "expected 2 to 4 axes"),
    "another number of volumes": _one(
        _data(lambda data: np.stack([data, data], -1)), "2.nii", "2 channels, whereas most images have 1"
    ),
    "values that are no numbers": _one(_data(lambda data: data + NAN), "2.nii", "NaN or infinite values", "fslmaths"),
    "infinite values": _all(
        _data(lambda data: np.where(data > 0, np.inf, 0).astype("f4")),
        "NaN or infinite values (8 files: 0.nii, 1.nii, 2.nii and 5 more)",
    ),
    "nothing but one value": _one(_data(lambda data: 0 * data + 7), "2.nii", "every voxel is 7"),
    "values beyond arithmetic": _one(_data(lambda data: data * HUGE), "2.nii", "expected below 1e+15", "rescale"),
    "small images on the usual grid": _all(
        _data(lambda data: data, np.diag([0.4, 0.4, 0.4, 1])),
        "the common grid has voxels of 0.4 x 0.4 x 0.4 mm, finer than the usual 4 mm",
        code=0,
        grid={"spacing": None},
    ),
    "few voxels across": _all(
        _data(lambda data: data),
        "the foreground spans 2 x 2 x 2 voxels of the common grid",
        code=0,
        grid={"spacing": 8.0},
    ),
    "an extension that is not read": _named(
        "c.mat", _content(b"MATLAB 5.0"), "c.mat", ".mat is not supported", "use .nii"
    ),
    "voxels in a file beside the header": _named(
        "c.mhd", _content(b"NDims = 3\n"), "c.mhd", "two files", "convert it to .nii.gz"
    ),
    "an NRRD without voxel sizes": _named("c.nrrd", _content(NRRD + bytes(2016)), "c.nrrd", "no voxel size"),
    "a MetaImage without a header": _named("c.mha", _content(b"\x00\x01" * 99), "c.mha", "no MetaImage header"),
    "an array of objects": _named(
        "c.npy", lambda path: np.save(path, np.array([{}, []], dtype=object)), "c.npy", "its voxels are objects"
    ),
    "a picture among volumes": _named(
        "c.npy", lambda path: np.save(path, np.eye(40)), "c.npy", "2-D, whereas most images are 3-D"
    ),
    "an array of four channels": _named(
        "c.npy",
        lambda path: np.save(path, np.ones((40, 40, 4))),
        "c.npy",
        "no picture, none in colour (3 channels) and no volume",
    ),
    "a mask of another shape": _masked(
        _mask(lambda mask: mask[:-1]),
        "s1.nii",
        "mask of shape 7 x 9 x 7, its image has 8 x 9 x 7",
        "resample the mask onto the image",
    ),
    "masks with negative values": _masked(
        _mask(lambda mask: mask - 1), "s1.nii: mask with values from -1 to 0", "(4 files"
    ),
    "a mask of the whole image": _masked(
        _mask(lambda mask: mask + 1), "s1.nii: the pathology mask covers 100% of the", "(4 files"
    ),
    "empty masks": _masked(_mask(lambda mask: 0 * mask), "the pathology mask is empty: s1, s3, s5, s7", code=0),
    "masks of several values": _masked(
        _mask(lambda mask: mask * np.arange(8)[:, None, None]),
        "masks with several values, binarised at > 0: s1",
        code=0,
    ),
}
