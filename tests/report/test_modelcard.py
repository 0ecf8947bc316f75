"""The model card: readable Markdown in which nothing acts, and a head that Hugging Face reads."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard
from huggingface_hub.repocard_data import EvalResult, eval_results_to_model_index
from markdown_it import MarkdownIt

from biasaudit.report.model_index import card_data
from biasaudit.report.modelcard import model_card
from biasaudit.report.render import write_report
from biasaudit.run_folder.reading import RunRecords, load_run

Make = Callable[..., Path]

HOSTILE = (
    'x"\n---\nlicense: mit\n---\n# <script>alert(1)</script> [a](javascript:b) | !!python/object:os.system \u2028'
    "\x07 \u202e &lt;b&gt; {{ 7 * 7 }} 🧠"
)


def test_model_card(make_run: Make) -> None:
    text = model_card(load_run(make_run(arms=("intensity", "tissue"), regime="nested", n=24)))
    for part in (
        "Intended use",
        "METRICS (item 19",
        "TRIPOD+AI",
        "methods/checklists.tsv",
        "### Input intensity: ORIGIN (provisional)",
    ):
        assert part in text
    assert "| origin | healthy | ms |\n|---|---:|---:|\n" in text
    assert "| ofsep-lyon | 0 | 6 |\n" in text
    assert "\n\n\n" not in text


def loaded(text: str) -> ModelCard:
    return ModelCard(text, ignore_metadata_errors=False)


def results(text: str) -> list[EvalResult]:
    found = loaded(text).data.eval_results
    assert found
    return found


def edited(records: RunRecords, change: Callable[[dict[str, Any]], object]) -> RunRecords:
    change(records.audit)
    return records


def test_hugging_face_reads_verdict_reliance_and_auc(make_run: Make) -> None:
    records = load_run(make_run(arms=("intensity", "tissue"), regime="nested", n=24))
    data = loaded(model_card(records)).data
    assert data.library_name == "biasaudit"
    assert data.pipeline_tag == "image-classification"
    assert {"bias-audit", "medical-imaging", "verdict-origin"} <= set(data.tags)
    assert data.model_name == "Healthy vs MS, raw against tissue maps"
    found = {(each.metric_type, each.metric_args["input"]): each for each in data.eval_results}
    assert found["verdict", "intensity"].metric_value == "ORIGIN"
    assert found["verdict", "tissue"].metric_value == "PATHOLOGY"
    reliance = found["reliance", "intensity"]
    assert reliance.metric_value == 0.91
    own = {"input": "intensity", "factor": "origin", "low": 0.8, "high": 0.99, "level": 0.9, "from": "U4"}
    assert reliance.metric_args == own
    assert found["auc", "intensity"].metric_args == {"input": "intensity", "low": 0.95, "high": 1.0, "level": 0.95}


def test_the_results_survive_a_round_trip(make_run: Make) -> None:
    records = load_run(make_run(arms=("intensity", "tissue"), regime="nested", n=24))
    data = loaded(model_card(records)).data
    index = card_data(records)["model-index"]
    assert eval_results_to_model_index(data.model_name, data.eval_results) == index
    again = loaded(f"---\n{data.to_yaml()}\n---\n")
    assert again.data.to_dict()["model-index"] == index
    assert json.loads(json.dumps(card_data(records))) == card_data(records), "types that JSON has not"


def test_the_card_of_a_run_is_loaded_from_its_file(make_run: Make) -> None:
    run = make_run(n=24)
    write_report(run)
    card = ModelCard.load(run / "modelcard.md")
    assert [each.metric_type for each in card.data.eval_results] == ["verdict", "reliance", "auc"]
    assert card.text.lstrip().startswith("# Model card: Healthy vs MS")


def test_a_lower_bound_is_no_estimate(make_run: Make) -> None:
    def bound(audit: dict[str, Any]) -> None:
        known = {"estimate": None, "low": 0.44, "high": None, "kind": "bound", "from": "U13"}
        audit["arms"][0]["verdicts"][0]["reliance"] = known

    records = edited(load_run(make_run(n=24)), bound)
    (own,) = [each for each in results(model_card(records)) if each.metric_type == "reliance"]
    assert own.metric_value == 0.44
    assert own.metric_name.startswith("Lower bound of the reliance")
    assert "high" not in own.metric_args
    assert "level" not in own.metric_args


def test_what_was_not_measured_is_no_result(make_run: Make) -> None:
    def bare(audit: dict[str, Any]) -> None:
        arm = audit["arms"][0]
        audit["arms"] = [{"name": arm["name"], "verdict": "UNDETERMINED"}]

    records = edited(load_run(make_run(n=24)), bare)
    assert [(each.metric_type, each.metric_value) for each in results(model_card(records))] == [
        ("verdict", "UNDETERMINED")
    ]


def test_the_auc_to_publish_is_told_from_that_as_sampled(make_run: Make) -> None:
    own = {"factor": "origin", "auc": 0.71, "auc_low": 0.6, "auc_high": 0.8, "how": "probes", "text": "On 40."}
    records = edited(load_run(make_run(n=24)), lambda audit: audit["arms"][0]["target"].update(independent=own))
    first, second = [each for each in results(model_card(records)) if each.metric_type == "auc"]
    assert (first.metric_value, first.metric_args["factor"]) == (0.71, "origin")
    assert "independent" in first.metric_name
    assert "as sampled" in second.metric_name


def test_features_are_a_table_and_no_images(make_run: Make) -> None:
    records = edited(load_run(make_run(n=24)), lambda audit: audit["settings"].update(cohort={"features": ["a", "b"]}))
    data = loaded(model_card(records)).data
    assert data.pipeline_tag == "tabular-classification"
    assert "medical-imaging" not in data.tags


@pytest.mark.parametrize("name", [HOSTILE, "yes", "1e3", "null", "2026-11-30", "<<", "- a", "*x", "", "---", "a: b #c"])
def test_names_are_only_text_whatever_they_are(make_run: Make, name: str) -> None:
    def rename(audit: dict[str, Any]) -> None:
        audit["name"] = name
        audit["arms"][0]["name"] = name or "arm"
        audit["arms"][0]["verdicts"][0]["factor"] = name or "origin"
        audit["cohort"]["classes"] = {name or "ill": 12, "healthy": 12}

    records = edited(load_run(make_run(n=24)), rename)
    card = loaded(model_card(records))
    shown = re.sub("[\x07\u202e]", "", " ".join(name.split()) if name else "audit")
    assert card.data.model_name.split() == shown.split()
    assert card.data.license is None
    assert set(card.data.to_dict()) == {"library_name", "pipeline_tag", "tags", "model-index"}
    args = card.data.eval_results[0].dataset_args
    assert {type(each["class"]) for each in args["classes"]} == {str}
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(card.text)
    assert "<script" not in html
    assert 'javascript:b"' not in html
    assert html.count("<h1>") == 1


def test_comparisons_are_written_one_way(make_run: Make) -> None:
    text = "flagged although clean (R* <= .05) 0 %; driven (R* >= .3) 14 %; p < .001 and x > y"
    records = edited(load_run(make_run(n=24)), lambda audit: audit["arms"][0]["error_rates"].update(text=text))
    card = model_card(records)
    line = next(line for line in card.splitlines() if "although clean" in line)
    assert "(R\\* ≤ .05)" in line
    assert "(R\\* ≥ .3)" in line
    assert "p &lt; .001 and x &gt; y" in line
    html = MarkdownIt("commonmark").render(line)
    assert "(R* ≤ .05)" in html
    assert "p &lt; .001 and x &gt; y" in html


def test_commands_in_advice_are_code_and_nothing_else_is(make_run: Make) -> None:
    limits = ["`biasaudit run <P>` widens it", "one ` alone <b>", "a|`b|c`"]
    records = edited(load_run(make_run(n=24)), lambda audit: audit.update(limits=limits))
    card = model_card(records)
    assert "- `biasaudit run <P>` widens it\n" in card
    assert "- one \\` alone &lt;b&gt;\n" in card
    html = MarkdownIt("commonmark", {"html": True}).render(card)
    assert "<code>biasaudit run &lt;P&gt;</code>" in html
    assert "<b>" not in html
