"""``polax report``: a tournament or a benchmark as one page for the browser."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ...options import describe_error
from .arguments import CommandParser

if TYPE_CHECKING:
    from ..report.document import Document

EPILOG = """\
The page is one self-contained file: it can be mailed, printed, and opened without a network. It is made from the files
in the folder (tournament.json, or results.json with the runs); make it again when these have changed."""


class Kind(NamedTuple):
    """What a folder may hold."""

    name: str
    file: str
    format: int
    """The latest version of the file that is understood."""
    document: Callable[[Path, dict[str, Any]], Document]


def main(arguments: list[str]) -> int:
    """Write the page."""
    parser = CommandParser("report", epilog=EPILOG)
    parser.add_argument("folder", type=Path, metavar="DIR", help="the --out of a tournament or a benchmark")
    parser.add_argument("--out", type=Path, metavar="FILE.html", help="the page to write (default: DIR/report.html)")
    options = parser.parse(arguments)

    from ..runs.folder import RunError, write_text

    out = options.out or options.folder / "report.html"
    if out.is_dir():
        raise RunError(f"{out} is a folder; give a file, such as --out {out / 'report.html'}")
    if not out.parent.is_dir() and options.out is not None:
        raise RunError(f"{out.parent} is not a folder; make it first, or choose another --out")
    html, problems = make(options.folder)
    write_text(out, html, hint="choose another --out FILE.html")
    for problem in problems:
        print(f"polax: not on the page: {problem}", file=sys.stderr)
    print(f"report: {out}")
    return 0


def make(folder: Path) -> tuple[str, list[str]]:
    """Return the page of a tournament or a benchmark, and what could not be read.

    Raises:
        RunError: there is no such folder or file, or it is damaged, or newer than this polax.
    """
    from ..report.page import to_html
    from ..runs.folder import RunError

    kind, content = _read(folder)
    try:
        found = kind.document(folder, content)
        return to_html(found), list(found.problems)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as cause:
        said = describe_error(cause)
        raise RunError(f"{folder / kind.file} is not what polax {kind.name} writes: {said}; run it again") from cause


def _kinds() -> list[Kind]:
    from ..benchmark import document as benchmark
    from ..tournament import document as tournament

    return [
        Kind("tournament", tournament.FILE, tournament.FORMAT, lambda _, content: tournament.document(content)),
        Kind("benchmark", benchmark.FILE, benchmark.FORMAT, benchmark.document),
    ]


def _read(folder: Path) -> tuple[Kind, dict[str, Any]]:
    from ..runs.folder import RunError, read_json

    if not folder.is_dir():
        raise RunError(f"{folder} is not a folder; give the --out of a polax tournament or a polax benchmark")
    kinds = _kinds()
    found = [kind for kind in kinds if (folder / kind.file).exists()]
    if not found:
        raise RunError(f"{folder} has neither {' nor '.join(kind.file for kind in kinds)}; {_hint(folder)}")
    if len(found) > 1:
        names = " and a ".join(kind.name for kind in found)
        raise RunError(f"{folder} has both a {names}; put them in folders of their own")
    (kind,) = found
    path = folder / kind.file
    content = read_json(path)
    version = content.get("format")
    if isinstance(version, int) and version > kind.format:
        raise RunError(f"{path} has format {version}, this polax reads {kind.format}; use the polax that wrote it")
    if version != kind.format or content.get("kind") != kind.name:
        raise RunError(f"{path} is not what polax {kind.name} writes; run it again, or give another folder")
    return kind, content


def _hint(folder: Path) -> str:
    if (folder / "config.json").exists():
        return f"it is one run: polax plot {folder} draws its curves, polax tournament {folder} plays it"
    if (folder / "benchmark.json").exists():
        return "its benchmark was stopped before the first result; the same polax benchmark command continues it"
    return "give the --out of a polax tournament or a polax benchmark"
