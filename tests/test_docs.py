"""The documentation says what the code does: commands, options, checks, protocol keys, examples, links."""

from __future__ import annotations

import importlib
import re
import shlex
import tomllib
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import typer.main
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from ruamel.yaml import YAML

import biasaudit
from biasaudit import audit, registry
from biasaudit.cli import app, bids_app
from biasaudit.engine.jobs.cluster_settings import ClusterSettings, load_cluster
from biasaudit.engine.jobs.dask_queue import job_script
from biasaudit.protocol import BidsCohort, CohortSettings, PhantomCohort, Protocol, TableCohort, parse_protocol
from biasaudit.vocabulary import REGIME_ORDER, STATUSES, VERDICT_ORDER

ROOT = Path(__file__).parents[1]
GUIDES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
PAGES = (*GUIDES, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md")
READERS: Mapping[str, type[BaseModel]] = {"table": TableCohort, "bids": BidsCohort, "phantom": PhantomCohort}
COMMANDS: Mapping[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"(?<!\\)\[[^\]]*\]\(([^)\s]+)\)")
_SHELL = ("sh", "shell", "bash", "console")


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def blocks(path: Path, *languages: str) -> list[str]:
    return [body for language, body in _BLOCK.findall(path.read_text("utf-8")) if language in languages]


def everything() -> str:
    return "\n".join(path.read_text("utf-8") for path in GUIDES)


def long_options(command: Any) -> set[str]:
    shown = [parameter for parameter in command.params if not getattr(parameter, "hidden", False)]
    return {option for parameter in shown for option in parameter.opts if option.startswith("--")}


def all_options(command: Any) -> set[str]:
    return {
        "--help",
        *(option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)),
    }


# -- the command line ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_command_is_documented(command: str) -> None:
    assert f"biasaudit {command}" in everything()


@pytest.mark.parametrize(
    ("command", "option"),
    [(name, option) for name in sorted(COMMANDS) for option in sorted(long_options(COMMANDS[name]))],
)
def test_option_is_documented_with_its_command(command: str, option: str) -> None:
    spellings = next({*parameter.opts} for parameter in COMMANDS[command].params if option in parameter.opts)
    used = [line for line in command_lines() if line[:2] == ["biasaudit", command]]
    assert any(spellings & {word.split("=")[0] for word in line} for line in used), (
        f"no shell block shows `biasaudit {command}` with {option}"
    )
    assert option in everything()


def command_lines() -> list[list[str]]:
    """Every `biasaudit ...` of the shell blocks, as words."""
    return [words for path in PAGES for body in blocks(path, *_SHELL) for words in commands_in(body)]


def commands_in(body: str) -> Iterator[list[str]]:
    for line in body.replace("\\\n", " ").splitlines():
        for part in re.split(r"&&|\|\||;|\|", line):
            words = shlex.split(part.removeprefix("$ "), comments=True)
            if words and words[0] == "biasaudit":
                yield words


@pytest.mark.parametrize("words", command_lines(), ids=" ".join)
def test_command_line_parses(words: list[str]) -> None:
    assert words[1] in COMMANDS
    command = COMMANDS[words[1]]
    given = {word.split("=")[0] for word in words[2:] if word.startswith("-")}
    assert given <= all_options(command), f"unknown option {given - all_options(command)}"
    # Parses the values too (choices, numbers, missing arguments); `make_context` runs no command.
    with command.make_context(words[1], words[2:]):
        pass


def test_a_wrong_command_line_would_be_seen() -> None:
    with pytest.raises(AssertionError, match="unknown option"):
        test_command_line_parses(["biasaudit", "run", "protocol.yaml", "--no-such-option"])
    assert list(commands_in("make demo\n$ biasaudit list # all\ncd x && biasaudit gate \\\n  out\n")) == [
        ["biasaudit", "list"],
        ["biasaudit", "gate", "out"],
    ]


def test_exit_codes_are_documented() -> None:
    from biasaudit import errors

    known = {error.exit_code for error in (errors.UsageError, errors.InputError, errors.IncompleteError)}
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", (ROOT / "docs/files.md").read_text("utf-8"), re.M)}
    assert documented == known | {0, 1, 130}


