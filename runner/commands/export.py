"""``polax export``: trained policies alone, in a file that can be given away or that other runtimes read."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..api import load
from ..cli import UsageError
from .arguments import CommandParser, add_run, at_least


def main(arguments: list[str]) -> int:
    """Load, score, write."""
    parser = CommandParser("export")
    add_run(parser)
    parser.add_argument(
        "--to",
        choices=("npz", "onnx"),
        default="npz",
        help="npz: an agent of polax, all players of the seeds; onnx: one network for other runtimes (default: npz)",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="a .npz or .onnx file")
    parser.add_argument("--seeds", type=int, nargs="+", metavar="SEED", help="which of the run's seeds (default: all)")
    parser.add_argument(
        "--half", action="store_true", help="store numbers with 16 bits in place of 32; their scores are in the file"
    )
    parser.add_argument("--eval-envs", type=at_least(1), metavar="N", help="episodes per match-up (default: 1024)")
    parser.add_argument("--player", type=at_least(0), metavar="N", help="whose network, with --to onnx (default: 0)")
    options = parser.parse(arguments)
    if options.to == "onnx":
        return _to_onnx(options)
    if options.player is not None:
        raise UsageError("--player is for --to onnx; an agent's file holds all players")
    run = load(options.run, allow_import=options.allow_import)
    agent = run.export(
        options.out,
        seeds=options.seeds,
        checkpoint=options.checkpoint,
        half=options.half,
        num_envs=options.eval_envs or 1024,
    )
    print(f"{agent.path}: {agent.spec.algorithm} in {agent.spec.env}, seeds {' '.join(map(str, agent.spec.seeds))}")
    return 0


def _to_onnx(options: argparse.Namespace) -> int:
    for name in ("half", "eval_envs"):
        if getattr(options, name):
            raise UsageError(f"--{name.replace('_', '-')} is for --to npz; an ONNX model has 32 bits and no scores")
    if options.seeds is not None and len(options.seeds) > 1:
        raise UsageError("--to onnx writes one network: name one of the --seeds")
    run = load(options.run, allow_import=options.allow_import)
    seed = None if options.seeds is None else options.seeds[0]
    path = run.export_onnx(options.out, seed=seed, player=options.player or 0, checkpoint=options.checkpoint)
    print(f"{path}: {run.spec.algorithm} in {run.spec.env}, as an ONNX model")
    return 0
