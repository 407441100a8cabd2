"""Checks that the types of a configuration carry, and records filled from one: `polax.options`."""

from dataclasses import dataclass
from functools import partial
from typing import Annotated

import pytest
from polax.options import (
    Count,
    Discount,
    NotNegative,
    Positive,
    Share,
    check_choice,
    check_options,
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


def test_a_record_is_filled_by_name_and_keeps_the_defaults_of_what_is_absent():
    assert select(Record, Config(size=3)) == Record(3, 0.1, absent=7)
    assert select(Record, Config(), rate=0.2) == Record(2, 0.2)
