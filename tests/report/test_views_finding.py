from biasaudit.report.views_finding import against_the_rest, by_kind, finding_view, text_of

CHECKS = {"U1": {"title": "Scores", "kind": "used"}, "G1": {"title": "Competence", "kind": "gate"}}


def test_where_a_finding_was_asked_and_what_it_says():
    finding = {"code": "U1", "status": "concern", "factor": "site", "class": "ms", "input": "erased", "layer": "b1"}
    view = finding_view({**finding, "contrast": "ms", "reason": "scores differ", "details": {"n_pairs": 1}}, CHECKS)
    assert view.where == "site · in ms · input erased · layer b1 · ms against the rest"
    assert (view.title, view.reason, view.details) == ("Scores", "Scores differ.", (("n pairs", "1"),))


def test_kinds_come_in_the_order_of_the_page_and_unknown_ones_last():
    views = [finding_view({"code": code, "status": "clear"}, CHECKS) for code in ("X9", "G1", "U1")]
    assert [[view.code for view in group] for _, group in by_kind(views)] == [["U1"], ["G1"], ["X9"]]


def test_values_in_words():
    assert (text_of(0.12345), text_of("a"), text_of([1, 2]), against_the_rest(None)) == ("0.123", "a", "[1, 2]", "")
