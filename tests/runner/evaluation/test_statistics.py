"""Means over seeds: Student's interval from four seeds on, the range below."""

import numpy as np
import pytest
from polax.runner.evaluation.statistics import mean_and_spread, mean_and_spread_over_seeds, spread_word
from scipy.stats import t


def test_four_seeds_have_students_interval() -> None:
    values = [0.1, 0.4, 0.2, 0.5]
    low, high = t.interval(0.95, 3, np.mean(values), np.std(values, ddof=1) / 2)
    found = mean_and_spread(values)
    assert found == (pytest.approx(0.3), pytest.approx(low), pytest.approx(high), 4)
    assert str(found) == f"± {(high - low) / 2:.3f}"


def test_fewer_seeds_have_their_range_and_one_seed_has_nothing() -> None:
    assert mean_and_spread([0.1, 0.6, 0.2]) == (pytest.approx(0.3), 0.1, 0.6, 3)
    assert str(mean_and_spread([0.1, -0.25])) == "(-0.250 to 0.100)"
    assert mean_and_spread([0.1]) == (0.1, 0.1, 0.1, 1)
    assert str(mean_and_spread([0.1])) == ""
    assert [spread_word(count) for count in (2, 3, 4, 10)] == ["range", "range", "95% interval", "95% interval"]


def test_a_seed_that_ended_counts_where_it_learned_only() -> None:
    values = np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0], [4.0, np.nan]])
    mean, low, high = mean_and_spread_over_seeds(values)
    np.testing.assert_allclose(mean, [2.5, 2.0])
    assert (low[1], high[1]) == (1.0, 3.0)  # three are left: their range
    assert low[0] < 1
    assert high[0] > 4
