"""``polax benchmark``: learners on shared games, trained and scored in one way."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from ... import registry
from ..process import set_up
from .arguments import CommandParser, Owners, allow_local_modules, at_least

EPILOG = """\
--preset takes options and number of updates from each learner's preset for each game; --budget says how long to
train in its place: N updates, N env-steps (environment steps of a seed) or N seconds (of training, all seeds of a
combination together). The same command again goes on where a benchmark was interrupted.
Options of learners and games are given by name: --naive.num-envs 64, --IPD-v0.contribution-factor 1.5.
The folder gets results.json, results.csv, results.md, figures/ and a run folder for each combination under runs/."""


def main(arguments: list[str]) -> int:
    """Train, score, aggregate; print and write the tables."""
    parser = _parser()
    options = parser.parse(arguments, plugins=True)
    algorithms, envs = tuple(options.algorithms or ()), tuple(options.envs or ())
    at_least(1, "--num-seeds", options.num_seeds)
    set_up(num_seeds=options.num_seeds)
    allow_local_modules([*algorithms, *envs])
    owners: Owners = {name: (name, registry.algorithm_plugin) for name in algorithms}
    owners |= {name: (name, registry.environment_plugin) for name in envs}
    plugin_options = parser.read(options, owners)
    return _run(options, {name: values for name, values in plugin_options.items() if values})


def _parser() -> CommandParser:
    hint = "; options of learners and games are given by name, such as --naive.OPTION VALUE"
    parser = CommandParser("benchmark", epilog=EPILOG, plugin_options=hint)
    parser.add_argument("--algorithms", nargs="+", metavar="ALGORITHM", help="names of learners (see polax list)")
    parser.add_argument("--envs", nargs="+", metavar="ENV", help="ids of games (see polax list)")
    parser.add_argument("--num-seeds", type=int, default=3, metavar="N", help="seeds 0 to N-1 of each (default: 3)")
    parser.add_argument("--preset", metavar="PRESET", help="settings of the learners: laptop or published, say")
    parser.add_argument("--budget", nargs="+", metavar=("N", "UNIT"), help="how long: N updates, env-steps or seconds")
    parser.add_argument(
        "--evaluation-episodes", type=int, default=1000, metavar="N", help="of a match-up at the end (default: 1000)"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the benchmark")
    return parser


def _run(options: argparse.Namespace, plugin_options: dict[str, dict[str, Any]]) -> int:
    from rich.console import Console

    from ..benchmark.budget import parse_budget
    from ..benchmark.plan import Protocol, combinations, open_folder
    from ..benchmark.results import Results
    from ..benchmark.series import run_all
    from ..training.progress import say

    protocol = Protocol(
        algorithms=tuple(options.algorithms or ()),
        envs=tuple(options.envs or ()),
        num_seeds=options.num_seeds,
        preset=options.preset,
        budget=None if options.budget is None else parse_budget(options.budget),
        evaluation_episodes=options.evaluation_episodes,
        options=plugin_options,
    )
    planned = combinations(protocol)
    console = Console(width=None if sys.stdout.isatty() else 130)
    if open_folder(options.out, protocol):
        say(console, f"going on with {options.out}")
    results = Results(options.out, protocol, planned, command=["polax", *sys.argv[1:]])
    return run_all(options.out, planned, results, episodes=protocol.evaluation_episodes, console=console)
