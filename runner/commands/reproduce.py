"""``polax reproduce``: a published figure or table, run again and compared with the published numbers."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from ...papers import Paper, Target, find_papers, find_targets
from ..process import cpu_cores, set_up
from .arguments import CommandParser, add_distributed, add_mesh, add_output, at_least, set_output, together


def _listing(paper: Paper) -> list[str]:
    """Return the lines of the help about a paper."""
    width = max(len(target.name) for target in paper.targets) + 2
    return [
        f"{paper.title}:",
        *(f"  {target.name:{width}}{target.summary} ({_size(target)})" for target in paper.targets),
    ]


def _size(target: Target) -> str:
    """Say how many runs a target has by default, and at which scales they can be trained."""
    runs = f"{target.runs} run{'' if target.runs == 1 else 's'}"
    return f"{runs}; {' or '.join(target.scales)}" if target.scales else runs


def main(arguments: list[str]) -> int:
    """Run it again, print and write the comparison."""
    targets = find_targets()
    scales = dict.fromkeys(scale for target in targets.values() for scale in target.scales)
    names = "\n".join(line for paper in find_papers() for line in _listing(paper))
    parser = CommandParser("reproduce", epilog=f"names, with the number of runs by default and the scales:\n{names}")
    parser.add_argument("name", choices=targets, metavar="NAME", help="what to reproduce, see below")
    parser.add_argument(
        "--runs", "--num-seeds", type=at_least(1), metavar="N", help="independent runs of every setting or learner"
    )
    parser.add_argument("--seed", type=at_least(0), default=0, metavar="SEED", help="of the first run (default: 0)")
    parser.add_argument(
        "--scale",
        choices=tuple(scales),
        help="settings of the training, of a name that has some (default: the first, see below)",
    )
    parser.add_argument(
        "--training", type=Path, metavar="DIR", help="folder of the runs that are trained (default: runs/NAME-SCALE)"
    )
    parser.add_argument("--env", metavar="ENV", help="game, of a name that takes any")
    parser.add_argument("--algorithms", nargs="+", metavar="NAME", help="algorithms, of a name that takes any")
    parser.add_argument("--out", type=Path, default=Path("results"), metavar="DIR", help="folder (default: results)")
    add_mesh(parser)
    add_distributed(parser)
    add_output(parser)
    options = parser.parse(arguments)
    target = targets[options.name]
    if not target.scales and (options.scale or options.training or options.mesh or options.distributed):
        parser.error(f"{options.name} trains nothing: leave out --scale, --training, --mesh and --distributed")
    if options.scale and options.scale not in target.scales:
        parser.error(f"{options.name} has the scale {' or '.join(target.scales)}, not {options.scale!r}")
    for option, default in (("env", target.env), ("algorithms", target.algorithms)):
        if getattr(options, option) and not default:
            parser.error(f"{options.name} does not take --{option}: leave it out")

    with set_output(options):
        return together(options, lambda: _reproduce(target, options))


def _reproduce(target: Target, options: argparse.Namespace) -> int:
    runs = target.runs if options.runs is None else options.runs
    # Nothing but training is shared among devices.
    set_up(devices=cpu_cores() if target.scales else 1)
    from ...algorithms.core.devices import asking_for
    from ...papers.report import prepare, ran
    from ..report.writers import show, write
    from ..training.progress import wide_console

    console = wide_console(quiet=options.quiet)
    prepare(options.out)
    started = time.perf_counter()
    command: dict[str, Any] = {"runs": runs, "seed": options.seed}
    command |= {"env": options.env or target.env} if target.env else {}
    command |= {"algorithms": options.algorithms or list(target.algorithms)} if target.algorithms else {}
    settings: dict[str, Any] = {"report": lambda line: console.print(line, highlight=False)}
    if target.scales:
        scale = options.scale or target.scales[0]
        command["scale"] = scale
        settings = {"training": options.training or Path("runs") / f"{options.name}-{scale}", "console": console}
    with asking_for(options.mesh):
        document = target.load()(**command, **settings)
    found = ran(document, command, None if target.scales else time.perf_counter() - started)
    show(found, console)
    for path in write(found, options.out):
        console.print(f"written: {path}", highlight=False)
    return 0
