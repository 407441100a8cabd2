"""What ``--vary`` means, and what is refused."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from polax.options import OptionError, Positive
from polax.runner.sweep.space import Choices, Range, combinations, corners, nested, read_space


@dataclasses.dataclass(frozen=True)
class _Inner:
    rate: float = 0.1


@dataclasses.dataclass(frozen=True)
class _Learner:
    outer_lr: Positive = 0.1
    size: int = 4
    kind: str = "a"
    flag: bool = False
    entropy: Positive | None = None
    player_0: _Inner = _Inner()  # frozen


@dataclasses.dataclass(frozen=True)
class _Game:
    factor: float = 1.5


def _read(**vary: Any) -> dict[str, Any]:
    names = {name.replace("env_", "env.").replace("player_0_", "player_0."): words for name, words in vary.items()}
    return read_space(names, {"": _Learner, "env.": _Game}, {"": "learner", "env.": "Game-v0"})


def test_lists_have_values_of_the_options_type_and_ranges_their_ends() -> None:
    assert _read(outer_lr="0.1,1e-3", size="16, 32", kind="a,b", flag="true,false", entropy="none,0.1") == {
        "outer_lr": Choices((0.1, 0.001)),
        "size": Choices((16, 32)),
        "kind": Choices(("a", "b")),
        "flag": Choices((True, False)),
        "entropy": Choices((None, 0.1)),
    }
    assert _read(outer_lr="log:1e-3:0.1", env_factor="uniform:1:2", size="int:1:8", player_0_rate=[1, 2]) == {
        "outer_lr": Range(0.001, 0.1, log=True),
        "env.factor": Range(1.0, 2.0),
        "size": Range(1, 8, whole=True),
        "player_0.rate": Choices((1, 2)),
    }


def test_a_range_of_an_option_that_is_a_whole_number_has_whole_numbers() -> None:
    space = _read(size="log:4:64")
    assert space["size"] == Range(4, 64, log=True, whole=True)
    drawn = [space["size"].draw(np.random.default_rng(seed)) for seed in range(300)]
    assert {type(each) for each in drawn} == {int}
    assert (min(drawn), max(drawn)) == (4, 64)
    assert 0.3 < np.mean(np.array(drawn) <= 16) < 0.7  # half of the logarithms are below 16


def test_words_and_lists_of_python_or_numpy_mean_the_same_and_can_be_given_again() -> None:
    for name, words in (("outer_lr", "log:0.001:0.1"), ("size", "int:1:8"), ("size", "log:4:64"), ("size", "16,32")):
        (axis,) = _read(**{name: words}).values()
        assert _read(**{name: axis.words()}) == {name: axis}
    assert {type(each) for each in _read(outer_lr="1,0.5")["outer_lr"].values} == {float}
    assert _read(size=np.array([16, 32])) == _read(size=[16, 32]) == _read(size="16,32")
    assert {type(each) for each in _read(size=np.array([16, 32]))["size"].values} == {int}


def test_drawn_numbers_have_four_digits_and_stay_within_the_range() -> None:
    axis = Range(0.0012345, 0.1, log=True)
    drawn = [axis.draw(np.random.default_rng(seed)) for seed in range(200)]
    assert all(axis.low <= each <= axis.high for each in drawn)
    assert all(each == float(f"{each:.4g}") or each in axis.values for each in drawn)
    middle = np.sqrt(axis.low * axis.high)
    assert 0.4 < np.mean(np.array(drawn) < middle) < 0.6


def test_combinations_and_corners() -> None:
    space = _read(size="1,2", kind="a,b", outer_lr="log:0.1:1")
    assert combinations(space) == [{"size": size, "kind": kind} for size in (1, 2) for kind in ("a", "b")]
    first = {"size": 1, "kind": "a", "outer_lr": 0.1}
    assert list(corners(space)) == [first, first | {"size": 2}, first | {"kind": "b"}, first | {"outer_lr": 1.0}]
    assert combinations(_read(outer_lr="log:0.1:1")) == [{}]


def test_values_become_options_of_the_learner_a_player_and_the_game() -> None:
    values = {"outer_lr": 1, "player_0.rate": 2, "player_0.size": 3, "env.factor": 4}
    assert nested(values) == {"": {"outer_lr": 1, "player_0": {"rate": 2, "size": 3}}, "env.": {"factor": 4}}


@pytest.mark.parametrize(
    ("vary", "message"),
    [
        ({}, "nothing to vary: pass --vary OPTION=VALUES"),
        ({"outer_lrr": "1,2"}, "--vary outer_lrr: learner has no option 'outer_lrr'; did you mean 'outer_lr'?"),
        ({"env_facto": "1,2"}, "--vary env.facto: Game-v0 has no option 'facto'; did you mean 'factor'?"),
        ({"player_0_rat": "1,2"}, "learner: player_0 has no option 'rat'; did you mean 'rate'?"),
        ({"player_0": "1,2"}, "player_0 has options of its own; vary one of player_0.rate"),
        ({"outer_lr": ""}, "has no value; give a list such as 16,32, or one of log:LOW:HIGH"),
        ({"outer_lr": []}, "has no value"),
        ({"outer_lr": 3}, "must be a list such as"),
        ({"outer_lr": [[1], [2]]}, r"must list numbers or words, not \[1\]"),
        ({"outer_lr": "1,1"}, "lists 1 twice"),
        ({"outer_lr": "log:0:1"}, "a logarithmic range must begin above 0, not at 0"),
        ({"outer_lr": "log:-1:1"}, "a logarithmic range must begin above 0, not at -1"),
        ({"outer_lr": "uniform:1:1"}, "the range uniform:1:1 is empty"),
        ({"outer_lr": "uniform:2:1"}, "the range uniform:2:1 is empty"),
        ({"outer_lr": "uniform:1"}, "must be uniform:LOW:HIGH with two numbers, not uniform:1"),
        ({"outer_lr": "uniform:1:2:3"}, "must be uniform:LOW:HIGH with two numbers"),
        ({"outer_lr": "log:1:inf"}, "must be log:LOW:HIGH with two numbers, not log:1:inf"),
        ({"outer_lr": "log:nan:1"}, "with two numbers"),
        ({"size": "int:1:2.5"}, "must be int:LOW:HIGH with two whole numbers"),
        ({"size": "log:1:2.5"}, "must be log:LOW:HIGH with two whole numbers"),
    ],
)
def test_what_cannot_be_varied_is_refused_in_a_sentence(vary: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message) as caught:
        _read(**vary)
    assert "\n" not in str(caught.value)
