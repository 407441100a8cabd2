"""``polax play``: a person plays against a scripted or a learned player, in the terminal."""

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
        metavar="NAME",
        help="a strategy, the folder of a run, or PREFIX:NAME (axelrod:NAME)",
    )
    parser.add_argument("--player", type=int, default=0, choices=(0, 1), help="the player you are (default: 0)")
    parser.add_argument("--episode", type=int, metavar="SEED", help="random seed of the episode (default: a new one)")
    add_allow_import(parser)
    options = parser.parse(arguments, plugins=True)
    set_up()
    env_options = parser.read(options, {"env": (options.env, registry.environment_plugin)})["env"]
    from ...envs.rendering.terminal import play_in_terminal, play_with_keys

    game, params = registry.make_env(options.env, **env_options)
    opponent = registry.make_policy(options.opponent, game, params, player=1 - options.player)
    by_key = sys.stdin.isatty() and sys.stdout.isatty()
    play = play_with_keys if by_key else play_in_terminal
    play(game, params, opponent, player=options.player, seed=options.episode)
    return 0
