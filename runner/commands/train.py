"""``polax train``: read the arguments, train, show the scores and draw the curves."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ... import registry
from ...options import OptionError, PolaxError
from ..api import Run, TrainingError, TrainingInterrupted, load, plan, train
from ..cli import UsageError
from ..completion import with_names
from ..process import cpu_cores, set_up
from ..training.callbacks import LOGGERS
from .arguments import (
    CommandParser,
    add_allow_import,
    add_distributed,
    add_mesh,
    add_output,
    allow_local_modules,
    at_least,
    duration,
    options_text,
    set_output,
    together,
)

if TYPE_CHECKING:
    from ..runs.spec import RunSpec

EPILOG = """\
Options of the algorithm are given as --inner-steps 4, those of the environment as --env.contribution-factor 1.5.
A learner for each player: polax train --player-0 lola-dice --player-1 naive IPD-v0 --player-0.inner-lr 0.1, or
polax train lola-dice+naive IPD-v0. One of the two may be a policy: tit-for-tat, run:FOLDER (see polax list --details).
A run is resumed with: polax train --resume RUN [--updates N] [--checkpoint UPDATE]
The command line overrides --config, which overrides the preset, which overrides the defaults. All options of a learner
and a game are listed by: polax train ALGORITHM ENV --help"""

NO_LOGGER = "none"
"""In place of a logger's name."""

SETTINGS = ("preset", "updates", "eval_every", "eval_envs", "checkpoint_every", "keep_checkpoints")
"""Options that are settings of the run, by their own names."""


def main(arguments: list[str]) -> int:
    """Train a new run or resume one."""
    parser = _parser()
    asks_for_help = {"-h", "--help"} & set(arguments)
    options = parser.parse([word for word in arguments if word not in ("-h", "--help")], plugins=True)
    name_the_players(options)
    allow_local_modules([options.algorithm, options.env])
    if asks_for_help:
        _print_help(parser, [name for name in (options.algorithm, options.env) if name is not None])
        return 0
    try:
        with set_output(options):
            return together(options, lambda: _lead(parser, options))
    except TrainingError as failure:
        print(f"polax: {failure}", file=sys.stderr)
        return 1
    except TrainingInterrupted as stop:
        print(f"polax: {stop}", file=sys.stderr)
        return stop.exit_status


def _lead(parser: CommandParser, options: argparse.Namespace) -> int:
    _start(parser, options) if options.resume is None else _resume(parser, options)
    return 0


