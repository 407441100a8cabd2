"""``polax render``: one episode of a run's players, or of several runs side by side, as an animation or a strip."""

from __future__ import annotations

from pathlib import Path

from ..api import render
from .arguments import CommandParser, add_run, at_least


def main(arguments: list[str]) -> int:
    """Load the players, let them play, save the frames."""
    parser = CommandParser("render")
    add_run(parser, several=True)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="a .gif, .mp4 or .png (a strip) file")
    parser.add_argument("--seed", type=int, metavar="SEED", help="which seed's players (default: the first)")
    parser.add_argument("--episode", type=at_least(0), default=0, metavar="SEED", help="random seed (default: 0)")
    parser.add_argument("--size", type=int, default=320, metavar="PIXELS", help="width of each picture (default: 320)")
    parser.add_argument("--fps", type=float, default=4.0, metavar="N", help="frames per second (default: 4)")
    options = parser.parse(arguments)
    print(
        render(
            options.run,
            options.out,
            seed=options.seed,
            checkpoint=options.checkpoint,
            episode=options.episode,
            size=options.size,
            fps=options.fps,
        )
    )
    return 0
