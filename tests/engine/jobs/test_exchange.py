from __future__ import annotations

import pickle
import types
from pathlib import Path

import pytest
from engine.jobs.dask_steps import job

from biasaudit.engine.jobs import dask_worker
from biasaudit.engine.jobs.dask_worker import JobFailed, on_worker
from biasaudit.engine.jobs.exchange import Exchange
from biasaudit.engine.jobs.run import run_job
from biasaudit.engine.jobs.store import Store
from biasaudit.engine.jobs.surroundings import surroundings
from biasaudit.errors import UsageError

pytest.importorskip("fsspec")

FIRST = job("first")
SECOND = job("second", "write", FIRST)


@pytest.fixture(params=["file", "memory", "s3"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A plain folder, an object store in this process, and one that is spoken to as Amazon's is."""
    if request.param == "file":
        return (tmp_path / "store").as_uri()
    if request.param == "memory":
        return f"memory://{tmp_path.name}"
    return str(request.getfixturevalue("bucket"))


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch):
    """A bucket of a server on this machine."""
    pytest.importorskip("s3fs", reason="s3fs and moto are not installed")
    server = pytest.importorskip("moto.server", reason="s3fs and moto are not installed").ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()
    s3fs.S3FileSystem().mkdir("audits")
    yield "s3://audits/run"
    server.stop()


def test_a_finished_job_passes_from_folder_to_folder(url, tmp_path):
    here, there = Exchange(url, tmp_path / "here"), Exchange(url, tmp_path / "there")
    here.require_usable()
    assert run_job(FIRST, tmp_path / "here") is None
    assert not there.has(FIRST.key)
    assert not there.fetch(FIRST.key)
    here.publish(FIRST.key)
    assert there.has(FIRST.key)
    assert there.fetch(FIRST.key)
    read = [(Store(tmp_path / side).folder(FIRST.key) / "pid").read_text() for side in ("here", "there")]
    assert read[0] == read[1]
    assert [path.name for path in (tmp_path / "there" / "jobs").iterdir()] == [FIRST.key]


def test_a_damaged_object_is_no_result(tmp_path):
    here, there = (Exchange((tmp_path / "store").as_uri(), tmp_path / side) for side in ("here", "there"))
    assert run_job(FIRST, tmp_path / "here") is None
    here.publish(FIRST.key)
    (packed,) = (tmp_path / "store").rglob("*.tar")
    packed.write_bytes(packed.read_bytes().replace(b"pid", b"pit", 1))
    assert not there.fetch(FIRST.key)
    packed.write_bytes(b"nothing")
    assert not there.fetch(FIRST.key)
    there.discard(FIRST.key)
    assert not there.has(FIRST.key)


def test_a_worker_fetches_what_it_needs_and_publishes_what_it_made(tmp_path, monkeypatch):
    url = (tmp_path / "store").as_uri()
    monkeypatch.setattr(dask_worker, "_own_folder", lambda: tmp_path / "worker")
    with pytest.raises(JobFailed, match="not in the store"):
        on_worker(pickle.dumps(SECOND), "/nowhere", surroundings(), url)
    on_worker(pickle.dumps(FIRST), "/nowhere", surroundings(), url)
    monkeypatch.setattr(dask_worker, "_own_folder", lambda: tmp_path / "another")
    on_worker(pickle.dumps(SECOND), "/nowhere", surroundings(), url)
    assert Exchange(url, tmp_path / "main").fetch(SECOND.key)
    before = (tmp_path / "store" / "jobs" / f"{SECOND.key}.tar").stat().st_mtime_ns
    on_worker(pickle.dumps(SECOND), "/nowhere", surroundings(), url)
    assert (tmp_path / "store" / "jobs" / f"{SECOND.key}.tar").stat().st_mtime_ns == before


def test_a_store_that_cannot_be_is_one_line(tmp_path):
    with pytest.raises(UsageError, match="nonsense") as error:
        Exchange("nonsense://x", tmp_path)
    assert "\n" not in str(error.value)
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be used"):
        Exchange((tmp_path / "file").as_uri(), tmp_path).require_usable()


def test_a_store_that_forgets_is_refused(tmp_path):
    own = Exchange((tmp_path / "store").as_uri(), tmp_path)
    own._files = types.SimpleNamespace(
        protocol="odd", pipe_file=lambda *words: None, cat_file=lambda name: b"", rm_file=lambda name: None
    )
    with pytest.raises(UsageError, match="does not give back"):
        own.require_usable()
