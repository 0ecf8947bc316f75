import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from biasaudit.report.methods import checklist
from biasaudit.report.modelcard import model_card
from biasaudit.report.page import coded
from biasaudit.report.render import html_page, write_report
from biasaudit.run_folder.owned import OwnedFiles
from biasaudit.run_folder.reading import load_run

Make = Callable[..., Path]
BOTH = {"regime": "nested", "arms": ("intensity", "tissue")}


class Page(HTMLParser):
    """Tags with attributes, and the text a reader sees."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))
        if tag in ("script", "style"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if not self._open:
            self.words.append(data)


def page(run: Path) -> Page:
    """Read the page without its pictures, which take most of the time."""
    return Page(html_page(load_run(run), {}))


def whole_page(run: Path) -> Page:
    return Page(write_report(run).read_text(encoding="utf-8"))


def edit_audit(run: Path, change: Callable[[dict], None]) -> Path:
    audit = json.loads((run / "audit.json").read_text())
    change(audit)
    (run / "audit.json").write_text(json.dumps(audit))
    return run


def test_page_loads_nothing(finished: Path) -> None:
    html = (finished / "report.html").read_text(encoding="utf-8")
    shown = Page(html)
    for tag, attributes in shown.tags:
        assert tag not in ("link", "iframe", "object", "embed", "base")
        for name in ("src", "href", "srcset"):
            if name in attributes:
                inside = tag == "a" and not re.match(r"\w+:|/", str(attributes[name]))
                assert inside or attributes[name].startswith(("data:", "#")), (tag, name)
    html = re.sub(r"data:[a-z/+]+;base64,[A-Za-z0-9+/=]+", "", html)
    assert "http:" not in html
    assert "https:" not in html
    assert "@import" not in html
    assert "url(" not in html


def test_page_forbids_itself_the_network(make_run: Make) -> None:
    policy = [each for tag, each in page(make_run()).tags if each.get("http-equiv") == "Content-Security-Policy"]
    parts = [part.strip() for part in str(policy[0]["content"]).split(";")]
    assert parts[:-1] == [
        "default-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "img-src data:",
        "style-src 'unsafe-inline'",
    ]
    assert re.fullmatch(r"script-src 'sha256-[\w+/=]+'", parts[-1])


@pytest.mark.parametrize(
    ("regime", "maps", "arms"),
    [("aliased", False, ("intensity",)), ("nested", True, ("intensity",)), ("crossed", False, ("intensity", "tissue"))],
)
def test_every_kind_of_run_makes_a_page(make_run: Make, regime: str, maps: bool, arms: tuple[str, ...]) -> None:
    shown = whole_page(make_run(regime=regime, maps=maps, arms=arms, n=24))
    assert "Most of what separates the classes in this network's scores" in shown.text
    assert ("PATHOLOGY provisional" in shown.text) == (len(arms) > 1)
    assert ("Network inputs compared" in shown.text) == (len(arms) > 1)
    assert ("Maps illustrate and do not prove." in shown.text) == maps


def compared_columns(html: str) -> list[str]:
    """Read the column titles of the tables that compare inputs, one text per table."""
    tables = re.findall(r'<table class="versus">.*?</thead>', html, re.DOTALL)
    return [re.sub(r"^.*?(?=Quantity|Difference )", "", Page(table).text) for table in tables]


def test_one_difference_stands_beside_its_inputs(make_run: Make) -> None:
    html = html_page(load_run(make_run(**BOTH)), {})
    assert compared_columns(html) == ["Quantity intensity tissue intensity minus tissue"]


def test_many_differences_have_a_table_of_their_own_with_a_row_for_each(make_run: Make) -> None:
    arms = ("intensity", "harmonised", "tissue", "even")
    html = html_page(load_run(make_run(regime="nested", arms=arms)), {})
    assert compared_columns(html) == [
        "Quantity intensity harmonised tissue even",
        "Difference AUC of the target Reliance on the signature Attention on lesions (× chance) AUC of the origin",
    ]
    for pair in combinations(arms, 2):
        assert html.count(f'<th scope="row"><bdi>{" minus ".join(pair)}</bdi></th>') == 1


def test_primary_verdict_comes_first(make_run: Make) -> None:
    run = edit_audit(make_run(**BOTH), lambda audit: audit["arms"].reverse())
    text = page(run).text
    assert text.index("ORIGIN provisional") < text.index("PATHOLOGY provisional")


def test_numbers_of_the_verdict_are_shown(make_run: Make) -> None:
    text = page(make_run()).text.replace("\u202f", " ")
    assert "91 % (80 % to 99 %)" in text
    assert "Measured by erasing the lesions (U4); in line with A2." in text
    assert "0.98 (0.95 to 1.00)" in text
    assert "Error rates not yet measured." in text


@pytest.mark.parametrize(
    ("auc", "how", "why"),
    [
        (0.981, "weights", "The same as sampled (0.60 to 0.99): what the source tells of the class adds nothing here."),
        (0.71, "probes", "As sampled, knowing the source is knowing the class."),
        (0.71, "weights", "As sampled, knowing the source tells something of the class."),
    ],
)
def test_the_auc_to_publish_is_given_once_or_with_the_reason_why_it_differs(
    make_run: Make, auc: float, how: str, why: str
) -> None:
    own = {"factor": "origin", "auc": auc, "auc_low": 0.6, "auc_high": 0.99, "how": how, "text": "Measured on 24."}
    run = edit_audit(make_run(n=24), lambda audit: audit["arms"][0]["target"].update(independent=own))
    html = html_page(load_run(run), {})
    text = Page(html).text
    assert f"{why} Measured on 24." in text
    assert ('<div class="figure">0.98 <small>(0.60 to 0.99)' in html) is False
    assert ('<div class="figure">0.71 <small>(0.60 to 0.99)' in html) is (auc < 0.9)
    assert why in model_card(load_run(run))


@pytest.mark.parametrize(("flagged", "factor", "shown"), [("U1", "a", True), ("U1", "b", False), ("A2", "a", False)])
def test_an_e_value_stands_beside_a_flag_of_the_scores_of_its_own_factor(
    make_run: Make, flagged: str, factor: str, shown: bool
) -> None:
    def change(audit: dict) -> None:
        arm = audit["arms"][0]
        arm["flagged"] = [flagged]
        arm["verdicts"][0] |= {"factor": "a", "flagged": [flagged]}
        own = {"code": "D4", "class": "healthy", "factor": factor, "details": {"sensitivity": "the scores of x differ"}}
        arm["findings"].append({**arm["findings"][0], **own})

    text = page(edit_audit(make_run(n=24), change)).text
    assert ("The scores of x differ." in text) is shown


def test_status_has_a_word_and_an_icon(make_run: Make) -> None:
    shown = page(make_run())
    for word in ("Concern", "Clear", "Inconclusive", "Error", "Not applicable"):
        assert word in shown.text
    symbols = {each["id"] for tag, each in shown.tags if tag == "symbol"}
    used = {str(each["href"]).removeprefix("#") for tag, each in shown.tags if tag == "use"}
    assert used <= symbols


def test_names_are_escaped_everywhere(make_run: Make) -> None:
    run = edit_audit(
        make_run(n=24), lambda audit: audit.update(name="<script>x</script>", notes=["<img src=x onerror=y>"])
    )
    shown = whole_page(run)
    assert sum(tag == "script" for tag, _ in shown.tags) == 1
    assert "<img src=x onerror=y>" in shown.text
    assert any("sub-<script>alert(1)</script>" in str(each.get("alt")) for tag, each in shown.tags if tag == "img")
    assert "<script>" not in (run / "modelcard.md").read_text()


def test_the_page_leads_to_the_viewer_where_there_is_one(make_run: Make) -> None:
    run = make_run(n=24)
    links = [each.get("href") for tag, each in page(run).tags if tag == "a"]
    assert "viewer.html" not in links
    (run / "viewer.html").write_text("somebody else's")
    assert "viewer.html" not in [each.get("href") for tag, each in page(run).tags if tag == "a"]
    (run / "viewer.html").unlink()
    OwnedFiles(run).write("viewer", {"viewer.html": b""})
    assert "viewer.html" in [each.get("href") for tag, each in page(run).tags if tag == "a"]


def test_every_picture_has_words(finished: Path) -> None:
    shown = Page((finished / "report.html").read_text(encoding="utf-8"))
    pictures = [each for tag, each in shown.tags if tag == "img"]
    maps = [each for each in pictures if str(each["src"]).startswith("data:image/webp")]
    assert len(maps) == 6 * 2
    assert len(pictures) == len(maps)
    assert len({each["alt"] for each in maps}) == len(maps)
    assert all(len(str(each["alt"])) > 20 for each in pictures)
    plots = [each for tag, each in shown.tags if each.get("class") == "panels"]
    assert len(plots) == 1 + 2 * 3
    assert all(each["role"] == "img" and len(str(each["aria-label"])) > 20 for each in plots)


def test_page_is_readable_by_machines_and_on_phones(make_run: Make) -> None:
    tags = page(make_run()).tags
    assert ("html", {"lang": "en"}) in tags
    assert any(each.get("name") == "viewport" for _, each in tags)
    identifiers = [each["id"] for _, each in tags if "id" in each]
    assert len(identifiers) == len(set(identifiers))
    links = {str(each["href"]) for tag, each in tags if tag == "a"}
    linked = {link[1:] for link in links if link.startswith("#")}
    assert linked <= set(identifiers)


def test_same_run_same_bytes(finished: Path, make_run: Make) -> None:
    runs = [finished, make_run(n=24, **BOTH)]
    write_report(runs[1])
    names = sorted(path.relative_to(runs[0]) for path in runs[0].rglob("*") if path.is_file())
    assert Path("figures/scores_arm-1.svg") in names
    for name in names:
        if name.suffix != ".npz":
            assert (runs[0] / name).read_bytes() == (runs[1] / name).read_bytes(), name


@pytest.mark.parametrize("name", ["subjects", "scores", "relevance", "training"])
def test_each_table_may_be_absent(make_run: Make, name: str) -> None:
    run = make_run(n=24)
    (run / "tables" / f"{name}.tsv").unlink()
    assert "ORIGIN" in whole_page(run).text


def test_audit_of_the_bare_contract_makes_a_page(tmp_path: Path) -> None:
    arm = {
        "name": "intensity",
        "representation": "intensity",
        "primary": True,
        "verdict": "UNDETERMINED",
        "reason": "No masks.",
        "target": {"auc": 0.9, "auc_low": None, "auc_high": None, "balanced_accuracy": None},
        "findings": [],
    }
    audit = {
        "schema_version": "1.0",
        "biasaudit": {},
        "cohort": {"n": 4, "classes": {"a": 2, "b": 2}, "origins": {"site": {"x": 4}}},
        "design": {"regime": "single", "table": {"a": {"x": 2}, "b": {"x": 2}}},
        "arms": [arm],
        "comparisons": [],
    }
    (tmp_path / "audit.json").write_text(json.dumps(audit))
    text = page(tmp_path).text
    assert "This audit cannot tell whether the network reads the disease or where the image comes from." in text
    assert "not known: nothing in this audit measures it" in text
    assert "Error rates of this verdict have not been measured." in text


def test_the_regime_of_every_factor_is_the_one_that_the_verdict_was_given_for(make_run: Make) -> None:
    """Healthy at one vendor, two diseases at the other: an origin holds two classes, but no contrast is crossed."""
    run = make_run(n=24)
    path = run / "tables" / "subjects.tsv"
    vendors = {"label": "vendor", "healthy": "siemens", "ms": "philips", "tumour": "philips"}
    lines = [
        line.replace("\tms\t", "\ttumour\t") if row % 2 else line
        for row, line in enumerate(path.read_text().split("\n"))
    ]
    path.write_text("\n".join(line and f"{line}\t{vendors[line.split(chr(9))[1]]}" for line in lines))

    def three_classes(audit: dict) -> None:
        audit["cohort"]["classes"] = {"healthy": 12, "ms": 6, "tumour": 6}
        audit["cohort"]["origins"]["vendor"] = {"siemens": 12, "philips": 12}
        audit["design"]["factors"] = {"origin": {"regime": "aliased"}, "vendor": {"regime": "aliased"}}

    text = page(edit_audit(run, three_classes)).text
    assert "vendor : one for each class (aliased design)" in text
    assert "crossed" not in text


def test_a_regime_that_an_older_run_did_not_record_is_not_made_up(make_run: Make) -> None:
    text = page(edit_audit(make_run(n=24), lambda audit: audit["cohort"]["origins"].update(scanner={"a": 24}))).text
    assert "origin : one for each class (aliased design)" in text
    assert "scanner : design not recorded" in text


def test_undetermined_says_what_would_settle_it(make_run: Make) -> None:
    def undetermined(audit: dict) -> None:
        audit["arms"][0].update(verdict="UNDETERMINED")
        audit["arms"][0]["verdicts"][0].update(
            verdict="UNDETERMINED", settle="Fifty healthy subjects.", provisional=False
        )

    text = page(edit_audit(make_run(n=24), undetermined)).text
    assert "Get these data Fifty healthy subjects. would settle the verdict on intensity" in text
    assert "Provisional:" not in text


def test_worst_factor_is_the_headline(make_run: Make) -> None:
    def two_factors(audit: dict) -> None:
        first = audit["arms"][0]["verdicts"][0]
        milder = {**first, "factor": "vendor", "verdict": "MIXED", "reason": "Milder."}
        audit["arms"][0]["verdicts"] = [milder, first]

    text = page(edit_audit(make_run(n=24), two_factors)).text
    assert text.index("ORIGIN") < text.index("MIXED")
    assert "vendor : MIXED. Milder." in text


def test_planted_truth_is_named_only_where_there_is_one(make_run: Make) -> None:
    assert "planted truth (simulated cohort): 94 %" in page(make_run(n=24)).text
    real = edit_audit(make_run(n=24), lambda audit: audit["arms"][0].update(truth=None))
    assert "planted truth (simulated" not in page(real).text


def test_pictures_of_two_dimensions(make_run: Make) -> None:
    run = make_run(n=24)
    path = run / "maps" / "overlays.npz"
    with np.load(path) as stored:
        flat = {name.replace("axial", "picture"): stored[name] for name in stored.files if "axial" in name}
    np.savez(path, **flat)
    assert 'class="tiles small"' in write_report(run).read_text()


def test_overlays_without_their_arrays_are_left_out(make_run: Make) -> None:
    run = make_run(n=24)
    (run / "maps" / "overlays.npz").unlink()
    assert "Signed relevance" not in whole_page(run).text


def test_maps_that_failed_are_withheld_and_the_page_says_so(make_run: Make) -> None:
    def fail(audit: dict) -> None:
        reason = "maps failed G2: random weights"
        audit["arms"][0]["findings"].append({"code": "G2", "status": "concern", "reason": reason})

    run = make_run(n=24)
    assert "are withheld" not in page(run).text
    edit_audit(run, fail)
    text = whole_page(run).text
    assert "The maps of the intensity arm are withheld" in text
    assert "Signed relevance" not in text
    assert "Relevance by region" not in text


def test_report_is_small(make_run: Make) -> None:
    assert write_report(make_run(n=200, **BOTH)).stat().st_size < 5_000_000


def test_names_with_markup_for_figures(make_run: Make) -> None:
    run = make_run(n=24)
    path = run / "tables" / "subjects.tsv"
    path.write_text(path.read_text().replace("ixi-guys", "$a_b^$ 病院").replace("ofsep-lyon", "50 % $"))
    assert "$a_b^$ 病院" in whole_page(run).text


def test_backticks_become_code_and_everything_else_is_escaped():
    assert coded("set `a < b` & <go>") == "set <code>a &lt; b</code> &amp; &lt;go&gt;"
    assert coded("one ` alone") == "one ` alone"


def test_a_lower_bound_is_never_drawn_or_told_as_a_two_sided_interval(make_run: Make) -> None:
    def bound(audit: dict) -> None:
        known = {"estimate": None, "low": 0.44, "high": None, "kind": "bound", "from": "U13", "corroborated_by": []}
        for arm in audit["arms"]:
            arm["reliance"] = known
            for verdict in arm["verdicts"]:
                verdict["reliance"] = known

    run = edit_audit(make_run(n=24), bound)
    shown = page(run)
    assert "at least 44 %, upper end unknown" in shown.text.replace("\u202f", " ")
    marks = [attributes.get("class") for tag, attributes in shown.tags if tag == "span"]
    assert "whisker open" in marks
    assert "point" not in marks
    assert "at least 44 %" in model_card(load_run(run)).replace("\u202f", " ")
    assert "at least 44 %" in checklist(load_run(run)).replace("\u202f", " ")
