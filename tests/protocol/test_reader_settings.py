"""A reader outside of the source tree: one file, found through the registry with its own settings."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from PIL import Image

from biasaudit import registry
from biasaudit.errors import DataError, ProtocolError, UsageError
from biasaudit.protocol import (
    CohortSettings,
    GridSettings,
    PhantomCohort,
    Protocol,
    TableCohort,
    dump_protocol,
    json_schema,
    parse_protocol,
)
from biasaudit.protocol.reader_settings import registered_settings, settings_of

FOLDERS = '''
"""Pictures in one folder per class and origin: pneumonia/lyon/s1.png."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from biasaudit.cohort.images.volumes import choose_grid, load_volume
from biasaudit.errors import DataError, Fault
from biasaudit.protocol import CohortSettings, GridSettings
from biasaudit.records import Cohort, Grid, Sample, Volume
from biasaudit.registry import register


class FolderCohort(CohortSettings):
    """One folder per class, in it one per origin."""

    reader: Literal["folders"]
    folder: Path = Field(description="holds a folder per class; relative to the protocol")
    origins: list[str] = ["hospital"]


@register("reader", "folders")
class FolderReader:
    """Pictures in one folder per class and origin."""

    settings: ClassVar[type[CohortSettings]] = FolderCohort

    def read(self, settings: FolderCohort, *, labelled: bool = True) -> Cohort:
        files = sorted(settings.folder.glob("*/*/*.png"))
        if not files:
            raise DataError([Fault(str(settings.folder), "no pictures", "give the folder that holds one per class")])
        positive = settings.label.positives
        negative = next(path.parts[-3] for path in files if path.parts[-3] not in positive)
        samples = tuple(
            Sample(
                subject=path.stem,
                images=(str(path),),
                label=path.parts[-3],
                positive=path.parts[-3] in positive,
                origins={settings.origins[0]: path.parts[-2]},
                where=str(path),
            )
            for path in files
        )
        return Cohort(samples, (negative, *positive), tuple(settings.origins), dimensions=2, channels=1)

    def grid(self, cohort: Cohort, settings: GridSettings) -> Grid:
        return choose_grid(cohort, settings)

    def load(self, sample: Sample, grid: Grid, foreground: str) -> Volume:
        return load_volume(sample, grid, foreground)
