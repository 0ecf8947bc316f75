"""What the version of a step's code follows, by a scratch package in the place of the steps."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from biasaudit import registry
from biasaudit.engine.jobs import code_version as module
from biasaudit.engine.jobs import packages
from biasaudit.engine.jobs.code_version import code_version, source_hash, sources_of_step
from biasaudit.engine.jobs.job import Component

FILES = {
    "steps/plain.py": "import json\n\ndef plain(): ...\n",
    "steps/lazy.py": "def lazy():\n    if True:\n        from scratch.helpers import deep\n",
    "steps/relative.py": "from ..helpers.deep import bottom\nfrom . import plain\n",
    "steps/names.py": "from scratch.helpers import constant\n",
    "steps/typed.py": "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from scratch.helpers import deep\n",
    "steps/chain.py": "import scratch.helpers.middle\n",
    "steps/looks_up.py": 'from biasaudit.registry import get\n\ndef run(name):\n    return get("network", name)\n',
    "helpers/__init__.py": "constant = 1\n",
    "helpers/middle.py": "try:\n    from scratch.helpers.deep import bottom\nexcept ImportError:\n    pass\n",
    "helpers/deep.py": "bottom = 1\n",
    "networks/small.py": "width = 1\n",
    "networks/large.py": "width = 9\n",
}


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    """Write a package with steps and networks, and let the registry search it."""
    root = tmp_path / "scratch"
    for name, text in FILES.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    for folder in (root, root / "steps", root / "networks"):
        (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(registry.KINDS, "step", "scratch.steps")
    monkeypatch.setitem(registry.KINDS, "network", "scratch.networks")
    forget()
    yield root
    forget()
    for name in [name for name in sys.modules if name.partition(".")[0] == "scratch"]:
        del sys.modules[name]


def forget():
    for cached in (module.code_version, module._source, module._path_of, registry._modules_in):
        cached.cache_clear()


def ours(step: str, *components: Component) -> set[str]:
    """Modules of the scratch package that a step runs, without its name."""
    found = sources_of_step(step, components)
    return {name.removeprefix("scratch.") for name in found if name.startswith("scratch")}


class TestWhatIsFollowed:
    def test_a_step_without_imports_is_its_own_module(self, scratch):
        assert ours("plain") == {"steps.plain"}

    def test_imports_inside_functions(self, scratch):
        assert ours("lazy") == {"steps.lazy", "helpers.deep"}

    def test_relative_imports(self, scratch):
        assert ours("relative") == {"steps.relative", "steps.plain", "helpers.deep"}

    def test_a_package_is_run_for_its_names_and_not_for_its_submodules(self, scratch):
        assert ours("names") == {"steps.names", "helpers"}
        assert "helpers" not in ours("lazy")

    def test_what_only_a_type_checker_sees_is_not(self, scratch):
        assert ours("typed") == {"steps.typed"}

    def test_imports_of_imports(self, scratch):
        assert ours("chain") == {"steps.chain", "helpers.middle", "helpers.deep"}

    def test_all_components_of_a_kind_that_is_looked_up_by_name(self, scratch):
        assert ours("looks_up") == {"steps.looks_up", "networks.small", "networks.large"}

    def test_only_those_that_the_job_names(self, scratch):
        small = Component("network", "small")
        assert ours("looks_up", small) == {"steps.looks_up", "networks.small"}
        # What a job names counts even where no look-up is found in the text.
        assert ours("plain", small) == {"steps.plain", "networks.small"}

    def test_a_step_of_a_layer_above_is_named_by_module_and_function(self, scratch):
        assert ours("scratch.steps.lazy:lazy") == ours("lazy")

    def test_of_other_packages_none(self, scratch):
        assert not any(name.startswith(("json", "typing")) for name in sources_of_step("plain"))


class TestVersion:
    def version(self, step: str, *components: Component) -> str:
        forget()
        return code_version(step, components)

    def change(self, file: Path, old: str, new: str) -> None:
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))

    @pytest.mark.parametrize("file", ["steps/chain.py", "helpers/middle.py", "helpers/deep.py"])
    def test_a_changed_module_changes_it(self, scratch, file):
        before = self.version("chain")
        (scratch / file).write_text((scratch / file).read_text() + "changed = True\n")
        assert self.version("chain") != before

    def test_another_step_keeps_its_own(self, scratch):
        before = self.version("plain")
        self.change(scratch / "helpers/deep.py", "1", "2")
        assert self.version("plain") == before

    def test_comments_docstrings_and_blank_lines_do_not(self, scratch):
        before = self.version("plain")
        text = '"""What it does."""\n\nimport json\n\n\n# why\ndef plain():\n    """Do it."""\n    ...\n'
        (scratch / "steps/plain.py").write_text("import json\n\ndef plain():\n    ...\n")
        bare = self.version("plain")
        (scratch / "steps/plain.py").write_text(text)
        assert self.version("plain") == bare != before

    def test_a_component_counts_for_the_jobs_that_name_it(self, scratch):
        small, large = Component("network", "small"), Component("network", "large")
        before = self.version("looks_up", small), self.version("looks_up", large), self.version("looks_up")
        self.change(scratch / "networks/large.py", "9", "8")
        after = self.version("looks_up", small), self.version("looks_up", large), self.version("looks_up")
        assert [one == other for one, other in zip(before, after, strict=True)] == [True, False, False]


class TestSourceHash:
    def test_a_string_that_is_no_docstring_counts(self):
        assert source_hash('x = """a"""\n') != source_hash('x = """b"""\n')
        assert source_hash('def f():\n    return 1\n    "a"\n') != source_hash('def f():\n    return 1\n    "b"\n')

    def test_a_docstring_on_the_line_of_its_function_counts(self):
        assert source_hash('def f(): "a"\n') != source_hash('def f(): "b"\n')

    def test_indentation_counts(self):
        first, second = "if a:\n    b()\nc()\n", "if a:\n    b()\n    c()\n"
        assert source_hash(first) != source_hash(second)

    def test_text_that_is_no_python_counts_as_it_is(self):
        assert source_hash("a = (") != source_hash("a = [")


class TestInstalledPackages:
    @pytest.fixture
    def versions(self, monkeypatch):
        """Versions of installed packages as they are, but for those set here."""
        own, real = {}, packages.importlib.metadata.version
        monkeypatch.setattr(packages.importlib.metadata, "version", lambda name: own.get(name) or real(name))
        packages._versions.cache_clear()
        yield own
        packages._versions.cache_clear()
        forget()

    def version(self, step: str) -> str:
        forget()
        packages._versions.cache_clear()
        return code_version(step)

    def test_another_version_of_one_that_a_step_imports_changes_it(self, scratch, versions):
        (scratch / "helpers" / "deep.py").write_text("import numpy as np\n")
        before = self.version("lazy")
        versions["numpy"] = "0.1"
        assert self.version("lazy") != before

    def test_of_one_that_it_does_not_import_does_not(self, scratch, versions):
        before = self.version("plain")
        versions["numpy"] = "0.1"
        assert self.version("plain") == before

    def test_every_step_that_computes_knows_the_version_of_numpy(self, versions):
        steps = [name for name in registry.names("step") if name not in ("blank_survey",)]
        forget()
        before = {step: code_version(step) for step in steps}
        versions["numpy"] = "0.1"
        packages._versions.cache_clear()
        forget()
        assert [step for step in steps if code_version(step) == before[step]] == []
