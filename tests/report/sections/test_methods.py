from __future__ import annotations

import re

from biasaudit.report.checklists import answers
from biasaudit.report.methods import methods, references
from biasaudit.report.render import html_page
from biasaudit.report.sections.methods import Methods
from biasaudit.run_folder.reading import load_run


def test_it_holds_what_can_be_pasted(make_run):
    records = load_run(make_run(n=24))
    content = Methods().content(records)
    assert content["methods"] == methods(records)
    assert content["references"] == references(records)
    listed = [answer for _, _, items in content["checklists"] for answer in items]
    assert tuple(listed) == answers(records)


def test_every_paragraph_reference_and_answer_is_printed(make_run):
    records = load_run(make_run(n=24))
    html = html_page(records, {})
    section = html[html.index('<section id="methods"') :]
    section = section[: section.index("</section>")]
    pasted = re.search(r'<div class="paste">(.*?)</div>', section, re.DOTALL)[1]
    assert pasted.count("<p>") == len(methods(records))
    assert section.count("<li>") == len(references(records))
    assert section.count('<th scope="row">') == len(answers(records))
    assert section.count("<caption>") == 4
