"""Interquartile means and their intervals, against values known otherwise."""

from itertools import product

import numpy as np
import pytest
from polax.runner.benchmark.aggregate import aggregate, interquartile_mean
from scipy.stats import bootstrap, trim_mean


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([1, 2, 3, 4, 5, 6, 7, 8], 4.5),
        ([0, 10, 20, 1000], 15),  # one is cut at either end
        ([0, 1, 2], 1),  # a quarter of three is none
        ([7], 7),
        ([-100, 1, 2, 3, 4, 5, 6, 7, 8, 900], 4.5),  # two of ten
    ],
)
def test_the_interquartile_mean_is_the_mean_of_the_middle_half(scores: list[float], expected: float) -> None:
    assert interquartile_mean(np.array(scores)) == pytest.approx(expected)
    assert aggregate(scores).iqm == pytest.approx(expected)
    assert aggregate(scores[::-1]).iqm == pytest.approx(expected)


def test_the_interval_is_that_of_all_possible_resamples() -> None:
    scores = [0.0, 1.0, 3.0, 8.0, 20.0]
    every = [interquartile_mean(np.array(draw)) for draw in product(scores, repeat=5)]
    low, high = np.quantile(every, [0.025, 0.975])
    found = aggregate(scores)
    assert found.low == pytest.approx(low, abs=0.35)
    assert found.high == pytest.approx(high, abs=0.9)
    assert found.low <= found.iqm <= found.high


def test_the_interval_agrees_with_scipys_percentile_bootstrap() -> None:
    scores = np.random.default_rng(3).normal(size=20)
    theirs = bootstrap(
        (scores,),
        lambda sample, axis: trim_mean(sample, 0.25, axis=axis),
        method="percentile",
        n_resamples=20000,
        rng=np.random.default_rng(1),
    ).confidence_interval
    found = aggregate(scores)
    assert found.low == pytest.approx(theirs.low, abs=0.05)
    assert found.high == pytest.approx(theirs.high, abs=0.05)


def test_seeds_are_drawn_within_each_task() -> None:
    tasks = np.stack([np.zeros(6), np.full(6, 10.0)], axis=1)  # what differs is the task, never the seed
    assert aggregate(tasks) == (5.0, 5.0, 5.0)


def test_one_seed_has_no_interval_and_no_seed_no_mean() -> None:
    assert aggregate([0.25]) == (0.25, 0.25, 0.25)
    with pytest.raises(ValueError, match="no score"):
        aggregate([])


def test_few_seeds_have_a_range_and_not_an_interval() -> None:
    assert aggregate([0.5, 0.1, 0.3]) == pytest.approx((0.3, 0.1, 0.5))
    several = aggregate([0.5, 0.1, 0.3, 0.3, 0.2, 0.4])
    assert 0.1 < several.low < several.high < 0.5
    tasks = [[0.0, 4.0], [2.0, 4.0]]  # each seed's own mean over tasks: 2 and 3
    assert aggregate(tasks) == (pytest.approx(2.5, abs=0.51), 2.0, 3.0)


def test_the_same_scores_give_the_same_interval() -> None:
    scores = [0.1, 0.5, 0.2, 0.9]
    assert aggregate(scores) == aggregate(scores)
