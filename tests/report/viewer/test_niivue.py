"""The script is read from the installed package, in a version that was tried, or not at all."""

from __future__ import annotations

import sys

import pytest

from biasaudit.report.viewer.niivue import KNOWN, niivue


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Return a function that installs a package with such a script."""

    def install(script: str | None) -> str:
        folder = tmp_path / "carrier" / "_assets" / "js"
        folder.mkdir(parents=True, exist_ok=True)
        (tmp_path / "carrier" / "__init__.py").write_text("raise RuntimeError('imported')")
        if script is not None:
            (folder / "niivue.umd.js").write_text(script)
        monkeypatch.syspath_prepend(tmp_path)
        return "carrier"

    return install


def test_the_installed_one_is_known():
    found = niivue()
    assert found is not None, "nilearn carries another version: try the page with it, and add it to KNOWN"
    assert found.version in KNOWN
    assert len(found.script) > 1_000_000


def test_a_known_version_is_read_and_the_package_is_not_imported(package):
    found = niivue(package('const z={version:"0.68.1"}'))
    assert found is not None
    assert found.version == "0.68.1"
    assert "carrier" not in sys.modules


@pytest.mark.parametrize(
    "script",
    [
        None,
        "no version at all",
        'const z={version:"0.67.0"}',
        'const z={version:"0.68.1-alpha"}',
        'const z={version:"0.68.1"};"</script>"',
        'const z={version:"0.68.1"};"<!--"',
    ],
)
def test_what_is_missing_unknown_or_would_end_the_element_is_not_used(package, script):
    assert niivue(package(script)) is None


def test_without_the_package_there_is_none():
    assert niivue("no_such_package_anywhere") is None
