from __future__ import annotations

import subprocess
import sys

import numpy as np

from biasaudit import seeds


def test_same_words_same_stream():
    first, second = (seeds.generator(1, "train", 0).random(5) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_every_word_and_the_master_seed_matter():
    variants = [(1, "train", 0), (2, "train", 0), (1, "train", 1), (1, "score", 0), (1, "train"), (1, "train", 0, "x")]
    assert len({seeds.seed(*words) for words in variants}) == len(variants)


def test_words_do_not_run_into_each_other():
    assert seeds.seed(1, "ab", "c") != seeds.seed(1, "a", "bc")
    assert seeds.seed(1, "1") != seeds.seed(11)


def test_range_fits_torch():
    values = [seeds.seed(k, "x") for k in range(500)]
    assert min(values) >= 0
    assert max(values) < 2**63
    assert max(values) > 2**61


def test_seed_is_the_same_in_another_process():
    code = "from biasaudit import seeds; print(seeds.seed(7, 'fold', 3))"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert int(printed) == seeds.seed(7, "fold", 3)


def test_the_global_stream_is_left_alone():
    before = np.random.get_state()[1].copy()  # noqa: NPY002 the global state is what is looked at
    seeds.generator(3, "x").random(10)
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002
