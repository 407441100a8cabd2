"""``polax export``: the trained policies of a run alone, in one file that can be given away."""

from __future__ import annotations

from pathlib import Path

from ..api import load
from .arguments import CommandParser, add_run, at_least


def main(arguments: list[str]) -> int:
    """Load, score, write."""
    parser = CommandParser("export")
    add_run(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="a .npz file")
    parser.add_argument("--seeds", type=int, nargs="+", metavar="SEED", help="which of the run's seeds (default: all)")
    parser.add_argument(
        "--half", action="store_true", help="store numbers with 16 bits in place of 32; their scores are in the file"
    )
    parser.add_argument(
        "--eval-envs", type=at_least(1), default=1024, metavar="N", help="episodes per match-up (default: 1024)"
    )
    options = parser.parse(arguments)
    run = load(options.run, allow_import=options.allow_import)
    agent = run.export(
        options.out,
        seeds=options.seeds,
        checkpoint=options.checkpoint,
        half=options.half,
        num_envs=options.eval_envs,
    )
    print(f"{agent.path}: {agent.spec.algorithm} in {agent.spec.env}, seeds {' '.join(map(str, agent.spec.seeds))}")
    return 0
