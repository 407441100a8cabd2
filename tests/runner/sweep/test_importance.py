"""The importance of an option: epsilon squared."""

import numpy as np
import pytest
from polax.runner.sweep.importance import importance
from polax.runner.sweep.space import Choices, Range


def _rows(values, objectives):
    return [{"values": value, "objective": each} for value, each in zip(values, objectives, strict=True)]


def test_it_is_the_share_of_the_variance_between_the_values_of_a_list_less_that_of_chance():
    rows = _rows([{"a": value} for value in (1, 1, 2, 2)], [0.0, 1.0, 4.0, 5.0])
    # within: 0.5 + 0.5 over 2 degrees of freedom; in all: 17 over 3
    assert importance(rows, {"a": Choices((1, 2))})["a"] == pytest.approx(1 - (1 / 2) / (17 / 3))


def test_an_option_that_decides_has_one_and_another_none():
    rng = np.random.default_rng(0)
    decides, idle = rng.uniform(size=400), rng.uniform(size=400)
    rows = _rows([{"a": a, "b": b} for a, b in zip(decides, idle, strict=True)], np.floor(decides * 4))
    found = importance(rows, {"a": Range(0, 1), "b": Range(0, 1)})
    assert found["a"] > 0.9
    assert found["b"] < 0.03


def test_an_effect_that_rises_and_falls_counts_too():
    values = np.linspace(-1, 1, 64)
    rows = _rows([{"a": value} for value in values], values**2)
    assert importance(rows, {"a": Range(-1, 1)})["a"] > 0.6


def test_failed_trials_do_not_count_and_too_few_say_nothing():
    rows = _rows([{"a": value} for value in (1, 1, 2, 2)], [0.0, 1.0, None, None])
    assert importance(rows, {"a": Choices((1, 2))}) == {"a": None}
    assert importance(rows, {"a": Range(1, 2)}) == {"a": None}
    assert importance([], {"a": Range(1, 2)}) == {"a": None}


def test_equal_scores_have_no_variance_to_account_for():
    rows = _rows([{"a": value} for value in (1, 1, 2, 2)], [0.5] * 4)
    assert importance(rows, {"a": Choices((1, 2))}) == {"a": 0.0}
