"""``polax play``: a person plays against a scripted or a learned player, in the terminal."""

from __future__ import annotations

from ... import registry
from ...options import OptionError
from ..cli import CommandParser, use_compilation_cache
from .arguments import parse_options, split_arguments, split_env_options

USAGE = "ENV --opponent NAME|RUN|RUN#SEED|axelrod:NAME [--seat 0|1] [--episode E] [--env.OPTION VALUE ...]"


def main(arguments: list[str]) -> int:
    """Make the game and the opponent, then ask for actions until the episode ends."""
    parser = CommandParser("play", USAGE)
    parser.add_argument("env", help="id of a game (see polax list)")
    parser.add_argument(
        "--opponent", required=True, metavar="NAME", help="a strategy's name, folder of a run, or axelrod:NAME"
    )
    parser.add_argument("--seat", type=int, default=0, choices=(0, 1), help="your seat (default: 0)")
    parser.add_argument("--episode", type=int, metavar="E", help="random seed of the episode (default: a new one)")
    split = split_arguments(arguments, valued={"--opponent", "--seat", "--episode"}, flags={"--help"})
    options = parser.parse_args(split.fixed)
    others, env_words = split_env_options(split.plugin)
    if others:
        raise OptionError(f"play has no option --{next(iter(others)).replace('_', '-')} (see polax play --help)")
    use_compilation_cache()
    plugin = registry.environment_plugin(options.env)
    env_options = parse_options(plugin.config, env_words, what=options.env)
    from ...envs.rendering.animation import play_in_terminal
    from ...opponents import make_opponent

    game, params = registry.make_env(options.env, **env_options)
    opponent = make_opponent(options.opponent, game, 1 - options.seat, params=params)
    play_in_terminal(game, params, opponent, seat=options.seat, seed=options.episode)
    return 0
