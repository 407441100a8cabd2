"""How long to train: updates, environment steps, seconds."""

import math

import pytest
from polax.options import OptionError, PolaxError
from polax.runner.benchmark.budget import Budget, Done, parse_budget

FRESH = Done(0, 0.0, 0.0)


def test_a_number_of_updates_is_a_number_of_updates() -> None:
    budget = parse_budget(["7", "updates"])
    assert budget.next_target(FRESH) == 7
    assert budget.next_target(Done(3, math.nan, 9.0)) == 7
    assert budget.next_target(Done(7, math.nan, 9.0)) is None


def test_environment_steps_are_reached_with_the_first_update_that_covers_them() -> None:
    budget = parse_budget(["1_000", "env-steps"])
    assert budget.next_target(FRESH) == 1
    assert budget.next_target(Done(1, 300.0, 1.0)) == 4
    assert budget.next_target(Done(4, 1200.0, 4.0)) is None
    assert budget.next_target(Done(1, 1000.0, 1.0)) is None
    with pytest.raises(PolaxError, match="does not report its environment steps"):
        budget.next_target(Done(1, math.nan, 1.0))


def test_seconds_are_filled_by_what_the_last_updates_took_not_the_first() -> None:
    budget = parse_budget(["100", "seconds"])
    assert budget.next_target(FRESH) == 2
    assert budget.next_target(Done(1, math.nan, 20.0, [20.0])) == 2
    assert budget.next_target(Done(2, math.nan, 22.0, [20.0, 22.0])) == 2 + 8  # and look again
    assert budget.next_target(Done(40, math.nan, 90.0, [86.0, 88.0, 90.0])) == 40 + 5
    assert budget.next_target(Done(41, math.nan, 99.0, [95.0, 97.0, 99.0])) is None
    assert budget.next_target(Done(30, math.nan, 100.5, [98.0, 100.5])) is None


def test_a_budget_of_seconds_ends_whatever_updates_take() -> None:
    budget, seconds = parse_budget(["10", "seconds"]), [3.0]
    for _ in range(100):
        target = budget.next_target(Done(len(seconds), math.nan, seconds[-1], seconds[-20:]))
        if target is None:
            break
        assert target > len(seconds)
        while len(seconds) < target:
            seconds.append(seconds[-1] + 0.01 * (1 + len(seconds) % 5))
    assert 9.9 < seconds[-1] < 10.5


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["100"], "is a number and a unit"),
        (["100", "updates", "more"], "is a number and a unit"),
        (["many", "updates"], "needs a number above 0, not 'many'"),
        (["-3", "updates"], "needs a number above 0, not '-3'"),
        (["0", "seconds"], "needs a number above 0"),
        (["inf", "seconds"], "needs a number above 0"),
        (["1.5", "updates"], "needs a whole number of updates, not '1.5'"),
        (["100", "update"], "no unit 'update'; did you mean 'updates'?"),
        (["100", "env_steps"], "did you mean 'env-steps'?"),
        (["100", "lightyears"], "--budget has no unit 'lightyears'; there are updates, env-steps, seconds"),
    ],
)
def test_nonsense_is_named(words: list[str], message: str) -> None:
    with pytest.raises(OptionError) as caught:
        parse_budget(words)
    assert message in str(caught.value)


def test_a_budget_is_written_as_it_was_given() -> None:
    assert str(Budget(1e9, "env-steps")) == "1000000000 env-steps"
    assert str(parse_budget(["0.5", "seconds"])) == "0.5 seconds"
