"""Splitting and reading the command line's words."""

import dataclasses
from typing import Any, Literal

import pytest
from polax.options import OptionError, make_config
from polax.runner.commands.arguments import describe_options, parse_options, split_arguments, split_env_options

VALUED = {"--updates", "--seeds", "--out"}
FLAGS = {"--quiet"}


@dataclasses.dataclass(frozen=True)
class Options:
    """Options.

    Attributes:
        size: how large,
            in metres.
    """

    size: int = 3
    rate: float | None = None
    """How fast."""
    word: str = "a"
    choice: Literal["left", "right"] = "left"
    payoffs: tuple[tuple[float, ...], ...] | None = None
    keep: bool = True


def test_options_of_plug_ins_may_stand_anywhere() -> None:
    words = ["--size", "4", "toy", "--updates", "3", "IPD-v0", "--keep", "--quiet"]
    words += ["--seeds", "1", "2", "3", "--env.factor=-2", "--rate", "-1"]
    split = split_arguments(words, valued=VALUED, flags=FLAGS)
    assert split.fixed == ["toy", "--updates", "3", "IPD-v0", "--quiet", "--seeds", "1", "2", "3"]
    assert split.plugin == {"size": "4", "keep": True, "env.factor": "-2", "rate": "-1"}
    assert split_env_options(split.plugin) == ({"size": "4", "keep": True, "rate": "-1"}, {"factor": "-2"})


def test_an_option_given_twice_is_an_error() -> None:
    with pytest.raises(OptionError, match="--size is given twice"):
        split_arguments(["--size", "4", "--size=5"], valued=VALUED, flags=FLAGS)


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ({"size": "4"}, 4),
        ({"size": "1e3"}, 1000),
        ({"rate": "1e-3"}, 0.001),
        ({"rate": "none"}, None),
        ({"rate": "2"}, 2),
        ({"word": "12"}, "12"),
        ({"choice": "right"}, "right"),
        ({"payoffs": "[[1, 2], [3, 4]]"}, ((1, 2), (3, 4))),
        ({"payoffs": "((1, 2), (3, 4))"}, ((1, 2), (3, 4))),
        ({"keep": "false"}, False),
        ({"keep": True}, True),
        ({"no_keep": True}, False),
    ],
)
def test_words_become_values_of_the_options_type(words: dict[str, Any], value: Any) -> None:
    config = make_config(Options, parse_options(Options, words, what="toy"), what="toy")
    name = next(iter(words)).removeprefix("no_")
    assert getattr(config, name) == value
    assert type(getattr(config, name)) is type(value)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"size": "big"}, "size must be a whole number, not 'big'"),
        ({"size": "1.5"}, "size must be a whole number, not 1.5"),
        ({"size": True}, "--size needs a value: a whole number"),
        ({"choice": "up"}, "choice must be one of 'left', 'right', not 'up'"),
        ({"seize": "1"}, "toy has no option 'seize'; did you mean 'size'?"),
        ({"keep": "7"}, "keep must be True or False, not 7"),
        ({"payoffs": "7"}, "payoffs must be"),
    ],
)
def test_a_word_that_is_no_value_of_its_type_is_an_error(words: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError) as caught:
        make_config(Options, parse_options(Options, words, what="toy"), what="toy")
    assert message in str(caught.value)


def test_help_comes_from_the_documentation_of_the_fields() -> None:
    text = describe_options(Options, prefix="env.")
    assert (
        "  --env.size (3)\n      how large, in metres.\n  --env.rate (None)\n      How fast.\n  --env.word (a)" in text
    )
