"""What a command imports before it has something to do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

HEAVY = frozenset({"torch", "pandas", "numpy", "scipy", "sklearn", "matplotlib", "nibabel", "pydantic", "ruamel.yaml"})
PARSING = HEAVY - {"pydantic"}  # which typer itself imports to parse the arguments of a command
AUDIT = {"arms": [{"name": "intensity", "primary": True, "verdict": "PATHOLOGY"}]}

_PROGRAM = """
import sys
from biasaudit.cli import main
sys.argv[0] = "biasaudit"
try:
    main()
except SystemExit as stop:
    print("exit", stop.code or 0)
print("modules", *sys.modules)
"""


def imported_by(*arguments: str | Path) -> tuple[int, frozenset[str]]:
    """Return the exit code of a command in a process of its own, and the modules it has imported."""
    program = [sys.executable, "-c", _PROGRAM, *map(str, arguments)]
    lines = subprocess.run(program, capture_output=True, text=True, check=True).stdout.splitlines()
    code = next(int(line.split()[1]) for line in lines if line.startswith("exit "))
    return code, frozenset(lines[-1].split()[1:])


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    (tmp_path / "protocol.yaml").write_text("name: x\n", encoding="utf-8")
    (tmp_path / "audit.json").write_text(json.dumps(AUDIT), encoding="utf-8")
    return tmp_path


def test_the_module_imports_nothing_heavy() -> None:
    program = "import sys, biasaudit.cli; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert HEAVY & set(done.stdout.split()) == frozenset()


def test_the_help_text_imports_nothing_heavy() -> None:
    code, modules = imported_by("--help")
    assert code == 0
    assert HEAVY & modules == frozenset()


@pytest.mark.parametrize("name", ["run", "explain"])
def test_the_help_text_of_a_command_imports_nothing_heavy(name: str) -> None:
    code, modules = imported_by(name, "--help")
    assert code == 0
    assert PARSING & modules == frozenset()


def test_a_list_of_components_imports_nothing_heavy() -> None:
    code, modules = imported_by("list")
    assert code == 0
    assert PARSING & modules == frozenset()


def test_a_wrong_option_imports_nothing_heavy() -> None:
    code, modules = imported_by("run", "--no-such-option")
    assert code == 2
    assert PARSING & modules == frozenset()


def test_the_gate_reads_one_file_and_imports_nothing_heavy(run_folder: Path) -> None:
    code, modules = imported_by("gate", run_folder)
    assert code == 0
    assert PARSING & modules == frozenset()


def test_a_protocol_that_is_none_is_refused_without_torch(tmp_path: Path) -> None:
    protocol = tmp_path / "protocol.yaml"
    protocol.write_text("name: x\n", encoding="utf-8")
    code, modules = imported_by("run", protocol)
    assert code == 3
    assert "torch" not in modules


def test_what_is_heavy_would_be_seen() -> None:
    assert {"pydantic", "ruamel.yaml"} <= imported_by("run", "no-such-protocol.yaml")[1]


def said_by(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the entry point as the script of that name does, with some environment variables more."""
    program = "import sys; sys.argv[0] = 'biasaudit'; from biasaudit.cli import main; main()"
    environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "160", **variables}
    line = [sys.executable, "-c", program, *words]
    return subprocess.run(line, capture_output=True, text=True, env=environment, check=False)


@pytest.mark.parametrize("words", [["-h"], ["gate", "-h"], ["list", "-h"]])
def test_the_short_option_asks_for_help(words: list[str]) -> None:
    short, long = said_by(*words), said_by(*words[:-1], "--help")
    assert (short.returncode, short.stdout) == (0, long.stdout)
    assert "Examples:" in short.stdout


def test_the_version_is_printed() -> None:
    done = said_by("--version")
    assert (done.returncode, done.stdout) == (0, f"biasaudit {version('biasaudit')}\n")


@pytest.mark.parametrize(
    ("typed", "offered"), [("biasaudit ga", "gate"), ("biasaudit gate out --fail-on un", "undetermined")]
)
def test_the_shell_completes_commands_and_values(typed: str, offered: str) -> None:
    asked = {"_BIASAUDIT_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split()) - 1)}
    assert said_by(**asked).stdout.split() == [offered]


def test_completion_is_installed_in_the_home_of_the_user(tmp_path: Path) -> None:
    settings = {"HOME": str(tmp_path), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    shown = said_by("--show-completion", "bash", **settings)
    assert "_BIASAUDIT_COMPLETE=complete_bash" in shown.stdout
    assert said_by("--install-completion", "bash", **settings).returncode == 0
    assert "_BIASAUDIT_COMPLETE=complete_bash" in (tmp_path / ".bash_completions" / "biasaudit.sh").read_text()
