"""``polax report``: a tournament or a benchmark as one page for the browser."""

from __future__ import annotations

import sys
from pathlib import Path

from .arguments import CommandParser

EPILOG = """\
The page holds all it needs: it can be mailed, printed, and opened without a network. It is made from the files in
the folder (tournament.json, or results.json with the runs); make it again whenever these have changed."""


def main(arguments: list[str]) -> int:
    """Write the page."""
    parser = CommandParser("report", epilog=EPILOG)
    parser.add_argument("folder", type=Path, metavar="DIR", help="the --out of a tournament or a benchmark")
    parser.add_argument("--out", type=Path, metavar="FILE.html", help="where the page goes (default: DIR/report.html)")
    options = parser.parse(arguments)

    from ..report.page import make
    from ..report.read import read
    from ..runs.folder import RunError, write_text

    out = options.out or options.folder / "report.html"
    if out.is_dir():
        raise RunError(f"{out} is a folder; give a file, such as --out {out / 'report.html'}")
    if not out.parent.is_dir() and options.out is not None:
        raise RunError(f"{out.parent} is no folder; make it first, or choose another --out")
    made = make(options.folder, read(options.folder))
    write_text(out, made.html, hint="choose another --out FILE.html")
    for problem in made.problems:
        print(f"polax: not on the page: {problem}", file=sys.stderr)
    print(f"report: {out}")
    return 0
