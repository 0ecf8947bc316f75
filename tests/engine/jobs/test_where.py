from __future__ import annotations

from pathlib import Path

import pytest

from biasaudit.engine.jobs.where import Where
from biasaudit.errors import UsageError


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"scheduler": "tls://a:1", "cluster": Path("slurm.yaml")}, "give one"),
        ({"engine": "local", "scheduler": "tls://a:1"}, "--engine local runs in this process"),
        ({"store": "s3://bucket"}, "--store is for workers on other machines"),
    ],
)
def test_what_excludes_each_other_is_refused(words, told):
    with pytest.raises(UsageError, match=told):
        Where(**{"engine": "dask", **words})
