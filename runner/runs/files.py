"""The one reader and the one writer of polax's files.

A reader takes nothing on trust: a file is a regular one, not larger than it can be, in UTF-8, JSON that is not nested
deeply, and of the types that it is read as. What is written under a name is whole.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TextIO, TypeVar

from ...options import PolaxError, misfit, one_line, shown

Kind = TypeVar("Kind")

LARGEST_FILE = 2**28
"""Bytes of a JSON file, at most: the episodes of a large tournament take some of these."""

LARGEST_LINE = 2**20
"""Bytes of a line of JSON, at most."""

DEEPEST = 24
"""Levels of nesting, at most."""

KEPT = "what was written before is whole"


class RunError(PolaxError):
    """A run folder cannot be made, read or continued."""


def read_json(path: Path, kind: type[Kind] | Any = dict[str, Any], *, within: Path | None = None) -> Any:
    """Read a JSON file.

    Args:
        path: of the file.
        kind: what it holds, as for `polax.options.misfit`.
        within: a folder that the file must be in, also where a symbolic link leads.

    Returns:
        What it holds, of that kind.

    Raises:
        RunError: it cannot be read, or is something else.
    """
    if within is not None:
        check_inside(within, path)
    text = read_bytes(path)
    try:
        return parse_json(text, kind, "it")
    except ValueError as cause:
        raise RunError(f"{path} cannot be read, it is damaged or not what polax writes: {one_line(cause)}") from cause


def read_bytes(path: Path) -> bytes:
    """Return what a regular file of a possible size holds.

    Raises:
        RunError: it is something else, or cannot be read.
    """
    with _reading(path), _open_regular(path) as file:
        text = file.read(LARGEST_FILE + 1)
    if len(text) > LARGEST_FILE:
        raise RunError(f"{path} is larger than {LARGEST_FILE >> 20} MiB, which no file of polax is")
    return text


def parse_json(text: bytes, kind: Any, what: str) -> Any:
    """Return what a text of JSON holds.

    Raises:
        ValueError: it is not JSON in UTF-8, is nested deeply, or is not of that kind; ``what`` names it.
    """
    try:
        content = json.loads(text.decode("utf-8"))
    except RecursionError as cause:
        raise ValueError(f"{what} is nested more than {DEEPEST} levels deep") from cause
    check_depth(content, what)
    problem = misfit(content, kind, what)
    if problem is not None:
        raise ValueError(problem)
    return content


class Line(NamedTuple):
    """A line of a file, as it was read."""

    number: int
    content: Any
    """None where the line is damaged."""
    problem: str
    """What is wrong with it; empty where nothing is."""


def read_lines(path: Path, kind: Any) -> Iterator[Line]:
    """Read a file of one JSON value a line; a last line without its end, which a killed process leaves, is left out.

    Raises:
        RunError: the file itself cannot be read.
    """
    with _reading(path), _open_regular(path) as file:
        number = 0
        while text := file.readline(LARGEST_LINE):
            number += 1
            if not text.endswith(b"\n"):
                if len(text) < LARGEST_LINE:
                    return
                while text and not text.endswith(b"\n"):
                    text = file.readline(LARGEST_LINE)
                yield Line(number, None, f"is longer than {LARGEST_LINE >> 20} MiB")
                continue
            try:
                yield Line(number, parse_json(text, kind, "it"), "")
            except ValueError as cause:
                yield Line(number, None, f"is damaged: {one_line(cause)}")


def check_inside(folder: Path, path: Path) -> None:
    """Raise `RunError` if a path leads out of a folder, also where a symbolic link does: it may be a stranger's."""
    try:
        inside = path.resolve().is_relative_to(folder.resolve())
    except (OSError, ValueError, RuntimeError) as cause:  # a null character, a circle of links
        raise RunError(f"{shown(str(path))} is not a path: {one_line(cause)}") from cause
    if not inside:
        raise RunError(f"{path} leads out of {folder}, and is not read")


def read_text(path: Path, *, within: Path) -> str:
    """Return the text of a file inside a folder; empty where there is none.

    Raises:
        RunError: it leads out of the folder, or cannot be read.
    """
    check_inside(within, path)
    if not path.exists():
        return ""
    with _reading(path), _open_regular(path) as file:
        return file.read(LARGEST_LINE).decode("utf-8", errors="replace")


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as cause:
        raise RunError(f"{path} cannot be read: {cause.strerror or cause}") from cause


def _open_regular(path: Path) -> BinaryIO:
    """Open a regular file; anything else, such as a pipe, might block for ever or never end."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise RunError(f"{path} cannot be read: it is not a regular file")
    return path.open("rb")


def check_depth(content: Any, what: str) -> None:
    """Raise ValueError if lists and objects are nested deeply."""
    if _deeper_than(content, DEEPEST):
        raise ValueError(f"{what} is nested more than {DEEPEST} levels deep")


def _deeper_than(content: Any, levels: int) -> bool:
    """Tell whether lists and objects are nested more than so many levels deep."""
    layer = [content]
    for _ in range(levels + 1):
        layer = [
            inner
            for each in layer
            if isinstance(each, list | dict)
            for inner in (each.values() if isinstance(each, dict) else each)
            if isinstance(inner, list | dict)
        ]
        if not layer:
            return False
    return True


def make_folder(path: Path) -> list[Path]:
    """Make a folder for results, unless it is there, and return what is in it.

    Raises:
        RunError: it cannot be made.
    """
    if path.exists() and not path.is_dir():
        raise RunError(f"{path} is a file; choose another --out")
    with writing(path, hint="choose another --out"):
        path.mkdir(parents=True, exist_ok=True)
        return list(path.iterdir())


def write_text(path: Path, text: str, *, hint: str = KEPT) -> None:
    """Write a file so that a reader sees the old or the new one, never a part.

    Raises:
        RunError: it cannot be written; the message ends with ``hint``.
    """
    # A name that is not UTF-8, given on a command line, is written with escapes.
    write_bytes(path, text.encode(errors="backslashreplace"), hint=hint)


def write_bytes(path: Path, content: bytes, *, hint: str = KEPT) -> None:
    """Write a file as `write_text` does."""
    partial = part_of(path)
    with writing(path.parent, hint=hint):
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)


def part_of(path: Path) -> Path:
    """Return the name under which a file is written until it is whole."""
    return path.with_name(f".{path.name}.part")


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file, see `write_text`."""
    write_text(path, json.dumps(content, indent=2) + "\n")


def write_lines(file: TextIO, lines: Iterable[Mapping[str, Any]]) -> int:
    """Write one JSON object a line, flush, and return the number of bytes."""
    written = sum(file.write(json.dumps(line) + "\n") for line in lines)
    file.flush()
    return written


@contextmanager
def writing(path: Path, *, hint: str = KEPT) -> Iterator[None]:
    """Turn an error of the file system into a `RunError` that names the path and ends with ``hint``."""
    try:
        yield
    except OSError as cause:
        raise RunError(f"{path} cannot be written: {cause.strerror or cause}; {hint}") from cause


def set_aside(path: Path) -> Path:
    """Give a file or folder another name, so that it is kept but not read, and return it: ``NAME.aside``."""
    names = (path.with_name(f"{path.name}.aside{f'-{count}' if count else ''}") for count in range(10**6))
    free = next(name for name in names if not name.exists())
    with writing(path):
        return path.rename(free)


def folder_name(*words: str) -> str:
    """Return names joined by hyphens, without characters that a file system may refuse."""
    return "-".join("".join(c if c.isalnum() or c in "-_" else "_" for c in word) for word in words)
