"""``polax web``: a page in which a person plays against trained policies in the browser."""

from __future__ import annotations

from pathlib import Path

from ... import registry
from ..api import write_page
from .arguments import CommandParser, add_allow_import

EPILOG = "Options of the game are given as --env.contribution-factor 1.5; the usual ones are those of the training."


def main(arguments: list[str]) -> int:
    """Load the policies, write the page."""
    parser = CommandParser("web", epilog=EPILOG)
    parser.add_argument(
        "players", nargs="+", metavar="PLAYER", help="RUN, RUN#SEED, RUN#SEED@PLAYER, or an agent: zoo:loqa, FILE.npz"
    )
    parser.add_argument("--env", metavar="ENV", help="id of the game (default: the one that each player has learned)")
    parser.add_argument("--player", type=int, default=0, choices=(0, 1), help="the player you are (default: 0)")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="a .html file")
    add_allow_import(parser)
    options = parser.parse(arguments, plugins=True)
    env_options = parser.read(options, {"env": (options.env, registry.environment_plugin)})["env"]
    print(write_page(options.players, options.out, env=options.env, env_options=env_options, player=options.player))
    return 0
