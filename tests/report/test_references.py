"""References: complete, written one way, and BibTeX that parses."""

import re

import pytest
from markup_of_papers import bibtex_entries

from biasaudit.report.references import CHECKLIST_WORKS, WORKS, Reference, bibtex, in_words, software

ALL = [*WORKS.values(), *CHECKLIST_WORKS.values()]


@pytest.mark.parametrize("work", ALL, ids=lambda work: work.key)
def test_a_reference_is_complete(work: Reference) -> None:
    assert re.fullmatch(r"[a-z]+\d{4}", work.key)
    assert work.key.endswith(str(work.year))
    assert work.authors
    assert all((work.title, work.venue, work.volume, work.pages))
    assert all(re.fullmatch(r"[^,]+ [A-Z]{1,3}", author) for author in work.authors)
    assert not work.doi or re.fullmatch(r"10\.\d{4,5}/\S+", work.doi)
    assert not work.title.endswith(".")


def test_keys_and_dois_are_of_one_work() -> None:
    assert all(key == work.key for key, work in WORKS.items())
    assert len({work.key for work in ALL}) == len(ALL)
    dois = [work.doi for work in ALL if work.doi]
    assert len(set(dois)) == len(dois)


def test_words_follow_vancouver() -> None:
    assert in_words(WORKS["phipson2010"]).startswith("Phipson B, Smyth GK. Permutation P-values should never be zero:")
    assert in_words(WORKS["phipson2010"]).endswith("2010;9:39. doi:10.2202/1544-6115.1585")
    assert in_words(CHECKLIST_WORKS["CLAIM 2024"]).startswith(
        "Tejani AS, Klontzas ME, Gatti AA, Mongan JT, Moy L, Park SH, et al."
    )
    assert in_words(CHECKLIST_WORKS["TRIPOD+AI"]).startswith(
        "Collins GS, Moons KGM, Dhiman P, Riley RD, Beam AL, Van Calster B, et al."
    )
    assert in_words(software("1.2")) == "The biasaudit developers. biasaudit, version 1.2 [software]."
    assert in_words(software("")) == "The biasaudit developers. biasaudit [software]."


def test_bibtex_parses_and_holds_every_field() -> None:
    entries = bibtex_entries(bibtex([*ALL, software("0.1")]))
    assert list(entries) == [*(work.key for work in ALL), "biasaudit"]
    kind, fields = entries["gretton2012"]
    assert kind == "article"
    assert fields["author"] == ("Gretton, A. and Borgwardt, K. M. and Rasch, M. J. and Schölkopf, B. and Smola, A.")
    assert fields["title"] == "{A kernel two-sample test}"
    assert fields["journal"] == "J Mach Learn Res"
    assert (fields["year"], fields["volume"], fields["pages"]) == ("2012", "13", "723--773")
    assert "doi" not in fields
    assert entries["holm1979"][1]["author"] == "Holm, S."
    assert entries["adebayo2018"][0] == "inproceedings"
    assert entries["adebayo2018"][1]["booktitle"] == "Advances in Neural Information Processing Systems"
    assert entries["collins2024"][1]["author"].endswith("and Van Calster, B. and others")
    assert entries["biasaudit"] == (
        "misc",
        {"author": "{The biasaudit developers}", "title": "{biasaudit, version 0.1 [software]}"},
    )


def test_what_bibtex_acts_on_is_escaped() -> None:
    odd = Reference("odd2020", ("A{B} C", "D_E & sons"), "50 % of #1_{x}", "J & K", 2020)
    ((_, fields),) = bibtex_entries(bibtex([odd])).values()
    assert fields["title"] == r"{50 \% of \#1\_\{x\}}"
    assert fields["journal"] == r"J \& K"
    assert r"D\_E \& sons" in fields["author"]
