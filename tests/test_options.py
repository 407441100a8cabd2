"""Checks that the types of a configuration carry, and records filled from one: `polax.options`."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import pytest
from polax.options import (
    Count,
    Discount,
    NotNegative,
    OptionError,
    Positive,
    Share,
    check_choice,
    check_options,
    count_option,
    list_option,
    make_config,
    select,
)


@dataclass(frozen=True, kw_only=True)
class Config:
    size: Count = 2
    rate: Positive = 0.1
    weight: NotNegative = 0.0
    share: Share = 0.5
    discount: Discount = 0.9
    model_rate: Positive | None = None
    colour: Annotated[str, partial(check_choice, allowed=("red", "blue"))] = "red"
    anything: object = None
    names: tuple[str, ...] = ()

    def __post_init__(self):
        check_options(self)


@dataclass(frozen=True, kw_only=True)
class Smaller(Config):
    size: Count = 1


@dataclass(frozen=True)
class Record:
    size: int
    rate: float
    absent: int = 7


@pytest.mark.parametrize("config", [Config, Smaller])
@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("size", 0, "size must be a whole number of at least 1; got 0"),
        ("size", None, "size must be a whole number of at least 1; got None"),
        ("rate", 0.0, "rate must be a finite number above 0; got 0.0"),
        ("weight", -1.0, "weight must be a finite number at least 0; got -1.0"),
        ("share", 1.1, "share must be a finite number at least 0 and at most 1; got 1.1"),
        ("discount", 1.0, "discount must be a finite number at least 0 and below 1; got 1.0"),
        ("model_rate", 0.0, "model_rate must be a finite number above 0; got 0.0"),
        ("colour", "green", "colour must be one of red, blue; got 'green'"),
    ],
)
def test_each_option_is_checked_by_its_type(config, option, value, message):
    with pytest.raises(ValueError, match=message):
        config(**{option: value})


def test_values_at_the_bounds_are_allowed():
    Config(size=1, weight=0.0, share=1.0, discount=0.0, model_rate=3.0, colour="blue")


def test_a_type_that_carries_a_check_is_a_plain_type_to_make_config():
    assert make_config(Config, {"size": 5, "model_rate": None}, what="it") == Config(size=5)
    with pytest.raises(ValueError, match=r"it: size must be a whole number, not 2\.5"):
        make_config(Config, {"size": 2.5}, what="it")


@pytest.mark.parametrize(
    ("given", "said"),
    [("grim", r"names must be a list, such as \['grim'\], not 'grim'"), (3, "names must be a list, not 3")],
)
def test_one_name_in_place_of_a_list_of_names_is_answered_with_the_list(given, said):
    with pytest.raises(ValueError, match=said):
        make_config(Config, {"names": given}, what="it")


def test_a_record_is_filled_by_name_and_keeps_the_defaults_of_what_is_absent():
    assert select(Record, Config(size=3)) == Record(3, 0.1, absent=7)
    assert select(Record, Config(), rate=0.2) == Record(2, 0.2)


def test_a_count_becomes_an_int():
    assert type(count_option(n=np.int8(3))) is int
    for given in (0, 1.0, True, "1", None):
        with pytest.raises(OptionError, match="n must be a whole number of at least 1; got"):
            count_option(n=given)


def test_a_list_of_names_is_any_iterable_that_is_not_one_name():
    assert list_option("names", (name for name in "ab")) == ["a", "b"]
    for given, message in (
        ("a", r"names must be a list, such as \['a'\], not 'a' alone"),
        (Path("b"), r"names must be a list, such as \['b'\], not .*Path\('b'\) alone"),
        (3, "names must be a list, not 3"),
        ([], "names is empty; give at least one"),
    ):
        with pytest.raises(OptionError, match=message):
            list_option("names", given)


def test_scalars_of_other_libraries_become_numbers_that_are_hashed_and_written_as_json():
    config = make_config(Config, {"size": np.int64(3), "rate": np.float32(0.5), "share": np.array(1)}, what="it")
    assert (config.size, config.rate, config.share) == (3, 0.5, 1)
    assert [type(value) for value in (config.size, config.rate, config.share)] == [int, float, int]
    with pytest.raises(OptionError, match=r"it: size must be a whole number, not 0\.5"):
        make_config(Config, {"size": np.float64(0.5)}, what="it")
