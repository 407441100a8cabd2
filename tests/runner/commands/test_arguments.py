"""Parsing a command's own options and those of plug-ins."""

import argparse
import dataclasses
from pathlib import Path
from typing import Any, Literal

import pytest
from polax.options import OptionError, make_config
from polax.runner.cli import UsageError
from polax.runner.commands.arguments import CommandParser, mesh_sizes, options_text, parse_options


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


class Toy:
    config = Options


class Game:
    config = dataclasses.make_dataclass("GameOptions", [("factor", float, 1.0)])


def _parser() -> CommandParser:
    parser = CommandParser("train")
    parser.add_argument("algorithm")
    parser.add_argument("env", nargs="?")
    parser.add_argument("--updates", type=int)
    parser.add_argument("--seeds", type=int, nargs="+")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--quiet", action="store_true")
    return parser


def _read(parser: CommandParser, options: argparse.Namespace) -> dict[str, dict[str, Any]]:
    plugins = {"toy": Toy, "game": Game}
    return parser.read(options, {"": (options.algorithm, plugins.__getitem__), "env": (options.env, lambda name: Game)})


def test_options_of_plug_ins_may_stand_anywhere() -> None:
    words = ["--size", "4", "toy", "--updates", "3", "IPD-v0", "--keep", "--quiet"]
    words += ["--seeds", "1", "2", "3", "--env.factor=-2", "--rate", "-1e-3"]
    parser = _parser()
    options = parser.parse(words, plugins=True)
    assert (options.algorithm, options.env, options.updates) == ("toy", "IPD-v0", 3)
    assert (options.quiet, options.seeds) == (True, [1, 2, 3])
    assert options.plugin_options == {"size": "4", "keep": True, "env.factor": "-2", "rate": "-1e-3"}
    assert _read(parser, options) == {"": {"size": 4, "keep": True, "rate": -0.001}, "env": {"factor": -2}}


@pytest.mark.parametrize("again", ["--size=5", "--size"])
def test_an_option_given_twice_is_an_error(again: str) -> None:
    with pytest.raises(OptionError, match="--size is given twice"):
        _parser().parse(["toy", "--size", "4", again], plugins=True)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["toy", "game", "--colour.size", "3"], "train has no option --colour.size"),
        (["toy", "game", "--emv.factor", "3"], "train has no option --emv.factor"),
        (["toy", "--env.factor", "3"], "train: --env.factor needs --env"),
        (["toy", "game", "--env.factr", "3"], "game has no option 'factr'; did you mean 'factor'?"),
        (["toy", "game", "--factor", "3"], "toy has no option --factor; game has it: --env.factor"),
        (["toy", "game", "--env.size", "3"], "game has no option --size; toy has it: --size"),
        (["toy", "game", "--out"], "train: argument --out: expected one argument"),
        (["toy", "game", "-x"], "train: unrecognized arguments: -x"),
        (["--updates", "3"], "train: the following arguments are required: algorithm"),
    ],
)
def test_a_wrong_command_line_is_an_error_of_one_line(words: list[str], message: str) -> None:
    parser = _parser()
    with pytest.raises((OptionError, UsageError)) as caught:
        _read(parser, parser.parse(words, plugins=True))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_command_without_plug_ins_names_the_nearest_of_its_options() -> None:
    with pytest.raises(UsageError, match="train has no option --updtes; did you mean '--updates'"):
        _parser().parse(["toy", "--updtes", "3"])


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
    text = options_text(Options, prefix="env.")
    assert (
        "  --env.size: a whole number (default: 3)\n      how large, in metres.\n"
        "  --env.rate: a number or None (default: None)\n      How fast.\n"
        "  --env.word: a string (default: a)" in text
    )


def test_a_mesh_is_sizes_by_axis():
    assert mesh_sizes("seeds=2,envs=4") == {"seeds": 2, "envs": 4}
    for word in ("", "seeds", "seeds=x", "seeds=2;envs=4", "seeds=2,seeds=2", "envs=-1"):
        with pytest.raises(argparse.ArgumentTypeError, match="must be sizes of different axes such as"):
            mesh_sizes(word)
