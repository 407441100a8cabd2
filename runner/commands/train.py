"""``polax train``: read the arguments, train, show the scores and draw the curves."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from ... import registry
from ...options import OptionError
from ..api import Run, TrainingError, TrainingInterrupted, load, train
from ..cli import UsageError
from ..process import set_up
from .arguments import CommandParser, allow_local_modules, at_least, describe_options

EPILOG = """\
Options of the algorithm are given as --inner-steps 4, those of the environment as --env.contribution-factor 1.5.
A learner for each player: polax train --player-0 lola-dice --player-1 naive IPD-v0 --player-0.inner-lr 0.1, or
polax train lola-dice+naive IPD-v0. One of the two may be a policy: tit-for-tat, run:FOLDER (see polax list --details).
A run is resumed with: polax train --resume RUN [--updates N]
The command line overrides the preset, the preset the defaults. List them with: polax train ALGORITHM ENV --help"""


def main(arguments: list[str]) -> int:
    """Train a new run or resume one."""
    parser = _parser()
    asks_for_help = {"-h", "--help"} & set(arguments)
    options = parser.parse([word for word in arguments if word not in ("-h", "--help")], plugins=True)
    _name_the_players(options)
    allow_local_modules([options.algorithm, options.env])
    if asks_for_help:
        _print_help(parser, [name for name in (options.algorithm, options.env) if name is not None])
        return 0
    try:
        _start(parser, options) if options.resume is None else _resume(parser, options)
    except TrainingError as failure:
        print(f"polax: {failure}", file=sys.stderr)
        return 1
    except TrainingInterrupted as stop:
        print(f"polax: {stop}", file=sys.stderr)
        return stop.exit_status
    return 0


def _parser() -> CommandParser:
    parser = CommandParser("train", epilog=EPILOG)
    either = "(see polax list), or package.module:ATTRIBUTE"
    parser.add_argument("algorithm", nargs="?", metavar="ALGORITHM", help=f"name of a learner {either}")
    parser.add_argument("env", nargs="?", metavar="ENV", help=f"id of a game {either}")
    for player in (0, 1):
        parser.add_argument(
            f"--player-{player}",
            metavar="NAME",
            help=f"in place of ALGORITHM: what learns, or plays, as player {player}",
        )
    parser.add_argument("--preset", metavar="PRESET", help="named settings of the algorithm for this game")
    parser.add_argument("--updates", type=int, metavar="N", help="updates to take (default: the preset's)")
    seeds = parser.add_mutually_exclusive_group()
    seeds.add_argument("--seed", type=int, metavar="SEED", help="train this seed (default: 0)")
    seeds.add_argument("--seeds", type=int, nargs="+", metavar="SEED", help="train these seeds together")
    seeds.add_argument("--num-seeds", type=at_least(1), metavar="N", help="train the seeds 0 to N-1 together")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder of the run (default: runs/ALGORITHM-ENV-TIME)")
    parser.add_argument("--resume", type=Path, metavar="RUN", help="continue this run at its last checkpoint")
    parser.add_argument("--eval-every", type=int, default=1, metavar="N", help="evaluate every N updates (default: 1)")
    parser.add_argument("--eval-envs", type=int, default=256, metavar="N", help="episodes per match-up (default: 256)")
    parser.add_argument(
        "--checkpoint-every", type=int, metavar="N", help="save every N updates (default: a twentieth of all)"
    )
    return parser


def _name_the_players(options: argparse.Namespace) -> None:
    """Let ``--player-0 A --player-1 B ENV`` mean ``A+B ENV``."""
    names = [options.player_0, options.player_1]
    if names == [None, None]:
        return
    if None in names or options.env is not None:
        raise UsageError("train: --player-0 and --player-1 take the place of ALGORITHM, and need each other")
    options.algorithm, options.env = registry.BESIDE.join(names), options.algorithm
    options.player_0 = options.player_1 = None


def _start(parser: CommandParser, options: argparse.Namespace) -> Run:
    if options.algorithm is None or options.env is None:
        raise UsageError("train: missing algorithm or environment; try: polax train pola-dice IPD-v0 --preset laptop")
    seeds = _seeds(options)
    set_up(num_seeds=len(seeds))  # before a plug-in is loaded
    algorithm = (options.algorithm, registry.algorithm_plugin)
    plugin_options = parser.read(options, {"": algorithm, "env": (options.env, registry.environment_plugin)})
    settings = ("preset", "updates", "out", "eval_every", "eval_envs", "checkpoint_every")
    return train(
        options.algorithm,
        options.env,
        options=plugin_options[""],
        env_options=plugin_options["env"],
        seeds=seeds,
        **{name: getattr(options, name) for name in settings},
    )


def _resume(parser: CommandParser, options: argparse.Namespace) -> Run:
    kept = ("resume", "updates", "algorithm", "env", "plugin_options")
    own = [name for name, value in vars(options).items() if name not in kept and value != parser.get_default(name)]
    given = [f"--{name.replace('_', '-')}" for name in (*own, *options.plugin_options)]
    given += [name for name in (options.algorithm, options.env) if name is not None]
    if given:
        raise OptionError(f"a resumed run keeps its settings, only --updates may change; leave out {', '.join(given)}")
    return load(options.resume).resume(updates=options.updates)


def _seeds(options: argparse.Namespace) -> tuple[int, ...]:
    if options.seeds is not None:
        return tuple(options.seeds)
    if options.num_seeds is not None:
        return tuple(range(options.num_seeds))
    return (options.seed or 0,)


def _print_help(parser: CommandParser, names: list[str]) -> None:
    """Print the command's help, and the options of the algorithm and the environment that were named."""
    parser.print_help()
    kinds = (("", registry.algorithm_plugin), ("env.", registry.environment_plugin))
    for name, (prefix, find) in zip(names, kinds, strict=False):
        plugin: Any = find(name)
        print(f"\noptions of {name}: {plugin.summary}\n{describe_options(plugin.config, prefix=prefix)}")
    if len(names) > 1:
        from ..runs.spec import presets_for

        presets = presets_for(registry.algorithm_plugin(names[0]), names[1])
        print(f"\npresets of {names[0]} for {names[1]}: {', '.join(presets) or 'none'}")
