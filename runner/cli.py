"""The command line: ``polax COMMAND ...``. A command's module is imported when it is called, so help is quick."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence

from ..options import PolaxError, suggest
from . import completion

USER_ERROR = 2
"""Exit status of every error that the user can correct."""

COMMANDS = {
    "train": "train a learner in a game, or resume a run",
    "evaluate": "score a run's players together, and against every strategy",
    "benchmark": "train learners on shared games and compare their scores",
    "tournament": "play every player against every other: payoffs, rankings, measures",
    "report": "make one page for the browser from a tournament or a benchmark",
    "reproduce": "run a published figure or table again and compare the numbers",
    "plot": "draw the learning curves of one or several runs",
    "render": "save an episode of a run's players as an animation or a strip of pictures",
    "play": "play against a scripted or a trained player in the terminal",
    "list": "show algorithms, environments, policies, loggers; with NAME, all about one of them",
    "new-algorithm": "write a package with a working learner, as a starting point",
    "new-environment": "write a package with a working game, as a starting point",
}
"""Every command and what it does; its module in `commands` has ``main(arguments) -> exit status``."""


class UsageError(PolaxError):
    """The command line cannot be understood."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: the words after ``polax``; None: those of the process.

    Returns:
        The exit status: 0, 1 where training failed, 2 for an error of the user, 130 or 143 after a signal.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = bool(os.environ.get("POLAX_DEBUG"))
    if "--debug" in words:
        words.remove("--debug")
        debug = True
    try:
        if completion.ASKED in os.environ:
            completion.complete_command(COMMANDS, _run)
        return _run(words)
    except PolaxError as error:
        if debug:
            raise
        print(f"polax: {error}", file=sys.stderr)
        return USER_ERROR
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of the output, such as head, has finished
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _run(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        print(_help())
        return 0
    if words[0] in ("-V", "--version"):
        from importlib.metadata import version

        print(f"polax {version('polax')}")
        return 0
    name = words.pop(0)
    if name not in COMMANDS:
        raise UsageError(f"unknown command {name!r}; {suggest(name, COMMANDS)}")
    module = importlib.import_module(f".commands.{name.replace('-', '_')}", __package__)
    try:
        status: int = module.main(words)
    except SystemExit as done:  # argparse after printing help
        return int(done.code or 0)
    return status


def _help() -> str:
    width = max(map(len, COMMANDS))
    rows = "\n".join(f"  {name:{width}}  {summary}" for name, summary in COMMANDS.items())
    return (
        "Learning with opponent-learning awareness: social dilemmas and learners that shape each other.\n\n"
        f"usage: polax COMMAND ...\n\n{rows}\n\n"
        "polax COMMAND --help explains a command; polax train pola-dice IPD-v0 --help also lists the options of that\n"
        "learner and game. With --debug (or POLAX_DEBUG=1) every command shows the traceback of an error.\n"
        "Compiled programs are kept in your cache folder; set POLAX_CACHE to another folder, or to off."
    )
