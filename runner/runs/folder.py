"""A run is a folder: what was asked for, under what it ran, and what came out.

``config.json`` holds everything needed to run it again, ``manifest.json`` versions, devices and commands,
``metrics.jsonl`` one object for each update and seed; ``checkpoints/`` and ``figures/`` are folders, and loggers may
have theirs.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NotRequired, TextIO, TypedDict

from ... import registry
from ...options import OptionError, check_number, check_whole_number, make_config
from .files import (
    RunError,
    check_inside,
    folder_name,
    make_folder,
    part_of,
    read_json,
    read_lines,
    set_aside,
    write_json,
    write_lines,
    writing,
)
from .lock import LOCK, alone
from .spec import MAX_SEED, RunSpec

FORMAT = 1
"""Version of the folder's layout; a newer one is refused."""

CONFIG, MANIFEST, METRICS = "config.json", "manifest.json", "metrics.jsonl"

Whole = Annotated[int, partial(check_whole_number, at_least=0)]
_Steps = Annotated[int, partial(check_whole_number, at_least=0, at_most=2**63)]
_Seconds = Annotated[float, partial(check_number, at_least=0)]


class Measure(TypedDict):
    """What a game says about one of its metrics, as `polax.envs.base.Measure`."""

    name: str
    title: str
    unit: str
    references: dict[str, float]
    plot: bool


class Origin(TypedDict):
    """A plug-in, and the distribution that it came from."""

    name: str
    target: NotRequired[str]
    distribution: NotRequired[str]
    version: NotRequired[str]
    players: NotRequired[list[dict[str, Any]]]
    """Those of the learners of each player, where they differ."""


class Manifest(TypedDict, total=False):
    """What ``manifest.json`` holds; nothing where the run ended before it was written."""

    algorithm: Origin
    env: Origin
    reference_scores: dict[str, float]
    measures: list[Measure]
    steps_per_update: dict[str, Whole]
    self_play: bool
    launches: list[dict[str, Any]]


class _Counts(TypedDict):
    """What a line of metrics has beside the metrics, which are numbers too."""

    update: Whole
    seed: Annotated[int, partial(check_whole_number, at_least=0, at_most=MAX_SEED)]
    seconds: _Seconds
    env_steps: NotRequired[_Steps]


def _check_numbers(where: str, row: dict[str, Any]) -> None:
    """Raise ValueError unless every entry of a line is a number; NaN is one, for a value that an update lacks."""
    for name, value in row.items():
        if type(value) is not float and (type(value) is not int or abs(value) > 2**63):
            raise ValueError(f"{where}.{name} must be a number, not {value!r:.60}")


