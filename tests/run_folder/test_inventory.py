from __future__ import annotations

from biasaudit.run_folder.inventory import read_jobs, write_jobs
from biasaudit.run_folder.place import MARK, mark


def test_the_jobs_of_a_run_are_noted(tmp_path):
    mark(tmp_path, "run")
    assert read_jobs(tmp_path) is None
    write_jobs(tmp_path, ["k1", "k2"])
    assert read_jobs(tmp_path) == ("k1", "k2")
    (tmp_path / MARK / "jobs.json").write_text("{")
    assert read_jobs(tmp_path) is None
