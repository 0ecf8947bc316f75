from __future__ import annotations

from markupsafe import Markup

from biasaudit.report.pictures import Picture
from biasaudit.report.render import html_page
from biasaudit.run_folder.reading import load_run


def test_curves_stand_under_the_name_of_their_input(make_run):
    curve = Picture(Markup('<img src="data:,wide" alt="Loss by epoch.">'), "Loss by epoch.", arm="intensity")
    html = html_page(load_run(make_run(n=24)), {"training": [curve]})
    assert "Training curves, intensity" in html
    assert 'alt="Loss by epoch."' in html


def test_without_curves_the_section_is_left_out(make_run):
    assert 'id="training"' not in html_page(load_run(make_run(n=24)), {})
