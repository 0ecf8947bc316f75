from __future__ import annotations

import pytest

from biasaudit import registry
from biasaudit.errors import UsageError
from biasaudit.report.page import page_environment
from biasaudit.report.views_section import section_views
from biasaudit.run_folder.reading import load_run


@pytest.fixture
def records(make_run):
    return load_run(make_run(n=24))


@pytest.fixture
def add(monkeypatch):
    """Register a section for the time of a test."""
    registry.names("section")  # those of the package first, since only what is registered later is forgotten
    monkeypatch.setattr(registry, "_components", dict(registry._components))

    def section(name, order, template, content):
        parts = {"title": name.title(), "link": "", "order": order, "template": template}
        return registry.register("section", name)(type(name, (), {**parts, "content": lambda self, run: content}))

    return section


def shown(records, **pictures):
    return {view.name: view for view in section_views(page_environment(), records, pictures)}


def test_sections_stand_in_their_order_and_by_name_where_it_is_equal(add, records):
    add("late", 45, "text", {})
    add("early", 35, "text", {})
    add("also_early", 35, "text", {})
    assert list(shown(records)) == ["truth", "methods", "also_early", "early", "limits", "files", "late", "provenance"]


def test_none_and_an_empty_text_leave_a_section_out(add, records):
    add("nothing", 1, "text", None)
    add("blank", 1, "{% for row in rows %}{{ row }}{% endfor %}\n", {"rows": ()})
    assert not {"nothing", "blank"} & set(shown(records))


def test_whatever_a_text_prints_is_escaped(add, records):
    add("hostile", 1, "<p>{{ name }}</p>", {"name": "<script>x</script>"})
    assert shown(records)["hostile"].body == "<p>&lt;script&gt;x&lt;/script&gt;</p>"


def test_the_figures_of_a_section_are_there_under_one_name(add, records):
    add("drawn", 1, "{{ pictures|join(' and ') }}", {})
    assert shown(records, drawn=("one", "two"), truth=())["drawn"].body == "one and two"


def test_filters_and_macros_of_the_page_are_there(add, records):
    template = "{% import 'macros.html.j2' as show %}{{ share|percent }}{{ show.icon('clear') }}"
    add("dressed", 1, template, {"share": 0.5})
    body = shown(records)["dressed"].body
    assert body.startswith("50")
    assert "#icon-clear" in body


def test_a_fault_of_our_own_is_not_hidden(add, records):
    add("broken", 1, "{{ unknown }}", {})
    with pytest.raises(Exception, match="'unknown' is undefined"):
        shown(records)


def test_a_fault_of_a_plug_in_is_one_line_that_names_it(add, records, monkeypatch):
    add("broken", 1, "{{ unknown }}", {})
    monkeypatch.setattr(registry, "plug_in_of", lambda kind, name: "scratch 1.2")
    with pytest.raises(UsageError) as refused:
        shown(records)
    assert str(refused.value) == (
        "the report section 'broken' of scratch 1.2 cannot be printed: UndefinedError: 'unknown' is undefined"
    )
