"""``polax benchmark``: learners on shared games, trained and scored identically."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ... import registry
from ...options import OptionError
from ..compare import benchmark
from .arguments import (
    CommandParser,
    Owners,
    add_distributed,
    add_executor,
    add_mesh,
    add_output,
    at_least,
    executor_options,
    executor_owners,
    is_elsewhere,
    with_tasks,
)

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
    if is_elsewhere(options) and options.distributed:
        raise OptionError("--distributed is for what this command trains itself; leave it out, or --on")
    return with_tasks(options, [*options.algorithms, *options.envs], lambda: _benchmark(parser, options))


def _benchmark(parser: CommandParser, options: argparse.Namespace) -> int:
    owners: Owners = {name: (name, registry.algorithm_plugin) for name in options.algorithms}
    owners |= {name: (name, registry.environment_plugin) for name in options.envs}
    words = parser.read(options, {**owners, **executor_owners()})
    settings = ("out", "num_seeds", "preset", "budget", "evaluation_episodes", "pairs", "retries", "mesh", "quiet")
    found = benchmark(
        options.algorithms,
        options.envs,
        options={name: words[name] for name in owners},
        **{name: getattr(options, name) for name in settings},
        **executor_options(options, words),
    )
    from ..benchmark.document import is_whole

    return 0 if is_whole(found) else 1


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
    parser.add_argument("--pairs", action="store_true", help="train each learner beside each other one as well")
    parser.add_argument(
        "--retries", type=at_least(0), default=0, metavar="N", help="train what failed again, N times (default: 0)"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the benchmark")
    add_mesh(parser)
    add_distributed(parser)
    add_executor(parser)
    add_output(parser)
    return parser
