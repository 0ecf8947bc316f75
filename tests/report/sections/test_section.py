"""The contract of report sections, asked of every registered one, those of plug-ins too."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from markupsafe import Markup

from biasaudit import registry
from biasaudit.report.page import page_environment
from biasaudit.report.pictures import Picture
from biasaudit.report.render import html_page
from biasaudit.report.views_section import section_views
from biasaudit.run_folder.reading import RunRecords, load_run

NAMES = registry.names("section")
HOSTILE = "<script>alert(1)</script>"

Make = Callable[..., Path]


def printed(records: RunRecords, name: str) -> str | None:
    """Return what a section prints without figures; None where it is left out."""
    bodies = {view.name: str(view.body) for view in section_views(page_environment(), records, {})}
    return bodies.get(name)


@pytest.fixture
def bare(tmp_path: Path) -> RunRecords:
    """The least that a run folder must hold."""
    arm = {"name": "intensity", "primary": True, "verdict": "UNDETERMINED"}
    (tmp_path / "audit.json").write_text(json.dumps({"schema_version": "1.0", "arms": [arm]}))
    return load_run(tmp_path)


@pytest.fixture
def hostile(make_run: Make) -> RunRecords:
    """A run whose names and sentences are markup, wherever one is free to choose them."""
    run = make_run(n=24, regime="nested", arms=("intensity", "tissue"))
    for path in (run / "audit.json", *(run / "tables").glob("*.tsv")):
        text = path.read_text(encoding="utf-8")
        for word in ("intensity", "ofsep-lyon", "ixi-guys"):
            text = text.replace(word, HOSTILE)
        path.write_text(text, encoding="utf-8")
    audit = json.loads((run / "audit.json").read_text(encoding="utf-8"))
    audit |= {"name": HOSTILE, "limits": [HOSTILE], "notes": [HOSTILE], "environment": {HOSTILE: HOSTILE}}
    (run / "audit.json").write_text(json.dumps(audit), encoding="utf-8")
    return load_run(run)


@pytest.mark.parametrize("name", NAMES)
def test_it_says_what_the_page_asks(name: str) -> None:
    section = registry.get("section", name)
    assert section.title
    assert isinstance(section.link, str)
    assert isinstance(section.order, int)
    assert section.template
    assert re.fullmatch(r"[\w-]+", name), "the name becomes an anchor"


@pytest.mark.parametrize("name", NAMES)
def test_content_is_the_same_again_and_changes_nothing(name: str, make_run: Make) -> None:
    records = load_run(make_run(n=24))
    audit, scores = copy.deepcopy(records.audit), records.scores.copy()
    section = registry.get("section", name)()
    first, second = section.content(records), section.content(records)
    assert repr(first) == repr(second)
    assert first is None or (isinstance(first, Mapping) and "pictures" not in first)
    assert records.audit == audit
    assert records.scores.equals(scores)


@pytest.mark.parametrize("name", NAMES)
def test_it_prints_the_least_of_runs_or_is_left_out(name: str, bare: RunRecords) -> None:
    content = registry.get("section", name)().content(bare)
    text = printed(bare, name)
    assert text is None if content is None else text is None or text.strip()


@pytest.mark.parametrize("name", NAMES)
def test_it_prints_a_whole_run(name: str, make_run: Make) -> None:
    records = load_run(make_run(n=24))
    alt = "words for whoever does not see it"
    picture = Picture(Markup(f'<img src="data:,wide" alt="{alt}">'), alt, arm="intensity")
    views = section_views(page_environment(), records, {name: [picture]})
    assert name in [view.name for view in views] or registry.get("section", name)().content(records) is None


@pytest.mark.parametrize("name", NAMES)
def test_markup_in_names_is_only_text(name: str, hostile: RunRecords) -> None:
    text = printed(hostile, name) or ""
    assert "<script" not in text


@pytest.mark.parametrize("name", NAMES)
def test_it_loads_nothing_from_any_network(name: str, make_run: Make) -> None:
    text = printed(load_run(make_run(n=24)), name) or ""
    assert not re.search(r"""(src|srcset)\s*=\s*["']?(?!data:|#)""", text)
    assert not re.search(r"""href\s*=\s*["']?(\w+:|/)""", text)
    assert not re.search(r"<(script|link|iframe|object|embed|base|style)\b", text)


@pytest.mark.parametrize("name", NAMES)
def test_its_anchors_are_on_the_page_once(name: str, make_run: Make) -> None:
    html = html_page(load_run(make_run(n=24)), {})
    anchors = re.findall(r'\bid="([^"]+)"', html)
    assert anchors.count(name) <= 1
    assert len(anchors) == len(set(anchors))
    listed = f'<a href="#{name}">{registry.get("section", name).link}</a>'
    assert (listed in html) == (name in anchors and bool(registry.get("section", name).link))


def test_sections_need_no_torch() -> None:
    program = "import sys; from biasaudit import registry; registry.names('section'); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
