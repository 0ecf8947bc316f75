"""Ways to store inputs and maps of a cohort: space, and time to write a block and to read one subject of it.

zarr and h5py are no dependencies; `pip install zarr h5py`, or their rows are left out.
"""

from __future__ import annotations

import importlib.util
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from biasaudit.cohort.readers.phantom import PhantomReader
from biasaudit.engine.jobs.stack import Stack, rounded, save_stack
from biasaudit.protocol import GridSettings, PhantomCohort

Read = Callable[[int], np.ndarray]
SUBJECTS, ROUNDS = 16, 5


def study(scratch: Path) -> str:
    inputs = _inputs()
    chance = np.random.default_rng(0)
    maps = (inputs[:, 0] * chance.normal(size=inputs[:, 0].shape)).astype(np.float32)
    lines = [
        "## Storage\n",
        "Command: `python benchmarks/run.py storage`, after `pip install zarr h5py`. One block of "
        f"{SUBJECTS} subjects of {inputs.shape[2:]}; seconds of the processor; a random subject at a time, cast to "
        "float32. Space is relative to the plain array of the same kind.\n",
        "| array | format | space | write, MB/s | open, ms | read a subject, ms |",
        "|---|---|---|---|---|---|",
    ]
    for name, array in (("inputs, float16", inputs), ("maps, float32", maps), ("maps, rounded", rounded(maps))):
        for kind, write, read in _formats():
            lines.append(f"| {name} | {kind} | {_measured(scratch / 'block', array, write, read)} |")
    return "\n".join(lines) + "\n"


def _inputs() -> np.ndarray:
    settings = PhantomCohort.model_validate({"reader": "phantom", "phantom": {"n": SUBJECTS, "design": "crossed"}})
    reader = PhantomReader()
    cohort = reader.read(settings)
    grid = reader.grid(cohort, GridSettings())
    volumes = (reader.load(sample, grid, "auto") for sample in cohort.samples)
    images = [(v.image - v.image[:, v.foreground].mean()) * v.foreground / v.image.std() for v in volumes]
    return np.stack(images).astype(np.float16)


def _formats() -> Iterator[tuple[str, Callable[[Path, np.ndarray], object], Callable[[Path], Read]]]:
    yield "npz, a member each (used)", save_stack, lambda path: Stack([path]).__getitem__
    yield "npy, memory-mapped", _write_npy, lambda path: np.load(path, mmap_mode="r").__getitem__
    if importlib.util.find_spec("zarr"):
        for codec in ("lz4", "zstd"):
            yield f"zarr, Blosc {codec}", lambda path, array, own=codec: _write_zarr(path, array, own), _read_zarr
    if importlib.util.find_spec("h5py"):
        yield "HDF5, shuffled gzip", _write_hdf5, _read_hdf5


def _write_npy(path: Path, array: np.ndarray) -> None:
    with path.open("wb") as file:
        np.save(file, array)


def _write_zarr(path: Path, array: np.ndarray, codec: str) -> None:
    import zarr
    from zarr.codecs import BloscCodec

    compressor = BloscCodec(cname=codec, clevel=1, shuffle="shuffle")
    chunks = (1, *array.shape[1:])
    own = zarr.create_array(str(path), shape=array.shape, dtype=array.dtype, chunks=chunks, compressors=compressor)
    own[:] = array


def _read_zarr(path: Path) -> Read:
    import zarr

    return zarr.open_array(str(path), mode="r").__getitem__


def _write_hdf5(path: Path, array: np.ndarray) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        file.create_dataset("a", data=array, chunks=(1, *array.shape[1:]), shuffle=True, compression=1)


def _read_hdf5(path: Path) -> Read:
    import h5py

    return h5py.File(path, "r")["a"].__getitem__


def _measured(path: Path, array: np.ndarray, write: Callable, read: Callable[[Path], Read]) -> str:
    started = time.process_time()
    write(path, array)
    writing = time.process_time() - started
    size = sum(own.stat().st_size for own in [path, *path.rglob("*")] if own.is_file())
    started = time.process_time()
    one = read(path)
    opening = time.process_time() - started
    rows = np.random.default_rng(1).permutation(np.repeat(np.arange(len(array)), ROUNDS)).tolist()
    started = time.process_time()
    for row in rows:
        np.asarray(one(row)).astype(np.float32)
    reading = (time.process_time() - started) / len(rows)
    assert np.array_equal(one(3), array[3])
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    return f"{size / array.nbytes:.3f} | {array.nbytes / 1e6 / writing:.0f} | {1e3 * opening:.2f} | {1e3 * reading:.2f}"
