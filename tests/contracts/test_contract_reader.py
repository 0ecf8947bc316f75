"""What every reader owes the engine."""

from __future__ import annotations

import hashlib
import json
import typing
from collections import Counter
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from contracts import example_cohorts

from biasaudit import registry
from biasaudit.errors import DataError
from biasaudit.protocol import CohortSettings, GridSettings, Protocol, dump_protocol, json_schema, parse_protocol

pytestmark = pytest.mark.parametrize("name", registry.names("reader"))
GRID = GridSettings.model_validate({"spacing": 8.0})


def section(name: str, kind: str, folder: Path) -> dict[str, typing.Any]:
    write = getattr(example_cohorts, f"{name}_{kind}", None)
    assert write is not None, (
        f"the reader {name!r} needs a function {name}_{kind} in tests/contracts/example_cohorts.py"
    )
    return write(folder)


@pytest.fixture
def reader(name):
    return registry.get("reader", name)()


@pytest.fixture
def settings(name, tmp_path) -> CohortSettings:
    return Protocol.model_validate({"cohort": section(name, "cohort", tmp_path)}).cohort


@pytest.fixture
def cohort(reader, settings):
    return reader.read(settings)


def content(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def same_volume(first, second) -> None:
    for field in ("image", "foreground", "mask"):
        np.testing.assert_array_equal(getattr(first, field), getattr(second, field))


class TestSettings:
    def test_are_told_by_the_name_of_the_reader(self, name, reader):
        assert issubclass(reader.settings, CohortSettings)
        assert typing.get_args(reader.settings.model_fields["reader"].annotation) == (name,)

    def test_of_a_protocol_are_of_the_class_that_the_reader_names(self, reader, settings):
        assert type(settings) is reader.settings

    def test_survive_dumping(self, settings, tmp_path):
        text = dump_protocol(Protocol(cohort=settings))
        assert parse_protocol(text, tmp_path / "p.yaml").cohort == settings

    def test_are_in_the_json_schema(self, name, tmp_path):
        schema = jsonschema.Draft202012Validator(json.loads(json_schema()))
        written = {"cohort": section(name, "cohort", tmp_path)}
        schema.validate(written)
        assert not schema.is_valid({"cohort": written["cohort"] | {"no_such_key": 1}})


class TestRead:
    def test_one_row_per_image(self, cohort):
        assert len(cohort.samples) == example_cohorts.SUBJECTS
        assert len({sample.where for sample in cohort.samples}) == example_cohorts.SUBJECTS
        assert len({(sample.subject, sample.images) for sample in cohort.samples}) == example_cohorts.SUBJECTS

    def test_every_row_has_its_class_and_origins(self, cohort, settings):
        assert cohort.factors == tuple(settings.origins)
        for sample in cohort.samples:
            assert sample.label in cohort.classes
            assert sample.positive == (sample.label != cohort.classes[0])
            assert set(sample.origins) == set(cohort.factors)
            assert all(sample.origins.values())
        assert min(Counter(sample.label for sample in cohort.samples).values()) >= 2

    def test_paths_are_absolute(self, cohort):
        for sample in cohort.samples:
            paths = [*sample.images, *sample.tissue, *sample.maps, sample.mask, sample.brain_mask]
            assert all(Path(path).is_absolute() for path in paths if path)

    def test_only_patients_have_a_mask(self, cohort):
        marked = [sample for sample in cohort.samples if sample.has_mask]
        assert marked
        assert all(sample.positive for sample in marked)

    def test_deterministic(self, name, settings, cohort):
        assert registry.get("reader", name)().read(settings) == cohort

    def test_new_images_need_no_label(self, reader, settings, cohort):
        unlabelled = reader.read(settings, labelled=False)
        assert [sample.images for sample in unlabelled.samples] == [sample.images for sample in cohort.samples]

    def test_all_faults_are_told_at_once(self, name, reader, tmp_path):
        damaged = reader.settings.model_validate(section(name, "damaged", tmp_path))
        with pytest.raises(DataError) as caught:
            reader.read(damaged)
        faults = caught.value.faults
        assert len(faults) >= 2
        assert all(fault.where and fault.message and fault.remedy for fault in faults)

    def test_leaves_settings_and_files_unchanged(self, reader, settings, tmp_path):
        before, files = settings.model_dump(mode="json"), content(tmp_path)
        reader.read(settings)
        assert settings.model_dump(mode="json") == before
        assert content(tmp_path) == files


class TestLoad:
    def test_grid_has_the_dimensions_of_the_cohort(self, reader, cohort):
        grid = reader.grid(cohort, GRID)
        assert grid.dimensions == cohort.dimensions
        assert all(size > 1 for size in grid.shape)
        assert grid == reader.grid(cohort, GRID)

    def test_shape_and_type(self, reader, cohort):
        grid = reader.grid(cohort, GRID)
        for sample in cohort.samples:
            volume = reader.load(sample, grid, "auto")
            assert volume.image.shape == (cohort.channels, *grid.shape)
            assert volume.image.dtype == np.float32
            assert np.isfinite(volume.image).all()
            assert (volume.foreground.shape, volume.foreground.dtype) == (grid.shape, np.bool_)
            assert (volume.mask.shape, volume.mask.dtype) == (grid.shape, np.bool_)
            assert volume.foreground.any()
            assert bool(volume.mask.any()) == sample.has_mask

    def test_deterministic(self, name, reader, cohort):
        grid = reader.grid(cohort, GRID)
        again = registry.get("reader", name)()
        same_volume(reader.load(cohort.samples[0], grid, "auto"), again.load(cohort.samples[0], grid, "auto"))

    def test_a_volume_may_be_changed_without_a_trace(self, reader, cohort, tmp_path):
        grid, files = reader.grid(cohort, GRID), content(tmp_path)
        sample, first = cohort.samples[0], reader.load(cohort.samples[0], grid, "auto")
        untouched = reader.load(sample, grid, "auto")
        first.image[:] = -99
        same_volume(reader.load(sample, grid, "auto"), untouched)
        assert content(tmp_path) == files
