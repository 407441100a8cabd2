"""``polax league``: learners trained in several games, and every seed of each against all others."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..compare import league
from .arguments import (
    CommandParser,
    add_executor,
    add_output,
    at_least,
    executor_options,
    executor_owners,
    with_tasks,
)

EPILOG = """\
Without --algorithms all learners take part that have the preset, a plug-in's too, and without --envs all games of two
players for which one of them has it. Each game has a polax benchmark in a folder of its own; then all seeds of all
learners and the game's strategies play each other. The same command continues an interrupted league.
The folder gets league.json, league.csv, league.md and pictures; polax report DIR makes a page of it."""


def main(arguments: list[str]) -> int:
    """Train, play, sum up; print and write the tables."""
    parser = _parser()
    options = parser.parse(arguments, plugins=True)
    named = [*(options.algorithms or ()), *(options.envs or ())]
    return with_tasks(options, named, lambda: _league(parser, options))


def _league(parser: CommandParser, options: argparse.Namespace) -> int:
    settings = (
        *("out", "num_seeds", "preset", "episodes", "seed", "best_response_updates"),
        *("join", "anew", "retries", "quiet"),
    )
    found = league(
        options.algorithms,
        options.envs,
        best_response=None if options.no_best_response else options.best_response,
        **{name: getattr(options, name) for name in settings},
        **executor_options(options, parser.read(options, executor_owners())),
    )
    return 1 if found.problems or found.data["failures"] else 0


def _parser() -> CommandParser:
    parser = CommandParser("league", epilog=EPILOG)
    parser.add_argument("--algorithms", nargs="+", metavar="ALGORITHM", help="names of learners (default: all)")
    parser.add_argument("--envs", nargs="+", metavar="ENV", help="ids of games (default: all with such learners)")
    count: dict[str, Any] = {"metavar": "N"}
    parser.add_argument(
        "--num-seeds", type=at_least(1), default=10, **count, help="train the seeds 0 to N-1 (default: 10)"
    )
    parser.add_argument(
        "--preset", default="laptop", metavar="PRESET", help="settings of the learners (default: laptop)"
    )
    parser.add_argument(
        "--episodes", type=at_least(1), default=100, **count, help="for each ordered pair of players (default: 100)"
    )
    parser.add_argument("--seed", type=at_least(0), default=0, **count, help="of the matches (default: 0)")
    parser.add_argument(
        "--best-response",
        default="naive",
        metavar="ALGORITHM",
        help="train this learner against each learner's first seed and each strategy (default: naive)",
    )
    parser.add_argument("--best-response-updates", type=at_least(1), **count, help="its updates (default: by the game)")
    parser.add_argument("--no-best-response", action="store_true", help="train no best responses")
    parser.add_argument(
        "--join",
        type=Path,
        metavar="DIR",
        help="a league that was played, whose learners take part as they are; only others train",
    )
    parser.add_argument(
        "--anew",
        nargs="+",
        default=(),
        metavar="ENV",
        help="games of that league in which the learners train all the same and take the place of those that did",
    )
    parser.add_argument(
        "--retries", type=at_least(0), default=0, **count, help="train what failed again, N times (default: 0)"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the league")
    add_executor(parser)
    add_output(parser)
    return parser
