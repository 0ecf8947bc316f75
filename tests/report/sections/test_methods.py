from __future__ import annotations

from biasaudit.report.methods import checklist, methods, references
from biasaudit.report.render import html_page
from biasaudit.report.sections.methods import Methods
from biasaudit.run_folder.reading import load_run


def test_it_holds_what_can_be_pasted(make_run):
    records = load_run(make_run(n=24))
    content = Methods().content(records)
    assert content["methods"] == methods(records)
    assert content["references"] == references(records)
    assert content["checklist"] == checklist(records)


def test_every_paragraph_and_reference_is_printed(make_run):
    records = load_run(make_run(n=24))
    html = html_page(records, {})
    section = html[html.index('<section id="methods"') :]
    section = section[: section.index("</section>")]
    assert section.count("<p>") == len(methods(records)) + 1
    assert section.count("<li>") == len(references(records))