def _parser() -> CommandParser:
    parser = CommandParser("train", epilog=EPILOG)
    add_settings(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder of the run (default: runs/ALGORITHM-ENV-TIME)")
    parser.add_argument("--resume", type=Path, metavar="RUN", help="continue this run at its last checkpoint")
    parser.add_argument("--save-config", type=Path, metavar="FILE", help="write the settings, and train nothing")
    parser.add_argument("--checkpoint", type=at_least(0), metavar="UPDATE", help="resume at this checkpoint instead")
    parser.add_argument(
        "--max-time",
        type=duration,
        metavar="TIME",
        help="stop after 90s, 45m, 2h or 1d, saved, with exit status 75; --resume continues",
    )
    with_names(
        parser.add_argument(
            "--log",
            action="append",
            metavar="LOGGER",
            help=f"log with this, which may be repeated (see polax list; {NO_LOGGER}: with nothing; "
            f"default: {', '.join(LOGGERS)})",
        ),
        registry.list_loggers,
    )
    add_distributed(parser)
    add_output(parser)
    return parser


def add_settings(parser: CommandParser) -> None:
    """Add the arguments that say what a new run is."""
    either = "(see polax list), or package.module:ATTRIBUTE"
    with_names(
        parser.add_argument("algorithm", nargs="?", metavar="ALGORITHM", help=f"name of a learner {either}"),
        registry.list_algorithms,
    )
    with_names(
        parser.add_argument("env", nargs="?", metavar="ENV", help=f"id of a game {either}"),
        registry.list_environments,
    )
    for player in (0, 1):
        instead = f"in place of ALGORITHM: what learns, or plays, as player {player}"
        with_names(parser.add_argument(f"--player-{player}", metavar="NAME", help=instead), registry.list_algorithms)
    parser.add_argument("--preset", metavar="PRESET", help="named settings of the algorithm for this game")
    parser.add_argument("--updates", type=int, metavar="N", help="updates to take (default: the preset's)")
    seeds = parser.add_mutually_exclusive_group()
    seeds.add_argument("--seed", type=int, metavar="SEED", help="train this seed (default: 0)")
    seeds.add_argument("--seeds", type=int, nargs="+", metavar="SEED", help="train these seeds together")
    seeds.add_argument("--num-seeds", type=at_least(1), metavar="N", help="train the seeds 0 to N-1 together")
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings in JSON or YAML, such as RUN/config.json")
    parser.add_argument("--eval-every", type=int, metavar="N", help="evaluate every N updates (default: 1)")
    parser.add_argument("--eval-envs", type=int, metavar="N", help="episodes per match-up (default: 256)")
    parser.add_argument(
        "--checkpoint-every", type=int, metavar="N", help="save every N updates (default: a twentieth of all)"
    )
    parser.add_argument(
        "--keep-checkpoints", type=int, metavar="K", help="keep the last K beside the best (default: 2)"
    )
    add_allow_import(parser)
    add_mesh(parser)


def name_the_players(options: argparse.Namespace) -> None:
    """Let ``--player-0 A --player-1 B ENV`` mean ``A+B ENV``."""
    names = [options.player_0, options.player_1]
    if names == [None, None]:
        return
    if None in names or options.env is not None:
        raise UsageError("--player-0 and --player-1 take the place of ALGORITHM, and need each other")
    options.algorithm, options.env = registry.algorithm_name(names), options.algorithm
    options.player_0 = options.player_1 = None


def read_settings(parser: CommandParser, options: argparse.Namespace) -> dict[str, Any]:
    """Return the settings of a new run, as keyword arguments of `plan`, from `add_settings` and a file of settings."""
    from ..runs.config import merge, read_config

    config = {} if options.config is None else read_config(options.config)
    for name in ("algorithm", "env"):
        if getattr(options, name) is None and name in config:
            registry.check_import(config[name], source=str(options.config))
    algorithm, env = options.algorithm or config.get("algorithm"), options.env or config.get("env")
    if algorithm is None or env is None:
        raise UsageError("missing algorithm or environment; try: polax train pola-dice IPD-v0 --preset laptop")
    seeds = _seeds(options)
    set_up(devices=cpu_cores())  # before a plug-in is loaded
    words = parser.read(
        options, {"": (algorithm, registry.algorithm_plugin), "env": (env, registry.environment_plugin)}
    )
    given = {name: getattr(options, name) for name in ("algorithm", "env", *SETTINGS)}
    given |= {"seeds": seeds, "options": words[""], "env_options": words["env"]}
    return merge(options.config, config, given)


def plan_settings(options: argparse.Namespace, settings: Mapping[str, Any]) -> RunSpec:
    """Return the run of some settings; an error says of which file they are.

    Raises:
        PolaxError: as `plan`.
    """
    try:
        return plan(**settings)
    except PolaxError as error:
        if options.config is None:
            raise
        raise OptionError(f"{error} (with the settings in {options.config})") from error


def _start(parser: CommandParser, options: argparse.Namespace) -> Run | None:
    from ..runs.config import write_config
    from ..runs.spec import build

    if options.checkpoint is not None:
        raise OptionError("--checkpoint is where --resume RUN begins; a new run has none")
    settings = read_settings(parser, options)
    if options.config is not None or options.save_config is not None:
        spec = plan_settings(options, settings)
        if options.save_config is not None:
            build(spec)  # refuses what the plug-ins refuse
            write_config(options.save_config, spec)
            print(f"settings: {options.save_config}")
            return None
    return train(
        **settings,
        out=options.out,
        loggers=_loggers(options),
        max_seconds=options.max_time,
        mesh=options.mesh,
        quiet=options.quiet,
    )


def _resume(parser: CommandParser, options: argparse.Namespace) -> Run:
    kept = (
        "resume",
        "updates",
        "checkpoint",
        "max_time",
        "mesh",
        "distributed",
        "coordinator",
        "num_processes",
        "process_id",
        "allow_import",
        "log",
        "quiet",
        "verbose",
        "algorithm",
        "env",
        "plugin_options",
    )
    own = [name for name, value in vars(options).items() if name not in kept and value != parser.get_default(name)]
    given = [f"--{name.replace('_', '-')}" for name in (*own, *options.plugin_options)]
    given += [name for name in (options.algorithm, options.env) if name is not None]
    if given:
        raise OptionError(f"a resumed run keeps its settings, only --updates may change; leave out {', '.join(given)}")
    run = load(options.resume)
    if not isinstance(run, Run):
        raise OptionError(f"{run.path} holds the policies of a trained agent alone; resume the folder of its run")
    return run.resume(
        updates=options.updates,
        checkpoint=options.checkpoint,
        max_seconds=options.max_time,
        mesh=options.mesh,
        loggers=_loggers(options),
        quiet=options.quiet,
    )


def _loggers(options: argparse.Namespace) -> tuple[str, ...]:
    names = LOGGERS if options.log is None else tuple(dict.fromkeys(options.log))
    if NO_LOGGER in names and len(names) > 1:
        raise UsageError(f"train: --log {NO_LOGGER} cannot be given with other loggers")
    return () if NO_LOGGER in names else names


def _seeds(options: argparse.Namespace) -> int | tuple[int, ...] | None:
    if options.seeds is not None:
        return tuple(options.seeds)
    return options.num_seeds if options.seed is None else (options.seed,)


def _print_help(parser: CommandParser, names: list[str]) -> None:
    """Print the command's help, and the options of the algorithm and the environment that were named."""
    parser.print_help()
    kinds = (("", registry.algorithm_plugin), ("env.", registry.environment_plugin))
    for name, (prefix, find) in zip(names, kinds, strict=False):
        plugin: Any = find(name)
        print(f"\noptions of {name}: {plugin.summary}\n{options_text(plugin.config, prefix=prefix)}")
    if len(names) > 1:
        from ..runs.spec import presets_for

        presets = presets_for(registry.algorithm_plugin(names[0]), names[1])
        shown = [name for name, preset in presets.items() if not preset.command]
        print(f"\npresets of {names[0]} for {names[1]} (polax list {names[0]}): {', '.join(shown) or 'none'}")
