"""``polax play``: a person plays against scripted or learned players, in the terminal."""

from __future__ import annotations

import sys

from ... import registry
from ..process import set_up
from .arguments import CommandParser, add_allow_import

EPILOG = "Options of the game are given as --env.contribution-factor 1.5."


def main(arguments: list[str]) -> int:
    """Make the game and the opponent, then ask for actions until the episode ends."""
    parser = CommandParser("play", epilog=EPILOG)
    parser.add_argument("env", metavar="ENV", help="id of a game (see polax list)")
    parser.add_argument(
        "--opponent",
        required=True,
        nargs="+",
        metavar="NAME",
        help="a strategy, the folder of a run, or PREFIX:NAME (axelrod:NAME); one for all others, or one for each",
    )
    parser.add_argument("--player", type=int, default=0, metavar="N", help="the player you are (default: 0)")
    parser.add_argument("--episode", type=int, metavar="SEED", help="random seed of the episode (default: a new one)")
    add_allow_import(parser)
    options = parser.parse(arguments, plugins=True)
    set_up()
    env_options = parser.read(options, {"env": (options.env, registry.environment_plugin)})["env"]
    from ...envs.rendering.terminal import play_in_terminal, play_with_keys

    game, params = registry.make_env(options.env, **env_options)
    opponent = options.opponent if len(options.opponent) > 1 else options.opponent[0]
    by_key = sys.stdin.isatty() and sys.stdout.isatty()
    play = play_with_keys if by_key else play_in_terminal
    play(game, params, opponent, player=options.player, seed=options.episode)
    return 0
