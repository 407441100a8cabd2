"""``polax evaluate``: score a run's players at one checkpoint."""

from __future__ import annotations

import json

from ..api import evaluate
from .arguments import CommandParser, add_run, at_least


def main(arguments: list[str]) -> int:
    """Load, play, print."""
    parser = CommandParser("evaluate")
    add_run(parser)
    parser.add_argument(
        "--against",
        nargs="+",
        default=[],
        metavar="PLAYER",
        help="play against these instead: strategies, RUN, RUN#SEED, RUN#SEED@PLAYER, PREFIX:NAME (axelrod:NAME)",
    )
    parser.add_argument(
        "--eval-envs", type=at_least(1), default=1024, metavar="N", help="episodes per match-up (default: 1024)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse(arguments)
    found = evaluate(options.run, options.against, checkpoint=options.checkpoint, num_envs=options.eval_envs)
    if options.json:
        print(json.dumps(found.data, indent=2))
        return 0
    from ..report.writers import show
    from ..training.progress import wide_console

    console = wide_console()
    console.print(found.title, markup=False)
    show(found, console)
    return 0
