"""A run is a folder: what was asked for, under what it ran, and what came out.

``config.json`` holds everything needed to run it again, ``manifest.json`` versions, devices and commands,
``metrics.jsonl`` one object for each update and seed; ``checkpoints/`` and ``figures/`` are folders, and loggers may
have theirs.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from ...options import PolaxError
from .spec import RunSpec

FORMAT = 1
"""Version of the folder's layout; a newer one is refused."""


class RunError(PolaxError):
    """A run folder cannot be made, read or continued."""


class RunFolder:
    """The files of one run.

    Attributes:
        path: where the folder is.
        checkpoints: the folder of the checkpoints.
        figures: the folder of the figures.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checkpoints = path / "checkpoints"
        self.figures = path / "figures"

    @classmethod
    def create(cls, path: Path | None, spec: RunSpec) -> RunFolder:
        """Make the folder of a new run, ``runs/<algorithm>-<env>-<time>`` unless ``path`` is given.

        Raises:
            RunError: the folder exists and is not empty, or cannot be written.
        """
        path = path or _free_path(spec)
        if make_folder(path):
            raise RunError(
                f"{path} is not empty; choose another --out, or continue it with: polax train --resume {path}"
            )
        folder = cls(path)
        folder.write_spec(spec)
        return folder

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """Return the folder of an existing run.

        Raises:
            RunError: there is no run, or it was written by a newer polax.
        """
        if not (path / "config.json").is_file():
            raise RunError(f"{path} is not a run folder (config.json is missing)")
        folder = cls(path)
        version = folder.read_json("config.json").get("format")
        if version != FORMAT:
            raise RunError(f"{path} has run format {version!r}, this polax reads {FORMAT}; use the polax that wrote it")
        return folder

    def spec(self) -> RunSpec:
        """Return what the run was asked to do.

        Raises:
            RunError: config.json is not what polax writes.
        """
        content = self.read_json("config.json")
        content.pop("format", None)
        try:
            return RunSpec.from_json(content)
        except (TypeError, ValueError, KeyError) as cause:
            raise RunError(f"{self.path / 'config.json'} is not what polax writes: {cause}") from cause

    def write_spec(self, spec: RunSpec) -> None:
        """Write down what the run is asked to do."""
        self.write_json("config.json", {"format": FORMAT, **spec.to_json()})

    def manifest(self) -> dict[str, Any]:
        """Return ``manifest.json``; empty where the run ended before it was written."""
        return self.read_json("manifest.json") if (self.path / "manifest.json").exists() else {}

    def write_json(self, name: str, content: dict[str, Any]) -> None:
        """Write a JSON file of the run, see `write_text`."""
        write_json(self.path / name, content)

    def read_json(self, name: str) -> dict[str, Any]:
        """Read a JSON file of the run, see `read_json`."""
        return read_json(self.path / name)

    def metrics(self) -> Iterator[dict[str, Any]]:
        """Read the lines of ``metrics.jsonl``; an unfinished last line (a killed run) is left out."""
        path = self.path / "metrics.jsonl"
        if not path.exists():
            return
        with path.open() as file:
            for number, line in enumerate(file, 1):
                if not line.endswith("\n"):
                    return
                try:
                    yield json.loads(line)
                except ValueError as cause:
                    raise RunError(f"{path} line {number} is not JSON: {line.strip()[:60]!r}") from cause

    def open_metrics(self, *, keep_until: int) -> TextIO:
        """Open ``metrics.jsonl`` for appending, without the lines of updates after ``keep_until``."""
        path = self.path / "metrics.jsonl"
        kept = [line for line in self.metrics() if line["update"] <= keep_until]
        partial = path.with_name(".metrics.jsonl.part")
        with writing(self.path):
            with partial.open("w") as file:
                write_lines(file, kept)
            partial.replace(path)
            return path.open("a")


KEPT = "what was written before is whole"


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
    partial = path.with_name(f".{path.name}.part")
    with writing(path.parent, hint=hint):
        with partial.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file, see `write_text`."""
    write_text(path, json.dumps(content, indent=2) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        RunError: it cannot be read, or is something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as cause:
        raise RunError(f"{path} cannot be read: {cause}") from cause
    if not isinstance(content, dict):
        raise RunError(f"{path} is not a JSON object")
    return content


@contextmanager
def writing(path: Path, *, hint: str = KEPT) -> Iterator[None]:
    """Turn an error of the file system into a `RunError` that names the path and ends with ``hint``."""
    try:
        yield
    except OSError as cause:
        raise RunError(f"{path} cannot be written: {cause.strerror or cause}; {hint}") from cause


def write_lines(file: TextIO, lines: Iterable[dict[str, Any]]) -> None:
    """Write one JSON object a line, and flush."""
    for line in lines:
        file.write(json.dumps(line) + "\n")
    file.flush()


def folder_name(*words: str) -> str:
    """Return names joined by hyphens, without characters that a file system may refuse."""
    return "-".join("".join(c if c.isalnum() or c in "-_" else "_" for c in word) for word in words)


def _free_path(spec: RunSpec) -> Path:
    stem = f"{folder_name(spec.algorithm, spec.env)}-{time.strftime('%Y%m%d-%H%M%S')}"
    paths = (Path("runs") / (stem + (f"-{count}" if count else "")) for count in range(1000))
    return next(path for path in paths if not path.exists())