# -- checks and other components -------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", registry.names("check"))
def test_check_has_a_section(code: str) -> None:
    text = (ROOT / "docs/checks.md").read_text("utf-8")
    title = registry.get("check", code).title
    section = re.search(rf"^## {code} {re.escape(title)}$(.*?)(?=^## )", text, re.DOTALL | re.MULTILINE)
    assert section, f"docs/checks.md lacks the section '## {code} {title}'"
    parts = ("Question", "Statistic", "Null", "Needs", "Cannot see", "In the verdict")
    assert [part for part in parts if f"- **{part}.**" not in section[1]] == []
    words = " ".join(section[1].split())
    assert f"**Question.** {registry.get('check', code).question}" in words


@pytest.mark.parametrize("code", registry.names("check"))
def test_statistic_of_a_check_stands_in_the_table(code: str) -> None:
    text = (ROOT / "docs/checks.md").read_text("utf-8")
    assert re.search(rf"^\| {code} \| {re.escape(registry.get('check', code).statistic)} \|", text, re.MULTILINE)


def test_no_section_for_a_check_that_does_not_exist() -> None:
    text = (ROOT / "docs/checks.md").read_text("utf-8")
    assert set(re.findall(r"^## ([A-Z]\d+) ", text, re.MULTILINE)) == set(registry.names("check"))


@pytest.mark.parametrize(
    ("kind", "name"),
    [(kind, name) for kind in registry.NAMED_IN_PROTOCOL if kind != "check" for name in registry.names(kind)],
)
def test_component_is_named_in_the_protocol_page(kind: str, name: str) -> None:
    page = "docs/explain.md" if name.startswith("captum:") else "docs/protocol.md"
    assert f"`{name.removeprefix('captum:')}`" in (ROOT / page).read_text("utf-8")


# -- the protocol ----------------------------------------------------------------------------------------------------


def model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the section that a field holds, if it holds one."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (model_in(argument) for argument in typing.get_args(annotation))
    return next((model for model in found if model is not None), None)


