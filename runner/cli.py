"""The command line: ``polax COMMAND ...``. A command's module is imported when it is called, so help is quick."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from typing import Any

from ..options import PolaxError, describe_error, lacks_memory, suggest
from . import completion

INTERRUPTED = 130
"""Exit status after Ctrl-C: 128 plus the signal's number."""

LONGEST = 1500
"""Letters of a message, at most."""

BUG = 70
"""Exit status of an error that no code expects: "internal software error" in sysexits.h."""

COMMANDS = {
    "train": "train a learner in a game, or resume a run",
    "estimate": "say how long a run takes and how much memory it needs, before it starts",
    "evaluate": "score a run's players together, and against every strategy",
    "benchmark": "train learners on shared games and compare their scores",
    "sweep": "train a learner with many settings and find the best",
    "tournament": "play every player against every other: payoffs, rankings, measures",
    "league": "train learners in several games, and let every seed of each meet all others",
    "report": "make one page for the browser from a tournament, benchmark, sweep or league",
    "reproduce": "run a published figure or table again and compare the numbers",
    "plot": "draw the learning curves of one or several runs",
    "render": "save an episode of a run's players as an animation or a strip of pictures",
    "play": "play against a scripted or a trained player in the terminal",
    "web": "write a page in which you play against trained policies in the browser",
    "export": "write the trained policies of a run into one file that can be given away",
    "doctor": "check the installation, or the folder of a run, and repair what can be repaired",
    "list": "show algorithms, environments, policies, loggers, executors; with NAME, all about one of them",
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
        The exit status: 0, 1 where training failed, 2 for an error of the user, 70 for a bug, 75 at the end of
        ``--max-time``, 128 plus its number after a signal.
    """
    _show_any_name()
    if arguments is None:
        # Ctrl-C may come where Python ignores an exception, such as while it collects garbage, or where compiled code
        # prints it and raises another one, such as while it imports numpy.
        sys.unraisablehook = _unless_interrupted(sys.__unraisablehook__)
        sys.excepthook = _unless_interrupted(sys.__excepthook__)
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = bool(os.environ.get("POLAX_DEBUG"))
    if "--debug" in words:
        words.remove("--debug")
        debug = True
    try:
        return _run(list(words))
    except PolaxError as error:
        if debug:
            raise
        print(f"polax: {printable(str(error))}", file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader of the output, such as head, has finished
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if debug:
            raise
        return _unforeseen(error, words)


def _unforeseen(error: Exception, words: Sequence[str]) -> int:
    """Say in a line that something happened which no code expects, and keep the rest in a file."""
    if isinstance(error, OSError) and error.filename is not None:  # a disk or a right is the user's, not a bug
        reason = error.strerror or describe_error(error)
        print(f"polax: {printable(str(error.filename))} cannot be used: {reason}", file=sys.stderr)
        return PolaxError.exit_status
    if lacks_memory(error):
        print(f"polax: there is not enough memory: {printable(describe_error(error))}", file=sys.stderr)
        return PolaxError.exit_status
    from .crash import write_log

    where = write_log(error, ["polax", *words])
    kept = f"the traceback is in {where}" if where is not None else "its log cannot be written"
    said = printable(f"polax: this is a bug in polax, please report it: {describe_error(error)}")
    print(f"{said} ({kept}; --debug shows it)", file=sys.stderr)
    return BUG


def _unless_interrupted(show: Callable[..., Any]) -> Callable[..., Any]:
    """Return one of Python's hooks for exceptions that end nothing, which ends the process if Ctrl-C is the exception.

    Python would print a traceback, and go on.
    """

    def hook(*unraised: Any) -> None:
        error = unraised[1] if len(unraised) > 1 else unraised[0].exc_value
        if not isinstance(error, KeyboardInterrupt):
            show(*unraised)
            return
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(INTERRUPTED)

    return hook


def _show_any_name() -> None:
    """Let a name that is not UTF-8 be shown with escapes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _run(words: list[str]) -> int:
    if completion.ASKED in os.environ:
        completion.complete_command(COMMANDS, _run_command)
    return _run_command(words)


def _run_command(words: list[str]) -> int:
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
        with _showing_warnings():
            status: int = module.main(words)
    except SystemExit as done:  # argparse after printing help
        return done.code if isinstance(done.code, int) else int(done.code is not None)
    return status


@contextmanager
def _showing_warnings() -> Iterator[None]:
    """Show on stderr what the logger ``polax`` warns of, unless something else does, such as a run that trains."""
    import logging

    logger = logging.getLogger("polax")
    propagate = logger.propagate

    class Warnings(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if logger.handlers == [self]:
                print(f"polax: {printable(record.getMessage())}", file=sys.stderr)

    handler = Warnings(logging.WARNING)
    logger.addHandler(handler)
    logger.propagate = False  # some libraries give the root logger a handler, and each line would be seen twice
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagate


def printable(text: str) -> str:
    """Return a text, shortened if it is very long, in which what a terminal would obey is escaped.

    A name from a stranger's file may hold anything.
    """
    short = text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in short)


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
