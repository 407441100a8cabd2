"""``polax estimate``: how long a run takes, how much memory it needs, before it starts."""

from __future__ import annotations

import time

from .. import api
from ..report.parts import plural
from ..training.progress import format_seconds
from .arguments import CommandParser, allow_local_modules
from .train import add_settings, name_the_players, plan_settings, read_settings

EPILOG = """\
The first updates are trained and thrown away: two at least, and more for ten seconds. Arguments are those of
polax train, options of the learner and the game too."""


def main(arguments: list[str]) -> int:
    """Measure the first updates and print what the run takes."""
    begun = time.perf_counter()
    parser = CommandParser("estimate", epilog=EPILOG)
    add_settings(parser)
    options = parser.parse(arguments, plugins=True)
    name_the_players(options)
    allow_local_modules([options.algorithm, options.env])
    spec = plan_settings(options, read_settings(parser, options))
    found = api.estimate_run(spec, mesh=options.mesh, begun=begun)
    seeds = "1 seed" if len(spec.seeds) == 1 else f"{len(spec.seeds)} seeds together"
    with_it = ", the evaluation included" if found.evaluation is None else ""
    rows = {"start": (found.start, "compiling above all; less where the programs are in the cache")} | {
        plural(count, noun): (count * each, f"{each:.3g} s each{included}")
        for noun, count, each, included in (
            ("update", found.updates, found.update, with_it),
            ("evaluation", found.evaluations, found.evaluation, ""),
            ("checkpoint", found.checkpoints, found.checkpoint, ""),
        )
        if each is not None
    }
    print(f"{spec.algorithm} in {spec.env}, {seeds}: {found.sentence()}")
    width = max(map(len, rows))
    for name, (seconds, how) in rows.items():
        print(f"  {name:{width}}  {format_seconds(seconds):>8}  ({how})")
    return 0
