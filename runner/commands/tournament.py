"""``polax tournament``: every player against every player, with measures of each."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from ... import registry
from ...options import OptionError
from ..process import set_up
from .arguments import CommandParser, add_allow_import, at_least

EPILOG = """\
A player is the name of a strategy (see polax list --details), the folder of a training run (RUN for its first seed,
RUN#SEED for another one, RUN#SEED@PLAYER for one of its players alone, which then plays as either player of the game),
or PREFIX:NAME, such as axelrod:NAME where that library is installed.
Options of the game are given as --env.contribution-factor 1.5; without them the runs' own options hold. Options of
the learner of best responses are given as --best-response.num-envs 64.
The folder gets tournament.json, payoffs.csv, tournament.md and the charts, such as payoffs.png."""


def main(arguments: list[str]) -> int:
    """Play, print and write the tables."""
    parser = _parser()
    options = parser.parse(arguments, plugins=True)
    if options.best_response_updates is not None and options.best_response is None:
        raise OptionError("--best-response-updates needs --best-response LEARNER")
    set_up(num_seeds=2)  # the matches come in an even number of batches
    env = (options.env, registry.environment_plugin)
    learner = (options.best_response, registry.algorithm_plugin)
    plugin_options = parser.read(options, {"env": env, "best_response": learner})
    return _play(options, plugin_options["env"], plugin_options["best_response"])


def _parser() -> CommandParser:
    hint = "; options of the game are given as --env.OPTION"
    parser = CommandParser("tournament", epilog=EPILOG, plugin_options=hint)
    parser.add_argument(
        "players", nargs="*", metavar="PLAYER", help="a strategy, RUN, RUN#SEED, RUN#SEED@PLAYER or PREFIX:NAME"
    )
    parser.add_argument("--env", metavar="ENV", help="id of the game (default: the one the runs learned)")
    parser.add_argument(
        "--episodes", type=at_least(1), default=1000, metavar="N", help="episodes per pair and order (default: 1000)"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="SEED", help="random seed (default: 0)")
    parser.add_argument("--all-seeds", action="store_true", help="enter each seed of a run as a player")
    parser.add_argument(
        "--checkpoint", metavar="UPDATE", help="an update, best or last, also of runs that have not finished"
    )
    parser.add_argument(
        "--best-response",
        metavar="LEARNER",
        help="train this learner, such as naive, against each player, frozen (takes minutes)",
    )
    parser.add_argument(
        "--best-response-updates", type=int, metavar="N", help="its updates (default: 20 in matrix games, else 200)"
    )
    add_allow_import(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", help="new folder (default: tournaments/ENV-TIME)")
    return parser


def _play(options: argparse.Namespace, env_options: dict[str, Any], learner_options: dict[str, Any]) -> int:
    from ..report.writers import show, write
    from ..runs.lock import alone
    from ..runs.manifest import device_names
    from ..tournament.best_response import Training, check_training, usual_updates
    from ..tournament.contest import contest
    from ..tournament.document import document, prepare
    from ..tournament.line_up import make_line_up
    from ..training.progress import say, wide_console

    begun = time.perf_counter()
    console = wide_console()
    line_up = make_line_up(
        options.players, options.env, env_options, all_seeds=options.all_seeds, checkpoint=options.checkpoint
    )
    training = None
    if options.best_response is not None:
        updates = usual_updates(line_up) if options.best_response_updates is None else options.best_response_updates
        training = Training(options.best_response, updates, learner_options)
        check_training(training, line_up)
    out = options.out or Path("tournaments") / f"{line_up.env}-{time.strftime('%Y%m%d-%H%M%S')}"
    prepare(out)
    with alone(out):
        prepare(out)  # another process may have filled it before this one had the lock
        with registry.plugin_code("the players", "act"):
            content = contest(line_up, episodes=options.episodes, seed=options.seed, training=training, console=console)
        seconds = time.perf_counter() - begun
        ran = {"command": ["polax", *sys.argv[1:]], "devices": device_names(), "seconds": round(seconds, 1)}
        found = document({**content, **ran})
        write(found, out, records="payoffs.csv")
    show(found, console)
    say(console, f"{len(content['players'])} players, {seconds:.1f} s: {out}")
    return 0
