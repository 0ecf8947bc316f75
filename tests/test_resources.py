from __future__ import annotations

import pytest

from biasaudit import resources
from biasaudit.calibration.grid import cells, load_grid
from biasaudit.protocol import load_protocol


def test_ready_protocols_are_found_in_a_checkout():
    assert (resources.protocols_folder() / "demo.yaml").is_file()


def test_templates_are_found_in_a_checkout():
    assert (resources.templates_folder() / "report.html.j2").is_file()


def test_every_ready_protocol_is_valid():
    files = sorted(resources.protocols_folder().glob("*.yaml"))
    assert files
    for file in files:
        if file.stem.startswith("calibration"):
            assert cells(load_grid(file))
        else:
            load_protocol(file)


def test_the_packed_folder_comes_first(tmp_path):
    packed, checkout = tmp_path / "packed", tmp_path / "checkout"
    checkout.mkdir()
    assert resources._first(packed, checkout) == checkout
    packed.mkdir()
    assert resources._first(packed, checkout) == packed


def test_a_damaged_installation_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="the installation is damaged"):
        resources._first(tmp_path / "nowhere")
