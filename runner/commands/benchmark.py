"""``polax benchmark``: learners on shared games, trained and scored in one way."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from ...options import OptionError
from ..cli import CommandParser, use_compilation_cache
from .arguments import split_arguments

USAGE = (
    "--algorithms A ... --envs E ... --num-seeds N [--preset P] [--budget N UNIT] --out DIR\n"
    "       [--ALGORITHM.OPTION VALUE ...] [--ENV.OPTION VALUE ...]"
)
EPILOG = """\
--preset takes options and number of updates from each learner's preset for each game; --budget says how long to
train in its place: N updates, N env-steps (environment steps of a seed) or N seconds (of training, all seeds of a
combination together). The same command again goes on where a benchmark was interrupted.
The folder gets results.json, results.csv, results.md, figures/ and a run folder for each combination under runs/."""
LISTS = ("--algorithms", "--envs", "--budget")


def main(arguments: list[str]) -> int:
    """Train, score, aggregate; print and write the tables."""
    parser = _parser()
    flags = {"--help"}
    valued = {word for action in parser._actions for word in action.option_strings if word.startswith("--")} - flags
    split = split_arguments(arguments, valued=valued, flags=flags, lists=LISTS)
    options = parser.parse_args(split.fixed)
    names = [*(options.algorithms or ()), *(options.envs or ())]
    if any(":" in name for name in names):
        sys.path.append(str(Path.cwd()))  # as `polax train` does
    use_compilation_cache()
    return _run(options, split.plugin)


def _parser() -> CommandParser:
    parser = CommandParser("benchmark", USAGE)
    parser.epilog = EPILOG
    parser.add_argument("--algorithms", nargs="+", metavar="A", help="names of learners (see polax list)")
    parser.add_argument("--envs", nargs="+", metavar="E", help="ids of games (see polax list)")
    parser.add_argument("--num-seeds", type=int, default=3, metavar="N", help="seeds 0 to N-1 of each (default: 3)")
    parser.add_argument("--preset", metavar="P", help="settings of the learners: laptop or published, say")
    parser.add_argument("--budget", nargs="+", metavar="N UNIT", help="how long: N updates, env-steps or seconds")
    parser.add_argument(
        "--evaluation-episodes", type=int, default=1000, metavar="N", help="of a match-up at the end (default: 1000)"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the benchmark")
    return parser


def _run(options: argparse.Namespace, plugin_words: dict[str, Any]) -> int:
    from ..benchmark.budget import parse_budget
    from ..devices import split_cpu

    budget = None if options.budget is None else parse_budget(options.budget)
    if options.num_seeds < 1:
        raise OptionError(f"--num-seeds must be at least 1, not {options.num_seeds}")
    split_cpu(options.num_seeds)  # before any plug-in is loaded
    from rich.console import Console

    from ..benchmark.plan import Protocol, combinations, open_folder, parse_plugin_words
    from ..benchmark.results import Results
    from ..benchmark.series import run_all

    algorithms, envs = tuple(options.algorithms or ()), tuple(options.envs or ())
    protocol = Protocol(
        algorithms=algorithms,
        envs=envs,
        num_seeds=options.num_seeds,
        preset=options.preset,
        budget=budget,
        evaluation_episodes=options.evaluation_episodes,
        options=parse_plugin_words(plugin_words, algorithms, envs),
    )
    planned = combinations(protocol)
    console = Console(width=None if sys.stdout.isatty() else 130)
    if open_folder(options.out, protocol):
        console.print(f"going on with {options.out}", highlight=False, markup=False, soft_wrap=True)
    results = Results(options.out, protocol, planned, command=["polax", *sys.argv[1:]])
    return run_all(options.out, planned, results, episodes=protocol.evaluation_episodes, console=console)
