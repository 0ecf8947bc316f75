"""Scripts of `benchmarks/` are run from that folder, which Python then searches first."""

import sys
from pathlib import Path

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def test_no_benchmark_hides_a_module_of_the_standard_library() -> None:
    assert [path.name for path in BENCHMARKS.glob("*.py") if path.stem in sys.stdlib_module_names] == []
