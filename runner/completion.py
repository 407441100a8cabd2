"""Completion in the shell, by argcomplete: what a command line can be continued with. Loads no plug-in."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterable
from typing import Any

from .. import registry
from ..options import MissingExtraError

ASKED = "_ARGCOMPLETE"
"""The shell sets this variable to ask."""


def complete_command(commands: Iterable[str], run: Callable[[list[str]], int]) -> None:
    """Print what the shell's unfinished command line can be completed with, and end the process.

    Args:
        commands: the names of all.
        run: runs a command, whose parser completes the rest.
    """
    begun = os.environ["COMP_LINE"][: int(os.environ["COMP_POINT"])].split(" ")
    words = [word for word in begun[:-1] if word]
    if len(words) > 1 and words[1] in commands:
        os.environ[ASKED] = "2"  # the word from which argcomplete reads
        run([words[1]])
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=commands)
    complete(parser)


def complete(parser: argparse.ArgumentParser) -> None:
    """Do so with the arguments of one parser.

    Raises:
        MissingExtraError: argcomplete is not installed.
    """
    try:
        import argcomplete
    except ImportError as cause:
        raise MissingExtraError("argcomplete, which completes commands in the shell,", "completion") from cause
    argcomplete.autocomplete(parser)


def with_names(argument: argparse.Action, rows: Callable[[], Iterable[registry.Listing]]) -> None:
    """Let an argument be completed with the names in a listing."""

    def names(**asked: Any) -> list[str]:
        del asked
        return [row.name for row in rows()]

    argument.completer = names  # type: ignore[attr-defined]  # where argcomplete looks
