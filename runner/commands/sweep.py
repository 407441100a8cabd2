"""``polax sweep``: a learner with many settings, those that differ in numbers alone as one compiled program."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ... import registry
from ...options import OptionError
from ..compare import sweep
from ..completion import with_names
from .arguments import (
    CommandParser,
    Owners,
    add_executor,
    add_output,
    at_least,
    executor_options,
    executor_owners,
    with_tasks,
)

EPILOG = """\
--vary OPTION=VALUES may be repeated. VALUES is a list such as 50,100,200, or a range: log:0.001:0.1 (uniform in the
logarithm), uniform:0:1, int:1:8 (whole numbers). Both ends are included; for an option that is a whole number, log: and
uniform: draw whole numbers too. An option of the game is called env.contribution_factor.
Lists alone are a grid; with a range, --trials N says how many settings are drawn.
Rates, penalties, payoffs and other numbers vary inside one compiled program; sizes make a program each.
Options that all trials share are given as --inner-steps 4 and --env.max-steps-in-episode 10.
The same command continues an interrupted sweep. The folder gets trials.json, trials.csv, trials.md, best.json (for
polax train --config) and figures/; polax report makes a page of it."""


def main(arguments: list[str]) -> int:
    """Train every setting; print and write the tables."""
    parser = _parser()
    options = parser.parse(arguments, plugins=True)
    return with_tasks(options, [options.algorithm, options.env], lambda: _sweep(parser, options))


def _sweep(parser: CommandParser, options: argparse.Namespace) -> int:
    owners: Owners = {
        "": (options.algorithm, registry.algorithm_plugin),
        "env": (options.env, registry.environment_plugin),
    }
    words = parser.read(options, {**owners, **executor_owners()})
    settings = (
        "out", "trials", "search", "search_seed", "num_seeds", "at_once", "objective", "preset", "updates",
        "eval_envs", "retries", "quiet",
    )  # fmt: skip
    found = sweep(
        options.algorithm,
        options.env,
        vary=_vary(options.vary or []),
        options=words[""],
        env_options=words["env"],
        **{name: getattr(options, name) for name in settings},
        **executor_options(options, words),
    )
    from ..sweep.document import is_whole

    return 0 if is_whole(found) else 1


def _vary(words: list[str]) -> dict[str, str]:
    vary: dict[str, str] = {}
    for word in words:
        name, equals, values = word.partition("=")
        if not equals or not name:
            raise OptionError(f"--vary must be OPTION=VALUES, such as outer_lr=log:0.001:0.1, not {word!r}")
        if name in vary:
            raise OptionError(f"--vary names {name} twice")
        vary[name] = values
    return vary


def _parser() -> CommandParser:
    parser = CommandParser("sweep", epilog=EPILOG)
    number: dict[str, Any] = {"type": at_least(1), "metavar": "N"}
    with_names(
        parser.add_argument("algorithm", metavar="ALGORITHM", help="name of a learner (see polax list)"),
        registry.list_algorithms,
    )
    with_names(
        parser.add_argument("env", metavar="ENV", help="id of a game (see polax list)"), registry.list_environments
    )
    parser.add_argument("--vary", action="append", metavar="OPTION=VALUES", help="what differs between the trials")
    parser.add_argument("--trials", **number, help="how many settings (default: every combination of the lists)")
    parser.add_argument("--num-seeds", **number, default=1, help="train the seeds 0 to N-1 of each trial (default: 1)")
    parser.add_argument(
        "--search", metavar="SEARCH", help="grid, random or optuna (default: grid, or with --trials random)"
    )
    parser.add_argument(
        "--search-seed", type=at_least(0), default=0, metavar="SEED", help="seed of what the search draws (default: 0)"
    )
    parser.add_argument(
        "--at-once", **number, help="trials in one program at most (default: all; 8 that Optuna chooses at a time)"
    )
    parser.add_argument(
        "--objective",
        metavar="NAME",
        help="self-play or co-play (its own players), or a strategy such as tit-for-tat (default: its own players)",
    )
    parser.add_argument("--preset", metavar="PRESET", help="settings that all trials share, such as laptop")
    parser.add_argument("--updates", **number, help="updates of each trial (default: the preset's)")
    parser.add_argument("--eval-envs", **number, default=256, help="episodes per match-up (default: 256)")
    parser.add_argument(
        "--retries", type=at_least(0), default=0, metavar="N", help="train what failed again, N times (default: 0)"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the sweep")
    add_executor(parser)
    add_output(parser)
    return parser