def keys_of(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Dotted keys of the leaves below a model; a list of sections counts itself too."""
    for name, field in model.model_fields.items():
        section = model_in(field.annotation)
        if section is CohortSettings:  # of every reader a table of its own
            section = None
        if section is None or typing.get_origin(field.annotation) is list:
            yield prefix + name, field
        if section is not None:
            yield from keys_of(section, f"{prefix}{name}.")


def documented_keys() -> dict[str, dict[str, str]]:
    """Rows `key | default | meaning` of docs/protocol.md by heading."""
    found: dict[str, dict[str, str]] = {}
    heading = ""
    for line in (ROOT / "docs/protocol.md").read_text("utf-8").splitlines():
        if line.startswith("## "):
            heading = line[3:]
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `") and len(cells) == 3:
            found.setdefault(heading, {})[cells[0].strip("`")] = cells[1]
    return found


def page_of(reader: str) -> dict[str, str]:
    """What the page says of the cohort keys of one reader: the common rows, then its own."""
    rows = documented_keys()
    return {**rows["Cohort, every reader"], **rows[f"Cohort, reader {reader}"]}


def general_page() -> dict[str, str]:
    return {
        key: cell for rows in documented_keys().values() for key, cell in rows.items() if key.split(".")[0] != "cohort"
    }


def check_row(page: Mapping[str, str], key: str, field: FieldInfo) -> None:
    assert key in page, f"docs/protocol.md lacks {key}"
    if field.is_required():
        assert page[key] == "required"
        return
    default = field.get_default(call_default_factory=True)
    if model_in(field.annotation) is None:
        assert YAML(typ="safe").load(page[key].strip("`")) == default, f"{key}: the default is {default!r}"


@pytest.mark.parametrize(("key", "field"), [pair for pair in keys_of(Protocol) if pair[0] != "cohort"])
def test_key_is_documented_with_its_default(key: str, field: FieldInfo) -> None:
    check_row(general_page(), key, field)


@pytest.mark.parametrize(
    ("reader", "key", "field"), [(name, *pair) for name, model in READERS.items() for pair in keys_of(model, "cohort.")]
)
def test_cohort_key_is_documented_with_its_default(reader: str, key: str, field: FieldInfo) -> None:
    check_row(page_of(reader), key, field)


def test_no_row_for_a_key_that_does_not_exist() -> None:
    known = {key for key, _ in keys_of(Protocol)}
    assert set(general_page()) <= known
    for reader, model in READERS.items():
        assert set(documented_keys()[f"Cohort, reader {reader}"]) <= {key for key, _ in keys_of(model, "cohort.")}


def protocols() -> list[Any]:
    return [
        pytest.param(body, path, id=f"{name_of(path)}-{number}")
        for path in PAGES
        for number, body in enumerate(blocks(path, "yaml", "yml"), 1)
        if re.search(r"^cohort:", body, re.MULTILINE)
    ]


@pytest.mark.parametrize(("body", "path"), protocols())
def test_example_protocol_is_valid(body: str, path: Path) -> None:
    assert isinstance(parse_protocol(body, path), Protocol)


# -- clusters --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [body for body in blocks(ROOT / "docs/cluster.md", "yaml") if "system:" in body])
def test_example_of_a_queue_is_valid(body: str, tmp_path: Path) -> None:
    (tmp_path / "queue.yaml").write_text(body)
    settings = load_cluster(tmp_path / "queue.yaml")
    assert str(settings.queue) in job_script(settings, tmp_path)


def test_every_key_of_a_queue_is_documented() -> None:
    rows = [line for line in (ROOT / "docs/cluster.md").read_text("utf-8").splitlines() if line.startswith("| `")]
    keys = {key for row in rows for key in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert set(ClusterSettings.model_fields) <= keys


def app_lines() -> list[list[str]]:
    lines = [line for path in GUIDES for body in blocks(path, *_SHELL) for line in body.splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith("biasaudit-app ")]


@pytest.mark.parametrize("words", app_lines(), ids=" ".join)
def test_line_of_the_bids_app_parses(words: list[str]) -> None:
    bids_app._parser().parse_args(words)


def test_every_option_of_the_bids_app_is_documented() -> None:
    options = {own.option_strings[0] for own in bids_app._parser()._actions if own.option_strings}
    assert {option for option in options if option not in everything()} <= {"-h", "-v", "--skip-bids-validator"}
    assert app_lines()


# -- pipelines -------------------------------------------------------------------------------------------------------

PIPELINES: tuple[Any, ...] = tuple(YAML(typ="safe").load(body) for body in blocks(ROOT / "docs/ci.md", "yaml"))


def values_of(part: Any, *keys: str) -> Iterator[str]:
    """Yield every line of text under the keys of these names, at any depth."""
    items = part.items() if isinstance(part, Mapping) else enumerate(part) if isinstance(part, list) else ()
    for key, value in items:
        if key in keys:
            lines = value if isinstance(value, list) else [value]
            yield from (line for text in lines if isinstance(text, str) for line in text.splitlines())
        yield from values_of(value, *keys)


def pipeline_commands() -> list[list[str]]:
    return [words for line in values_of(list(PIPELINES), "run", "script") for words in commands_in(line)]


def test_pipelines_are_whole() -> None:
    github, gitlab = PIPELINES
    assert {"name", "on", "permissions", "jobs"} == set(github)
    steps = github["jobs"]["audit"]["steps"]
    assert all(("uses" in step) != ("run" in step) for step in steps)
    assert set(gitlab) == {"bias-audit"}
    assert {"image", "script", "artifacts"} <= set(gitlab["bias-audit"])
    each = ["validate", "run", "gate"]
    assert [words[1] for words in pipeline_commands()] == each * 2


@pytest.mark.parametrize("words", pipeline_commands(), ids=" ".join)
def test_command_of_a_pipeline_parses(words: list[str]) -> None:
    test_command_line_parses(words)


@pytest.mark.parametrize("path", sorted({*values_of(list(PIPELINES), "path", "paths", "junit")}))
def test_what_a_pipeline_keeps_is_a_file_of_a_run(path: str) -> None:
    folder, _, name = path.rstrip("/").partition("/")
    assert folder == "out", "the folder that `run -o` names"
    documented = re.findall(r"`([\w./*-]+)`", (ROOT / "docs/files.md").read_text("utf-8"))
    assert not name or any(each == name or each.startswith(f"{name}/") for each in documented)


# -- links and promises ----------------------------------------------------------------------------------------------


def anchors(path: Path) -> set[str]:
    """Anchors of the headings, as MkDocs and GitHub make them."""
    titles = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title).strip().lower().replace(" ", "-") for title in titles}


def local_links() -> list[Any]:
    return [
        pytest.param(path, target, id=f"{name_of(path)}-{target}")
        for path in PAGES
        for target in dict.fromkeys(_LINK.findall(path.read_text("utf-8")))
        if not re.match(r"[a-z]+:", target)
    ]


@pytest.mark.parametrize(("path", "target"), local_links())
def test_link_leads_somewhere(path: Path, target: str) -> None:
    file, _, anchor = target.partition("#")
    destination = (path.parent / file).resolve() if file else path
    assert destination.exists(), f"{name_of(path)} links to {target}"
    if anchor:
        assert anchor in anchors(destination), f"{name_of(destination)} has no heading #{anchor}"


def test_every_page_is_in_the_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text("utf-8").partition("\nnav:\n")[2]
    listed = re.findall(r"[\w-]+\.md", navigation)
    assert sorted(listed) == sorted(path.name for path in (ROOT / "docs").glob("*.md"))


def test_every_page_is_on_the_front_page() -> None:
    linked = {target.partition("#")[0] for target in _LINK.findall((ROOT / "docs/index.md").read_text("utf-8"))}
    assert {path.name for path in (ROOT / "docs").glob("*.md")} - {"index.md"} <= linked


def test_the_example_report_is_one_click_away_and_small() -> None:
    report = ROOT / "docs/example/report.html"
    assert "](example/report.html)" in (ROOT / "docs/index.md").read_text("utf-8")
    assert report.stat().st_size <= 1_500_000
    assert "Content-Security-Policy" in report.read_text("utf-8")


def test_the_glossary_has_every_word_of_a_small_set() -> None:
    text = (ROOT / "docs/glossary.md").read_text("utf-8")
    words = {word for row in re.findall(r"^\| ([^|]+) \|", text, re.MULTILINE) for word in row.split(", ")}
    plain = {status.replace("_", " ") for status in STATUSES} - {"error"}
    assert {*VERDICT_ORDER, *REGIME_ORDER, *plain} <= words
    assert {"R\\*", "Omega\\*", "margin", "severity", "reliance", "signature", "arm", "probes", "oracle"} <= words


def documented_names() -> list[str]:
    return re.findall(r"^::: (\S+)$", (ROOT / "docs/api.md").read_text("utf-8"), re.MULTILINE)


@pytest.mark.parametrize("name", documented_names())
def test_a_name_of_the_python_interface_exists(name: str) -> None:
    module, _, attribute = name.rpartition(".")
    found = getattr(importlib.import_module(module), attribute)
    assert found.__doc__


def test_the_python_interface_is_documented() -> None:
    names = {f"biasaudit.{name}" for name in biasaudit.__all__} | {f"biasaudit.audit.{name}" for name in audit.__all__}
    assert names <= set(documented_names())


def test_every_dependency_has_a_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [
        *project["dependencies"],
        *(name for extra in project["optional-dependencies"].values() for name in extra),
    ]
    names = {re.split(r"[<>=\[]", requirement)[0] for requirement in wanted} - {"biasaudit"}
    rows = [line for line in (ROOT / "docs/dependencies.md").read_text("utf-8").splitlines() if line.startswith("| ")]
    words = {word for row in rows for word in re.findall(r"[\w.-]+", row)}
    assert names <= words


def test_every_make_target_named_exists() -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = {name for path in PAGES for name in re.findall(r"(?:^|`)make ([\w-]+)", path.read_text("utf-8"), re.M)}
    assert named
    assert named <= targets
    listed = set(re.findall(r"^\| `make ([\w-]+)`", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.MULTILINE))
    assert listed == targets


def test_no_path_of_one_machine() -> None:
    for path in PAGES:
        assert not re.search(r"(^|[\s(`'\"])(/work|/home|/root|/tmp|\.\./shared)\b", path.read_text("utf-8")), name_of(
            path
        )
