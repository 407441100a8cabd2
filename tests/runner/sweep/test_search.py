"""Which trials a grid and a random search have."""

from collections import Counter
from typing import Any

import pytest
from polax.options import OptionError
from polax.runner.sweep.plan import Protocol, plan_sweep
from polax.runner.sweep.search import Drawn, draw_trials
from polax.runner.sweep.space import Space


def _plan(**settings: Any) -> tuple[Protocol, Space]:
    usual: dict[str, Any] = {"search": None, "trials": None, "objective": None, "updates": 1}
    return plan_sweep("toy", "IPD-v0", options={}, env_options={}, **{**usual, **settings})


def _values(**settings: Any) -> list[dict[str, Any]]:
    return [dict(trial.values) for trial in draw_trials(*_plan(**settings))]


def test_lists_alone_are_a_grid_of_every_combination() -> None:
    protocol, space = _plan(vary={"width": "2,3", "step_size": "0.1,0.2,0.3"})
    assert (protocol.search, protocol.trials) == ("grid", 6)
    trials = draw_trials(protocol, space)
    assert [trial.number for trial in trials] == list(range(6))
    assert [tuple(trial.values.values()) for trial in trials] == [(w, s) for w in (2, 3) for s in (0.1, 0.2, 0.3)]


def test_at_random_the_combinations_of_lists_have_equal_shares_beside_numbers_of_their_own() -> None:
    vary = {"width": "2,3", "step_size": "log:0.01:1", "outer_steps": "1,2,4"}
    found = _values(vary=vary, trials=24)
    assert Counter((each["width"], each["outer_steps"]) for each in found) == {
        (width, steps): 4 for width in (2, 3) for steps in (1, 2, 4)
    }
    assert len({each["step_size"] for each in found}) == 24
    assert [list(each) for each in found] == [list(vary)] * 24


def test_a_trial_depends_on_the_seed_and_its_number_alone() -> None:
    vary = {"width": "2,3", "step_size": "log:0.01:1"}
    many = _values(vary=vary, trials=9)
    assert _values(vary=vary, trials=4) == many[:4]
    assert _values(vary=vary, trials=9, search_seed=1) != many


def test_at_random_a_list_may_be_left_out_in_part_but_nothing_comes_twice() -> None:
    found = _values(vary={"width": "2,3,4,5"}, trials=3)
    assert len({each["width"] for each in found}) == 3


def test_all_trials_are_one_round() -> None:
    search = Drawn(*_plan(vary={"width": "2,3"}))
    assert len(search.next_round()) == 2
    assert search.next_round() == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"vary": {"step_size": "log:0.1:1"}}, "missing number of trials: pass --trials N"),
        ({"vary": {"width": "2,3"}, "trials": 3}, "the lists have only 2 combinations; pass --trials 2, or fewer"),
        ({"vary": {"width": "2,3"}, "trials": 1, "search": "grid"}, "this grid has 2 trials, not 1"),
        ({"vary": {"step_size": "log:0.1:1"}, "search": "grid"}, "a grid needs lists, but step_size is a range"),
        ({"vary": {"width": "2,3"}, "search": "gird"}, "there is no search 'gird'; did you mean 'grid'?"),
        ({"vary": {"step_size": "log:0.1:1"}, "trials": 10**6}, "a sweep has at most 100,000 trials, not 1,000,000"),
        ({"vary": {"step_size": "0.1,0"}}, "toy: step_size must be above 0, not 0"),
        ({"vary": {"step_size": "uniform:-1:1"}, "trials": 2}, "toy: step_size must be above 0, not -1.0"),
        ({"vary": {"env.contribution_factor": "1.2,x"}}, "IPD-v0: contribution_factor must be a number, not 'x'"),
        (
            {"vary": {"width": "2,3"}, "objective": "tit-fo-tat"},
            "no objective 'tit-fo-tat'; did you mean 'tit-for-tat'?",
        ),
        ({"vary": {"width": "2,3"}, "updates": None}, "missing training length"),
    ],
)
def test_what_cannot_be_searched_is_refused_in_a_sentence(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message) as caught:
        _plan(**settings)
    assert "\n" not in str(caught.value)


def test_an_option_is_either_varied_or_given() -> None:
    with pytest.raises(OptionError, match="width is varied, so it cannot have a single value too"):
        plan_sweep(
            "toy", "IPD-v0", vary={"width": "2,3"}, search=None, trials=None, objective=None, options={"width": 2},
            env_options={}, updates=1,
        )  # fmt: skip


def test_both_words_for_a_learners_own_players_mean_their_score_and_a_strategy_its_name() -> None:
    for word in ("self-play", "co-play", None):
        assert _plan(vary={"width": "2,3"}, objective=word)[0].objective == ""
    assert _plan(vary={"width": "2,3"}, objective="tit-for-tat")[0].objective == "tit-for-tat"
