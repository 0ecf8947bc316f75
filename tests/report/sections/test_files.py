from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

from biasaudit.report.render import html_page, write_report
from biasaudit.run_folder.reading import load_run

Make = Callable[..., Path]


def links(run: Path) -> list[str]:
    section = re.search(r'<section id="files".*?</section>', html_page(load_run(run), {}), re.DOTALL)
    assert section is not None
    return [unquote(link) for link in re.findall(r'href="([^"]+)"', section[0])]


def test_every_link_leads_to_a_file_of_the_run(make_run: Make) -> None:
    run = make_run(n=24)
    (run / "maps" / 'mean "odd" & name.nii.gz').write_bytes(b"")
    (run / "protocol.yaml").write_text("")
    write_report(run)
    found = links(run)
    assert {"audit.json", "junit.xml", "modelcard.md", "tables/scores.tsv"} <= set(found)
    assert 'maps/mean "odd" & name.nii.gz' in found
    assert [link for link in found if not (run / link).is_file()] == []


def test_the_links_do_not_depend_on_whether_the_report_was_written_before(make_run: Make) -> None:
    run = make_run(n=24)
    before = links(run)
    write_report(run)
    assert links(run) == before


def test_maps_that_are_withheld_are_not_linked(make_run: Make) -> None:
    run = make_run(n=24)
    (run / "maps" / "arm-intensity_group-ms_relevance.nii.gz").write_bytes(b"")
    assert "maps/arm-intensity_group-ms_relevance.nii.gz" in links(run)
    audit = json.loads((run / "audit.json").read_text())
    audit["arms"][0]["findings"].append({"code": "G2", "status": "concern"})
    (run / "audit.json").write_text(json.dumps(audit))
    assert "maps/arm-intensity_group-ms_relevance.nii.gz" not in links(run)
