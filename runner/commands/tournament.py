"""``polax tournament``: every player against every player, with measures of each."""

from __future__ import annotations

from pathlib import Path

from ... import registry
from ...options import OptionError
from ..compare import tournament
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
    if not options.players:
        raise OptionError(
            "missing players: name some, such as: polax tournament tit-for-tat always-defect runs/mine --env IPD-v0"
        )
    if options.best_response_updates is not None and options.best_response is None:
        raise OptionError("--best-response-updates needs --best-response LEARNER")
    set_up(devices=2)  # the matches come in an even number of batches
    env = (options.env, registry.environment_plugin)
    learner = (options.best_response, registry.algorithm_plugin)
    plugin_options = parser.read(options, {"env": env, "best_response": learner})
    settings = (
        "episodes",
        "seed",
        "line_ups",
        "all_seeds",
        "checkpoint",
        "best_response",
        "best_response_updates",
        "out",
    )
    tournament(
        options.players,
        options.env,
        env_options=plugin_options["env"],
        best_response_options=plugin_options["best_response"],
        **{name: getattr(options, name) for name in settings},
    )
    return 0


def _parser() -> CommandParser:
    hint = "; options of the game are given as --env.OPTION"
    parser = CommandParser("tournament", epilog=EPILOG, plugin_options=hint)
    parser.add_argument(
        "players", nargs="*", metavar="PLAYER", help="a strategy, RUN, RUN#SEED, RUN#SEED@PLAYER or PREFIX:NAME"
    )
    parser.add_argument("--env", metavar="ENV", help="id of the game (default: the one the runs learned)")
    parser.add_argument(
        "--episodes",
        type=at_least(1),
        default=1000,
        metavar="N",
        help="episodes per pair and order, or line-up (default: 1000)",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="SEED", help="random seed (default: 0)")
    parser.add_argument(
        "--line-ups",
        type=at_least(1),
        metavar="N",
        help="of a game of more than two players, play at most so many line-ups, drawn by the seed (default: 1000)",
    )
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
