from __future__ import annotations

from biasaudit.engine.jobs.scratch import scratch


def test_scratch_is_empty_at_the_start_and_gone_at_the_end(tmp_path):
    left = tmp_path / ".scratch" / "left"
    left.mkdir(parents=True)
    with scratch(tmp_path) as own:
        assert list(own.iterdir()) == []
        (own / "file").touch()
    assert not left.parent.exists()