'''
TEXT = """\
cohort:
  reader: folders
  folder: pictures
  label: {positive: pneumonia}
"""


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """Import the reader from a file beside the data; its registration is forgotten after the test."""
    registry.names("reader")  # those of the tool must not be forgotten with it
    monkeypatch.setattr(registry, "_components", dict(registry._components))
    path = tmp_path / "scratch" / "folders.py"
    path.parent.mkdir()
    path.write_text(FOLDERS)
    spec = importlib.util.spec_from_file_location("scratch_folders", path)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "scratch_folders", module)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def pictures(tmp_path) -> Path:
    chance = np.random.default_rng(3)
    for number in range(8):
        folder = tmp_path / "pictures" / ("pneumonia", "normal")[number % 2] / ("lyon", "bern")[number // 4]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(chance.integers(1, 255, (12, 16), dtype=np.uint8)).save(folder / f"s{number}.png")
    return tmp_path / "pictures"


def faults(text: str) -> list[str]:
    with pytest.raises(ProtocolError) as caught:
        parse_protocol(text, Path("/study/protocol.yaml"))
    return [str(fault) for fault in caught.value.faults]


class TestReaderOfOneFile:
    def test_its_settings_validate_the_section(self, folders, tmp_path):
        protocol = parse_protocol(TEXT, tmp_path / "protocol.yaml")
        assert type(protocol.cohort) is folders.FolderCohort
        assert protocol.cohort.folder == tmp_path / "pictures"
        assert protocol.cohort.label.positives == ("pneumonia",)
        assert protocol.cohort.min_origin_size == 10

    def test_a_misspelt_key_has_its_line_and_suggestion(self, folders):
        found = faults(TEXT + "  foldr: x\n")
        assert found == ["/study/protocol.yaml:5: cohort.foldr: no such field; did you mean folder?"]

    def test_a_key_in_the_wrong_section_is_sent_home(self, folders):
        assert faults(TEXT + "statistics: {folder: x}\n") == [
            "/study/protocol.yaml:5: statistics.folder: no such field; it belongs at cohort.folder"
        ]

    def test_a_key_of_another_reader_is_refused(self, folders):
        (found,) = faults(TEXT + "  roots: [x]\n")
        assert found.startswith("/study/protocol.yaml:5: cohort.roots: no such field")

    def test_a_missing_key_is_named(self, folders):
        (found,) = faults(TEXT.replace("  folder: pictures\n", ""))
        assert found == "/study/protocol.yaml:1: cohort.folder: required but missing"

    def test_a_misspelt_reader_is_told_its_name(self, folders):
        (found,) = faults(TEXT.replace("reader: folders", "reader: folder"))
        known = "bids, folders, phantom, planted or table"
        assert f"`reader` must be {known}, not 'folder'; did you mean 'folders'?" in found

    def test_survives_dumping(self, folders, tmp_path):
        protocol = parse_protocol(TEXT, tmp_path / "protocol.yaml")
        assert parse_protocol(dump_protocol(protocol), Path("/elsewhere/protocol.yaml")) == protocol
        assert Protocol.model_validate(protocol.model_dump(mode="json")) == protocol

    def test_is_in_the_json_schema(self, folders, tmp_path):
        schema = jsonschema.Draft202012Validator(json.loads(json_schema()))
        section = {"reader": "folders", "folder": "x", "label": {"positive": "p"}}
        schema.validate({"cohort": section})
        assert not schema.is_valid({"cohort": section | {"roots": ["x"]}})

    def test_reads_and_loads(self, folders, pictures, tmp_path):
        protocol = parse_protocol(TEXT, tmp_path / "protocol.yaml")
        reader = registry.get("reader", protocol.cohort.reader)()
        cohort = reader.read(protocol.cohort)
        assert cohort.classes == ("normal", "pneumonia")
        assert {sample.origins["hospital"] for sample in cohort.samples} == {"lyon", "bern"}
        grid = reader.grid(cohort, GridSettings.model_validate({}))
        volume = reader.load(cohort.samples[0], grid, "auto")
        assert volume.image.shape == (1, *grid.shape)
        assert volume.image.max() > 0

    def test_its_faults_are_faults_of_the_data(self, folders, tmp_path):
        protocol = parse_protocol(TEXT, tmp_path / "protocol.yaml")
        with pytest.raises(DataError, match="no pictures"):
            registry.get("reader", "folders")().read(protocol.cohort)


class TestSettingsOf:
    def test_every_registered_reader_has_settings_of_its_name(self):
        found = registered_settings()
        assert list(found) == registry.names("reader")
        assert found["table"] is settings_of("table") is TableCohort
        assert all(issubclass(settings, CohortSettings) for settings in found.values())

    def test_an_unknown_reader_is_refused(self):
        with pytest.raises(UsageError, match="no reader is called 'tabel'; did you mean 'table'"):
            settings_of("tabel")

    @pytest.mark.parametrize("section", ["3", "[a]", "table.tsv", "null"])
    def test_a_section_without_keys_is_refused(self, section):
        (found,) = faults(f"cohort: {section}\n")
        assert found.startswith("/study/protocol.yaml:1: cohort: expected keys and values, such as `reader: table`")

    @pytest.mark.parametrize("section", ["{}", "{reader: }", "{reader: 3}", "{reader: [table]}"])
    def test_a_section_without_the_name_of_a_reader_is_refused(self, section):
        assert faults(f"cohort: {section}\n") == [
            "/study/protocol.yaml:1: cohort: `reader` must be bids, phantom, planted or table"
        ]

    def test_settings_are_taken_as_they_are(self):
        settings = PhantomCohort.model_validate({"reader": "phantom"})
        assert Protocol(cohort=settings).cohort is settings


def test_a_protocol_loads_its_own_reader_alone():
    code = (
        "import sys; from pathlib import Path; from biasaudit.protocol import parse_protocol\n"
        "text = 'cohort: {reader: table, table: t.tsv, label: {positive: ms}, origins: [site]}'\n"
        "parse_protocol(text, Path('p.yaml'))\n"
        "loaded = sorted(name for name in sys.modules if name.startswith('biasaudit.cohort.readers.'))\n"
        "assert 'biasaudit.cohort.readers.table' in loaded\n"
        "assert not {'biasaudit.cohort.readers.bids', 'biasaudit.cohort.readers.phantom', 'torch'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
