from __future__ import annotations

from biasaudit.run_folder.stored_job import DONE, Repair, StoredJob, sealed_record


def test_the_marker_knows_every_file_and_what_was_repaired(tmp_path):
    (tmp_path / "a.npy").write_bytes(b"one")
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "b.npy").write_bytes(b"two")
    job, repair = StoredJob(tmp_path), Repair("2026-01-01", "a.npy: missing")
    assert not job.is_sound()
    (tmp_path / DONE).write_text(sealed_record(tmp_path, [repair]))
    assert job.is_sound()
    assert job.repairs() == [repair]
    (tmp_path / "a.npy").write_bytes(b"onf")
    (tmp_path / "inner" / "b.npy").unlink()
    assert [name for name, _ in job.differences()] == ["a.npy", "inner/b.npy"]
    (tmp_path / DONE).write_bytes((tmp_path / DONE).read_bytes().replace(b"one", b"onf").replace(b"3", b"4"))
    assert list(job.differences()) == [(DONE, "damaged: the record of the job's files")]
    assert job.repairs() == []
