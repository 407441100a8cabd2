"""``polax benchmark``: learners on shared games, trained and scored identically."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from ... import registry
from ..process import set_up
from .arguments import CommandParser, Owners, add_output, allow_local_modules, at_least, set_output

EPILOG = """\
--preset takes the options and the number of updates from each learner's preset for each game; --budget sets the length
of the training instead: N updates, N env-steps (environment steps of a seed) or N seconds (of training, all seeds of a
combination together). The same command continues an interrupted benchmark.
Options of learners and games are given by name: --naive.num-envs 64, --IPD-v0.contribution-factor 1.5.
The folder gets results.json, results.csv, results.md, figures/ and a run folder for each combination under runs/."""


def main(arguments: list[str]) -> int:
    """Train, score, aggregate; print and write the tables."""
    parser = _parser()
    options = parser.parse(arguments, plugins=True)
    set_up(num_seeds=options.num_seeds)
    allow_local_modules([*options.algorithms, *options.envs])
    owners: Owners = {name: (name, registry.algorithm_plugin) for name in options.algorithms}
    owners |= {name: (name, registry.environment_plugin) for name in options.envs}
    plugin_options = parser.read(options, owners)
    with set_output(options):
        return _run(options, {name: values for name, values in plugin_options.items() if values})


def _parser() -> CommandParser:
    hint = "; options of learners and games are given by name, such as --naive.OPTION VALUE"
    parser = CommandParser("benchmark", epilog=EPILOG, plugin_options=hint)
    several: dict[str, Any] = {"nargs": "+", "required": True}
    number: dict[str, Any] = {"type": at_least(1), "metavar": "N"}
    parser.add_argument("--algorithms", **several, metavar="ALGORITHM", help="names of learners (see polax list)")
    parser.add_argument("--envs", **several, metavar="ENV", help="ids of games (see polax list)")
    parser.add_argument("--num-seeds", **number, default=3, help="train the seeds 0 to N-1 (default: 3)")
    parser.add_argument("--preset", metavar="PRESET", help="settings of the learners, such as laptop or published")
    parser.add_argument("--budget", nargs="+", metavar=("N", "UNIT"), help="N updates, N env-steps or N seconds")
    parser.add_argument(
        "--evaluation-episodes", **number, default=1000, help="episodes per match-up at the end (default: 1000)"
    )
    parser.add_argument(
        "--retries", type=at_least(0), default=0, metavar="N", help="train what failed again, N times (default: 0)"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the benchmark")
    add_output(parser)
    return parser


def _run(options: argparse.Namespace, plugin_options: dict[str, dict[str, Any]]) -> int:
    from ..benchmark.budget import parse_budget
    from ..benchmark.plan import Protocol, combinations, open_folder
    from ..benchmark.series import Series
    from ..runs.files import make_folder
    from ..runs.lock import alone
    from ..training.progress import say, wide_console

    protocol = Protocol(
        algorithms=tuple(options.algorithms),
        envs=tuple(options.envs),
        num_seeds=options.num_seeds,
        preset=options.preset,
        budget=options.budget and parse_budget(options.budget),
        evaluation_episodes=options.evaluation_episodes,
        options=plugin_options,
    )
    planned = combinations(protocol)
    console = wide_console(quiet=options.quiet)
    make_folder(options.out)
    with alone(options.out):
        if open_folder(options.out, protocol):
            say(console, f"continuing {options.out}")
        command = ["polax", *sys.argv[1:]]
        series = Series(options.out, protocol, planned, command=command, console=console, retries=options.retries)
        return series.run()
