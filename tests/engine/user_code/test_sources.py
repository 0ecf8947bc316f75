"""Which files a user's function is made of, and that any change of them is noticed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from biasaudit.engine.jobs import packages
from biasaudit.engine.user_code.functions import find
from biasaudit.engine.user_code.sources import own_sources, own_version

FILES = {
    "own.py": "import numpy\nimport helper\nfrom parts import first\n\n\ndef f(image):\n    from late import x\n",
    "helper.py": "import os.path\nimport nested.deep.module\n",
    "late.py": "x = 1\n",
    "unused.py": "y = 1\n",
    "parts/__init__.py": "from .second import thing\n",
    "parts/first.py": "from . import third\nfrom .. import helper\n",
    "parts/second.py": "from .inner.fourth import *\nthing = 1\n",
    "parts/third.py": "",
    "parts/unused.py": "",
    "parts/inner/__init__.py": "",
    "parts/inner/fourth.py": "from ..fifth import z\nfrom . import *\n",
    "parts/inner/by_star.py": "",
    "parts/fifth.py": "z = 1\nimport own\n",
    "nested/deep/module.py": "",
}
UNUSED = {"unused.py", "parts/unused.py"}


@pytest.fixture
def folder(tmp_path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def names(sources, folder: Path) -> set[str]:
    return {source.relative_to(folder).as_posix() for source in sources}


class TestOwnSources:
    def test_what_a_file_imports_from_its_folder_is_followed(self, folder):
        assert names(own_sources(f"{folder}/own.py:f"), folder) == set(FILES) - UNUSED

    def test_they_are_in_the_order_of_their_names(self, folder):
        sources = own_sources(f"{folder}/own.py:f")
        assert list(sources) == sorted(sources)

    @pytest.mark.parametrize(
        "text", ["def broken(:\n", "x = '\0'\n", "\xff\xfe", "from .....far import x\n", "from . import own\n"]
    )
    def test_a_helper_that_is_no_python_is_a_source_without_imports(self, folder, text):
        (folder / "helper.py").write_text(text, encoding="latin-1")
        found = names(own_sources(f"{folder}/own.py:f"), folder)
        assert "helper.py" in found
        assert "nested/deep/module.py" not in found

    def test_what_is_missing_has_no_sources(self, folder):
        assert own_sources(f"{folder}/absent.py:f") == ()
        assert own_version(f"{folder}/absent.py:f") == ""
        assert own_sources("no_such_package_anywhere.module:f") == ()

    @pytest.mark.parametrize("name", ["cnn", "intensity", "monai:DenseNet121"])
    def test_what_is_built_in_is_not_the_users(self, name):
        assert own_sources(name) == ()
        assert own_version(name) == ""

    def test_a_module_of_the_current_folder(self, folder, monkeypatch):
        monkeypatch.chdir(folder)
        assert names(own_sources("parts.first:f"), folder) >= {"parts/__init__.py", "parts/first.py", "helper.py"}

    def test_of_an_installed_module_its_package_is_followed(self, folder, monkeypatch):
        (folder / "parts" / "third.py").write_text("import late\nimport parts.unused\n")
        monkeypatch.syspath_prepend(str(folder))
        monkeypatch.setattr("biasaudit.engine.user_code.sources._is_installed", lambda found: found == folder)
        found = names(own_sources("parts.first:f"), folder)
        assert "parts/unused.py" in found
        assert not found & {"late.py", "helper.py"}

    def test_modules_of_the_interpreter_do_not_belong_together(self):
        found = {source.name for source in own_sources("colorsys:rgb_to_hsv")}
        assert found == {"colorsys.py"}


class TestOwnVersion:
    @pytest.fixture
    def installed(self, folder, monkeypatch):
        """Have the folder taken for one that a distribution was installed into, and return the record of its files."""
        monkeypatch.syspath_prepend(str(folder))
        monkeypatch.setattr("biasaudit.engine.user_code.sources._is_installed", lambda found: found == folder)
        about = folder / "parts-1.0.dist-info"
        about.mkdir()
        (about / "METADATA").write_text("Name: parts\nVersion: 1.0\n")
        (about / "top_level.txt").write_text("parts\n")
        record = about / "RECORD"
        record.write_text("parts/first.py,sha256=a,1\nparts/second.py,sha256=b,1\n")
        return record

    def test_of_an_installed_package_the_record_is_read_and_no_source_is_followed(self, installed, monkeypatch):
        def never(file):
            raise AssertionError(file)

        monkeypatch.setattr("biasaudit.engine.user_code.sources._parsed", never)
        before = own_version("parts.first:f")
        assert before
        installed.write_text(installed.read_text().replace("sha256=b", "sha256=c"))
        assert own_version("parts.first:f") != before

    def test_an_installed_module_that_was_edited_in_place_is_noticed(self, installed, folder):
        before = own_version("parts.first:f")
        (folder / "parts" / "first.py").write_text(FILES["parts/first.py"] + "# changed\n")
        assert own_version("parts.first:f") != before

    @pytest.mark.parametrize("name", sorted(set(FILES) - UNUSED))
    def test_a_change_of_any_source_is_noticed(self, folder, name):
        before = own_version(f"{folder}/own.py:f")
        (folder / name).write_text(FILES[name] + "# changed\n")
        assert own_version(f"{folder}/own.py:f") != before

    def test_nothing_else_changes_it(self, folder):
        before = own_version(f"{folder}/own.py:f")
        for name in UNUSED:
            (folder / name).write_text("changed = 1\n")
        assert own_version(f"{folder}/own.py:f") == before

    def test_another_place_does_not_change_it(self, folder, tmp_path_factory):
        moved = tmp_path_factory.mktemp("elsewhere") / "there"
        before = own_version(f"{folder}/own.py:f")
        folder.rename(moved)
        assert own_version(f"{moved}/own.py:f") == before

    def test_another_name_of_a_helper_does(self, folder):
        before = own_version(f"{folder}/own.py:f")
        (folder / "late.py").rename(folder / "later.py")
        (folder / "own.py").write_text(FILES["own.py"].replace("late", "later"))
        assert own_version(f"{folder}/own.py:f") != before

    @pytest.mark.skipif(sys.platform == "win32", reason="permissions of another kind")
    def test_a_helper_that_cannot_be_read_is_no_fault(self, folder):
        (folder / "late.py").unlink()
        (folder / "late.py").symlink_to(folder / "late.py")
        assert own_version(f"{folder}/own.py:f")


class TestFind:
    @pytest.fixture
    def value(self, tmp_path, monkeypatch):
        """Call the user's function after its helper was written anew."""
        monkeypatch.setattr(sys, "dont_write_bytecode", True)
        monkeypatch.setattr(sys, "path", list(sys.path))
        (tmp_path / "value_of.py").write_text("from value_helper import VALUE\ndef value():\n    return VALUE\n")
        (tmp_path / "value_helper.py").write_text("from value_source import VALUE\n")

        def call(text: str):
            (tmp_path / "value_source.py").write_text(f"VALUE = {text}\n")
            return find(f"{tmp_path}/value_of.py:value", "arms")()

        yield call
        for name in ("value_helper", "value_source"):
            sys.modules.pop(name, None)

    def test_a_changed_helper_is_imported_anew_in_the_same_process(self, value):
        assert value("1") == 1
        assert value("2") == 2
        assert value("[]") == []

    def test_one_that_stays_is_not(self, value):
        assert value("[]") is value("[]")


def test_the_version_of_a_package_that_a_helper_imports_counts(folder, monkeypatch):
    (folder / "late.py").write_text("import scipy\n")
    before = own_version(f"{folder / 'own.py'}:f")
    real = packages._versions
    monkeypatch.setattr(packages, "_versions", lambda name: (("scipy", "0.1"),) if name == "scipy" else real(name))
    assert own_version(f"{folder / 'own.py'}:f") != before
