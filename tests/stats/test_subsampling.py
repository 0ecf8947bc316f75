import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biasaudit.stats import subsampling
from biasaudit.stats.subsampling import LEVELS


def chance(seed=0):
    return np.random.default_rng(seed)


def phi(first, second):
    return float(np.corrcoef(first, second)[0, 1])


class TestOriginsWithBothClasses:
    def test_each_class_needs_enough(self):
        origin = np.repeat(["c", "a", "b"], 10)
        positive = np.concatenate([np.arange(10) < 5, np.arange(10) < 4, np.arange(10) < 6])
        subject = np.arange(30)
        assert subsampling.origins_with_both_classes(positive, origin, subject, 4) == ("a", "b", "c")
        assert subsampling.origins_with_both_classes(positive, origin, subject, 5) == ("c",)
        assert subsampling.origins_with_both_classes(positive, origin, subject) == ()

    def test_a_subject_seen_twice_counts_once(self):
        positive, origin = np.arange(12) % 2 == 0, np.repeat("a", 12)
        assert subsampling.origins_with_both_classes(positive, origin, np.arange(12), 6) == ("a",)
        assert subsampling.origins_with_both_classes(positive, origin, np.arange(12) // 4, 6) == ()

    def test_no_origin_of_both_classes(self):
        positive = np.arange(40) < 20
        assert subsampling.origins_with_both_classes(positive, np.where(positive, "b", "a"), np.arange(40), 2) == ()

    def test_lengths_must_agree(self):
        with pytest.raises(ValueError, match="origin: 2"):
            subsampling.origins_with_both_classes([True], ["a", "b"], ["s"])


class TestClassMatchedRows:
    def test_as_many_of_each_class_from_the_pool(self):
        positive = np.arange(50) % 3 == 0
        pool, wanted = np.arange(10, 50), np.arange(5, 22)
        rows = subsampling.class_matched_rows(pool, wanted, positive, chance())
        assert (np.diff(rows) > 0).all()
        assert np.isin(rows, pool).all()
        assert rows.size == wanted.size
        assert positive[rows].sum() == positive[wanted].sum()

    def test_every_row_of_the_pool_has_its_turn(self):
        positive = np.arange(20) % 2 == 0
        drawn = [
            subsampling.class_matched_rows(np.arange(20), np.arange(6), positive, chance(seed)) for seed in range(200)
        ]
        counts = np.bincount(np.concatenate(drawn), minlength=20)
        assert counts.min() > 30  # 60 expected
        assert counts.max() < 95

    def test_a_pool_too_small_is_refused(self):
        with pytest.raises(ValueError, match="larger sample"):
            subsampling.class_matched_rows(np.arange(4), np.arange(10), np.ones(10, dtype=bool), chance())


class TestOriginSides:
    def test_the_side_of_patients_is_true(self):
        origin = np.repeat(["a", "b", "c"], 20)
        positive = np.concatenate([np.arange(20) < 16, np.arange(20) < 4, np.arange(20) < 10])
        side = subsampling.origin_sides(positive, origin)
        assert positive[side].mean() > positive[~side].mean()
        assert set(origin[~side]) == {"b"} or set(origin[side]) == {"a"}

    def test_the_cut_keeps_the_smallest_cell_large(self):
        origin = np.repeat(["a", "b", "c"], [10, 30, 60])
        positive = np.concatenate([np.arange(10) < 3, np.arange(30) < 12, np.arange(60) < 40])
        # a | b c leaves 3 patients on a side, a b | c leaves 15 patients and 25 healthy.
        assert set(origin[subsampling.origin_sides(positive, origin)]) == {"c"}

    def test_one_origin_has_one_side(self):
        assert not subsampling.origin_sides([True, False], ["a", "a"]).any()


class TestDoses:
    @given(st.integers(0, 500))
    def test_levels_are_reached_at_one_size_and_balance(self, seed):
        generator = np.random.default_rng(seed)
        positive, side = generator.random(240) < 0.5, generator.random(240) < 0.5
        pool = np.flatnonzero(generator.random(240) < 0.8)
        size = subsampling.common_training_size(positive[pool], side[pool])
        subsets = subsampling.associated_rows(pool, positive, side, LEVELS, size, generator)
        for level, rows in zip(LEVELS, subsets, strict=True):
            assert rows.size == np.unique(rows).size == size
            assert np.isin(rows, pool).all()
            assert positive[rows].sum() == size // 2
            assert side[rows].sum() == size // 2
            assert phi(positive[rows], side[rows]) == pytest.approx(level, abs=4 / size)

    def test_levels_share_as_many_rows_as_they_can(self):
        positive, side = np.arange(80) % 2 == 0, np.arange(80) // 2 % 2 == 0
        first, last = subsampling.associated_rows(np.arange(80), positive, side, (0.0, 0.8), 40, chance())
        # 10 of every cell against 18 and 2: the first 10 and the first 2 are the same.
        assert np.intersect1d(first, last).size == 2 * (10 + 2)

    def test_a_cell_too_small_is_named(self):
        positive, side = np.arange(40) % 2 == 0, np.arange(40) // 2 % 2 == 0
        with pytest.raises(ValueError, match=r"a subset of 40 at an association of 0\.8 needs"):
            subsampling.associated_rows(np.arange(40), positive, side, (0.8,), 40, chance())

    def test_an_empty_cell_leaves_no_size(self):
        positive = np.arange(40) % 2 == 0
        assert subsampling.common_training_size(positive, positive) == 0
        assert subsampling.common_training_size(positive, np.arange(40) // 2 % 2 == 0, (0.0,)) == 40

    def test_balanced_rows_take_the_smallest_cell_of_each(self):
        positive, side = np.arange(60) % 2 == 0, np.arange(60) >= 45
        pool = np.arange(5, 60)
        rows = subsampling.balanced_rows(pool, positive, side, chance())
        cells = np.bincount(2 * positive[rows].astype(int) + side[rows], minlength=4)
        assert cells.tolist() == [7, 7, 7, 7]
        assert np.isin(rows, pool).all()
        assert subsampling.balanced_rows(np.arange(40), positive, side, chance()).size == 0


class TestAssignedSubjects:
    def test_shares_are_kept_in_every_stratum(self):
        strata = np.arange(120) % 4
        share = np.where(strata < 2, 0.1, 0.9)
        assigned = subsampling.assigned_subjects(strata, np.arange(120), share, chance())
        for stratum in range(4):
            assert assigned[strata == stratum].sum() == (3 if stratum < 2 else 27)

    def test_what_is_left_over_is_decided_by_chance(self):
        counts = [
            subsampling.assigned_subjects(np.zeros(5), np.arange(5), np.full(5, 0.5), chance(seed)).sum()
            for seed in range(200)
        ]
        assert set(counts) == {2, 3}
        assert np.mean(counts) == pytest.approx(2.5, abs=0.12)

    def test_images_of_a_subject_are_treated_alike(self):
        subject = np.arange(60) // 3
        assigned = subsampling.assigned_subjects(np.arange(60) % 3, subject, np.full(60, 0.5), chance())
        assert assigned.any()
        assert not assigned.all()
        assert all(np.unique(assigned[subject == own]).size == 1 for own in range(20))

    @pytest.mark.parametrize("share", [0.0, 1.0])
    def test_none_and_all(self, share):
        assigned = subsampling.assigned_subjects(["a"] * 7, np.arange(7), [share] * 7, chance())
        assert assigned.all() == bool(share)
        assert assigned.any() == bool(share)

    def test_a_seed_is_a_result(self):
        first, again, other = (
            subsampling.assigned_subjects(np.zeros(40), np.arange(40), np.full(40, 0.5), chance(seed))
            for seed in (1, 1, 2)
        )
        np.testing.assert_array_equal(first, again)
        assert (first != other).any()


class TestEvenlyMixedRows:
    def test_the_origin_says_nothing_of_the_class(self):
        positive, origin = np.arange(60) % 3 == 0, np.repeat(["a", "b", "c"], 20)
        positive[20:30] = True
        rows = subsampling.evenly_mixed_rows(np.arange(60), positive, origin, chance())
        for name in "abc":
            own = positive[rows][origin[rows] == name]
            assert own.mean() == 0.5

    def test_every_row_is_kept_and_repeats_differ_by_one(self):
        positive, origin = np.arange(30) < 7, np.repeat("a", 30)
        rows, counts = np.unique(
            subsampling.evenly_mixed_rows(np.arange(30), positive, origin, chance()), return_counts=True
        )
        np.testing.assert_array_equal(rows, np.arange(30))
        assert (counts[7:] == 1).all()
        assert set(counts[:7]) == {3, 4}

    def test_an_origin_of_one_class_is_left_out(self):
        positive, origin = np.arange(20) % 2 == 0, np.repeat(["a", "b"], 10)
        positive[10:] = True
        assert subsampling.evenly_mixed_rows(np.arange(20), positive, origin, chance()).max() == 9

    def test_only_the_pool_is_drawn_from(self):
        positive, origin = np.arange(20) % 2 == 0, np.repeat("a", 20)
        rows = subsampling.evenly_mixed_rows(np.arange(5, 12), positive, origin, chance())
        assert rows.min() >= 5
        assert rows.max() < 12

    def test_nothing_where_no_origin_holds_both(self):
        positive = np.arange(20) < 10
        assert subsampling.evenly_mixed_rows(np.arange(20), positive, positive.astype(str), chance()).size == 0