Row = Annotated[_Counts, _check_numbers]
"""A line of ``metrics.jsonl``."""


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
            RunError: the folder exists and is not empty, or cannot be written, or another process makes it.
        """
        path = path or _free_path(spec)
        _make_empty(path)
        folder = cls(path)
        with alone(path):
            _make_empty(path)  # another process may have filled it before this one had the lock
            folder.write_spec(spec)
        return folder

    @classmethod
    def open(cls, path: Path, *, within: Path | None = None) -> RunFolder:
        """Return the folder of an existing run.

        Args:
            path: where it is.
            within: a folder that all its files must be in, see `check_inside`.

        Raises:
            RunError: there is no run, or it was written by a newer polax.
        """
        if not (path / CONFIG).is_file():
            raise RunError(f"{path} is not a run folder ({CONFIG} is missing)")
        for name in (CONFIG, MANIFEST, METRICS) if within is not None else ():
            check_inside(within, path / name)  # type: ignore[arg-type]
        folder = cls(path)
        version = folder.config().get("format")
        if version != FORMAT:
            raise RunError(f"{path} has run format {version!r}, this polax reads {FORMAT}; use the polax that wrote it")
        return folder

    def config(self) -> dict[str, Any]:
        """Return ``config.json`` as it is."""
        content: dict[str, Any] = read_json(self.path / CONFIG)
        return content

    def spec(self) -> RunSpec:
        """Return what the run was asked to do.

        Raises:
            RunError: config.json is not what polax writes.
        """
        content = self.config()
        content.pop("format", None)
        try:
            return make_config(RunSpec, content, what="it")
        except OptionError as cause:
            raise RunError(
                f"{self.path / CONFIG} is not what polax writes: {str(cause).removeprefix('it: ')}"
            ) from cause

    def trusted_spec(self, *, allow_import: bool = False) -> RunSpec:
        """Return `spec`, whose names may be imported.

        Args:
            allow_import: whether it may name code (``package.module:ATTRIBUTE``) that the user has not asked for.

        Raises:
            PluginError: it names such code, and may not.
        """
        return trusted(self.spec(), self.path / CONFIG, allow_import=allow_import)

    def write_spec(self, spec: RunSpec) -> None:
        """Write down what the run is asked to do."""
        write_json(self.path / CONFIG, {"format": FORMAT, **spec.to_json()})

    def manifest(self) -> Manifest:
        """Return ``manifest.json``; empty where the run ended before it was written."""
        path = self.path / MANIFEST
        found: Manifest = read_json(path, Manifest) if path.exists() else {}
        return found

    def versions(self) -> dict[str, str | None]:
        """Return the versions of the packages that trained it last; empty where that is not known."""
        launches = self.manifest().get("launches", [])
        return launches[-1].get("versions", {}) if launches else {}

    def write_manifest(self, manifest: Manifest) -> None:
        """Write ``manifest.json``."""
        write_json(self.path / MANIFEST, manifest)

    def metrics(self) -> Iterator[dict[str, Any]]:
        """Read the lines of ``metrics.jsonl``; an unfinished last line (a killed run) is left out.

        Raises:
            RunError: a line is damaged.
        """
        path = self.path / METRICS
        for line in read_lines(path, Row) if path.exists() else ():
            if line.problem:
                raise RunError(
                    f"{path} line {line.number} {line.problem}; polax doctor {self.path} --repair keeps the other lines"
                )
            yield line.content

    def repair_metrics(self, *, keep_until: int | None = None) -> list[str]:
        """Write ``metrics.jsonl`` anew from the lines that are whole, if any is damaged or there twice.

        Args:
            keep_until: the update of the last lines to keep; None: all.

        Returns:
            What was wrong, and where the damaged file is now.

        Raises:
            RunError: the file cannot be read or written.
        """
        path = self.path / METRICS
        problems: list[str] = []
        kept: dict[tuple[int, int], dict[str, Any]] = {}
        for line in read_lines(path, Row) if path.exists() else ():
            place = (line.content["update"], line.content["seed"]) if line.content else None
            if place is None or place in kept:
                problems.append(f"line {line.number} {line.problem or 'repeats an update and seed'}")
            elif keep_until is None or place[0] <= keep_until:
                kept[place] = line.content
        if not problems and keep_until is None:
            return []
        partial = part_of(path)
        with writing(self.path), partial.open("w") as file:
            write_lines(file, kept.values())
        aside = [f"the damaged file is {set_aside(path).name} now"] if problems else []
        with writing(self.path):
            partial.replace(path)
        more = [f"{len(problems) - 3} more lines"] if len(problems) > 3 else []
        return [f"{METRICS}: {each}" for each in [*problems[:3], *more]] + aside

    def missing_metrics(self, seeds: Sequence[int], ended: Sequence[int], update: int) -> list[int]:
        """Return the updates up to one of which ``metrics.jsonl`` lacks lines.

        Args:
            seeds: of the run.
            ended: the update at which each seed stopped being finite, 0 while it trains.
            update: the last one that must be there.
        """
        there = {(row["update"], row["seed"]) for row in self.metrics()}
        last = {seed: end - 1 if end else update for seed, end in zip(seeds, ended, strict=True)}
        return [
            number
            for number in range(update + 1)
            if any(number <= last[seed] and (number, seed) not in there for seed in seeds)
        ]

    def open_metrics(self, *, keep_until: int) -> TextIO:
        """Open ``metrics.jsonl`` for appending and reading, without the lines of updates after ``keep_until``."""
        self.repair_metrics(keep_until=keep_until)
        with writing(self.path):
            return (self.path / METRICS).open("a+")


def trusted(spec: RunSpec, source: Path, *, allow_import: bool) -> RunSpec:
    """Return a spec that was read from a file, if its names may be imported; see `RunFolder.trusted_spec`."""
    if allow_import:
        registry.allow_import(spec.algorithm, spec.env)
    registry.check_import(spec.algorithm, spec.env, source=str(source))
    return spec


def in_words(numbers: Sequence[int]) -> str:
    """Return rising numbers of updates in words: ``updates 3 to 5, 9 and 4 more``."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    words = [" to ".join(map(str, run)) for run in runs]
    more = [f"and {len(words) - 4} more gaps"] if len(words) > 4 else []
    return f"update{'s' if len(numbers) > 1 else ''} {', '.join([*words[:4], *more])}"


def _make_empty(path: Path) -> None:
    # What a killed process leaves in a folder that it has just made counts for nothing.
    if {each.name for each in make_folder(path)} - {LOCK, part_of(path / CONFIG).name}:
        raise RunError(f"{path} is not empty; choose another --out, or continue it with: polax train --resume {path}")


def _free_path(spec: RunSpec) -> Path:
    stem = f"{folder_name(spec.algorithm, spec.env)}-{time.strftime('%Y%m%d-%H%M%S')}"
    paths = (Path("runs") / (stem + (f"-{count}" if count else "")) for count in range(1000))
    return next(path for path in paths if not path.exists())
