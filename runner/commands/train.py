"""``polax train``: read the arguments, train, show the scores and draw the curves."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ... import registry
from ...options import OptionError
from ..cli import CommandParser, UsageError, use_compilation_cache
from .arguments import describe_options, parse_options, split_arguments, split_env_options

USAGE = (
    "ALGORITHM ENV [--preset P | --updates N] [--OPTION VALUE ...] [--env.OPTION VALUE ...]\n"
    "       polax train --resume RUN [--updates N]"
)
EPILOG = """\
Options of the algorithm are given as --inner-steps 4, those of the environment as --env.contribution-factor 1.5.
The command line goes over the preset, the preset over the defaults. See them with: polax train ALGORITHM ENV --help"""


def main(arguments: list[str]) -> int:
    """Train a new run or resume one."""
    parser = _parser()
    flags = {"--help"}
    valued = {word for action in parser._actions for word in action.option_strings if word.startswith("--")} - flags
    split = split_arguments(arguments, valued=valued, flags=flags)
    names = [word for word in split.fixed if not word.startswith("-")]
    if any(":" in name for name in names):
        # As with ``python -m``, a module in the current folder may be named. Only a person's own words open
        # this way: the config.json of somebody's run does not decide what is imported from where.
        sys.path.append(str(Path.cwd()))
    if {"-h", "--help"} & set(split.fixed):
        _print_help(parser, names[:2])
        return 0
    options = parser.parse_args(split.fixed)
    use_compilation_cache()
    if options.resume is not None:
        return _resume(options, split.plugin, parser)
    return _start(options, split.plugin)


def _parser() -> CommandParser:
    parser = CommandParser("train", USAGE)
    parser.epilog = EPILOG
    parser.add_argument("algorithm", nargs="?", help="name of a learner (see polax list), or package.module:ATTRIBUTE")
    parser.add_argument("env", nargs="?", help="id of a game (see polax list), or package.module:ATTRIBUTE")
    parser.add_argument("--preset", help="named settings of the algorithm for this game")
    parser.add_argument("--updates", type=int, metavar="N", help="updates to take (default: the preset's)")
    seeds = parser.add_mutually_exclusive_group()
    seeds.add_argument("--seed", type=int, help="train this seed (default: 0)")
    seeds.add_argument("--seeds", type=int, nargs="+", metavar="S", help="train these seeds together")
    seeds.add_argument("--num-seeds", type=int, metavar="N", help="train the seeds 0 to N-1 together")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder of the run (default: runs/ALGORITHM-ENV-TIME)")
    parser.add_argument("--resume", type=Path, metavar="RUN", help="continue this run at its last checkpoint")
    parser.add_argument("--eval-every", type=int, default=1, metavar="N", help="evaluate every N updates (default: 1)")
    parser.add_argument("--eval-envs", type=int, default=256, metavar="N", help="episodes a match-up (default: 256)")
    parser.add_argument(
        "--checkpoint-every", type=int, metavar="N", help="save every N updates (default: a twentieth of all)"
    )
    return parser


def _start(options: argparse.Namespace, plugin_words: Mapping[str, str | bool]) -> int:
    from ..devices import split_cpu
    from ..runs.folder import RunFolder
    from ..runs.spec import Request, build, resolve

    if options.algorithm is None or options.env is None:
        raise UsageError(
            "train: say what to train in which game, such as: polax train pola-dice IPD-v0 --preset laptop"
        )
    algorithm_words, env_words = split_env_options(plugin_words)
    seeds = _seeds(options)
    split_cpu(len(seeds))  # before any plug-in is loaded: gymnax computes on the device while it is imported
    plugin, env_plugin = registry.algorithm_plugin(options.algorithm), registry.environment_plugin(options.env)
    request = Request(
        algorithm=options.algorithm,
        env=options.env,
        preset=options.preset,
        options=parse_options(plugin.config, algorithm_words, what=options.algorithm),
        env_options=parse_options(env_plugin.config, env_words, what=options.env),
        seeds=seeds,
        updates=options.updates,
        eval_every=options.eval_every,
        eval_envs=options.eval_envs,
        checkpoint_every=options.checkpoint_every,
    )
    spec = resolve(request)
    setup = build(spec)  # what the plug-ins refuse, they refuse before a folder is made
    return _train(spec, setup, RunFolder.create(options.out, spec), resume=False)


def _resume(options: argparse.Namespace, plugin_words: Mapping[str, str | bool], parser: CommandParser) -> int:
    from ..devices import split_cpu
    from ..runs.folder import RunFolder
    from ..runs.spec import build

    given = [
        f"--{name.replace('_', '-')}"
        for name, value in vars(options).items()
        if name not in ("resume", "updates", "algorithm", "env") and value != parser.get_default(name)
    ]
    given += [f"--{name.replace('_', '-')}" for name in plugin_words]
    given += [name for name in (options.algorithm, options.env) if name is not None]
    if given:
        raise OptionError(f"a resumed run keeps its settings, only --updates may change; leave out {', '.join(given)}")
    folder = RunFolder.open(options.resume)
    spec = folder.spec()
    split_cpu(len(spec.seeds))
    if options.updates is not None and options.updates != spec.updates:
        spec = dataclasses.replace(spec, updates=options.updates)
    return _train(spec, build(spec), folder, resume=True)


def _train(spec: Any, setup: Any, folder: Any, *, resume: bool) -> int:
    from rich.console import Console

    from ..report.figures import draw_learning_curves
    from ..report.tables import score_table
    from ..training.loop import last_rows, train

    console = Console()
    outcome = train(spec, setup, folder, resume=resume, console=console)
    rows = last_rows(folder)
    if rows:
        console.print(score_table(rows))
        figure = draw_learning_curves([folder], folder.figures / "learning.png")
        console.print(f"figure: {figure}", highlight=False, soft_wrap=True)
    if outcome.exit_status:
        print(f"polax: {outcome.message}", file=sys.stderr)
    else:
        console.print(outcome.message, highlight=False, soft_wrap=True)
    return outcome.exit_status


def _seeds(options: argparse.Namespace) -> tuple[int, ...]:
    if options.seeds is not None:
        return tuple(options.seeds)
    if options.num_seeds is not None:
        if options.num_seeds < 1:
            raise OptionError(f"--num-seeds must be at least 1, not {options.num_seeds}")
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
